//! Codes of wheels: their names, their container and what they say of themselves (`W00..`).

super::codes! {
    NAME = "W0001", exit 1, "not a wheel's file name",
        "A wheel is called `NAME-VERSION(-BUILD)-PYTHON-ABI-PLATFORM.whl`; each of the three tags may be several joined with dots. Installers read the name before they open the file, so a wheel of any other name cannot be installed.";
    NOT_ZIP = "W0002", exit 1, "not a zip file",
        "Wheels are zip files, which end with a directory of their entries. This file has none: it is something else, or it was cut short while it was copied.";
    DAMAGED = "W0003", exit 1, "damaged zip file",
        "The zip file contradicts itself: an entry lies outside of the file or over another one, its two headers differ, or its bytes are not those of its checksum. Installers may each make something else of such a file. Build or download it again.";
    UNSAFE = "W0004", exit 1, "an entry that no installer may unpack",
        "Entries of a wheel are regular files with relative names below the directory that they are installed to. An absolute name, `..`, a backslash, a symbolic link or device, or a name that occurs twice would write where nobody looks, or leave open which file is meant.";
    TOO_LARGE = "W0005", exit 1, "a zip file larger than it can be",
        "The entries say that they unpack to more than 2 GiB, or to far more than their bytes can hold. Such files exist to fill memory and disks.";
    UNSUPPORTED = "W0006", exit 1, "a zip file of an unusual kind",
        "Installers of wheels unpack entries that are stored or deflated. This file has encrypted entries, another compression, several volumes or the 64-bit form, which a wheel for a 32-bit runtime cannot need.";
    CONTENTS = "W0007", exit 1, "the wheel does not describe itself",
        "A wheel holds one directory `NAME-VERSION.dist-info` with the files `WHEEL`, `METADATA` and `RECORD`. One is missing, or cannot be read.";
    TAG = "W0008", exit 2, "not a tag",
        "The tags of a wheel are made of letters, digits and underscores; several are joined with dots, as in `cp312.cp313`.";
    LAYOUT = "W0009", exit 1, "a file name that cannot be put into a wheel",
        "Names in a wheel are relative, use `/`, and name one file each: not `..`, not a backslash, not the same name as a directory of another file.";
    START = "W0101", exit 4, "a program of a wheel's build cannot be started",
        "The program exists no more or cannot be run. The message holds the operating system's reason.";
    SOURCE = "W0102", exit 2, "not a package",
        "`anymod wheel` takes the directory of a package, which holds `pyproject.toml` or `setup.py`, a source distribution (`.tar.gz` or `.zip`) or a release such as `ujson==5.10.0`.";
    UNPACK = "W0103", exit 1, "a source distribution cannot be unpacked",
        "The archive is damaged, or it would write outside its directory, or it holds something other than files, directories and links that stay inside. Nothing of it was used.";
    FETCH = "W0104", exit 4, "a source distribution cannot be fetched",
        "pip, as it is configured on this machine, did not find or could not download the source distribution of the release. The message holds what it said.";
    HASH = "W0105", exit 1, "a source distribution has another hash",
        "The bytes are not those that `--hash` or a pin names. Nothing of them was used.";
    PYTHON = "W0106", exit 3, "no CPython of the target's version",
        "A build backend runs on this machine, in a CPython of the same minor version as the target's. One is looked for on the `PATH`, among pyenv's versions and among those that uv manages.";
    ENVIRONMENT = "W0107", exit 4, "a build environment cannot be made",
        "What the backend needs could not be installed. The message holds what uv or pip said.";
    PYPROJECT = "W0108", exit 2, "`pyproject.toml` cannot be understood",
        "The file is not TOML, or its section `[build-system]` is not as PEP 517 and PEP 518 describe it.";
    BACKEND = "W0109", exit 4, "the build backend failed",
        "The package's own backend ended with an error, or wrote no wheel. What it and the compilers said is shown unchanged above the message.";
    LOST = "W0110", exit 1, "a wheel lost an extension module",
        "A compiler failed on a file of the package, and the backend built the wheel without what that file makes. Such a wheel installs and is slow or broken. `--allow-lost` takes it all the same.";
    NOT_A_TARGET_WHEEL = "W0111", exit 1, "the backend built a wheel for another platform",
        "The wheel has extension modules, and its tags say that they are for something else than the target.";
    RUST = "W0112", exit 3, "no Rust for the target",
        "The package is in part Rust, and the Rust of this machine has no standard library for `wasm32-unknown-emscripten`, or one whose exceptions are not the runtime's, or there is no Rust at all. rustup installs the library with `rustup target add wasm32-unknown-emscripten`. All this is looked at before anything is compiled.";
}
