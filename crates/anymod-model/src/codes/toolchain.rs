//! Codes of toolchain and runtime discovery (`T`).

super::codes! {
    MISSING = "T0001", exit 3, "no toolchain for the target",
        "Nothing on this machine compiles for the target. `anymod doctor` lists what was looked for and the command that installs it.";
    UNUSABLE = "T0002", exit 3, "a tool was found but does not work",
        "The tool exists but could not be started, or what it made for a tiny test file is not what the target needs. The message holds what it said. A broken installation or a tool for another machine are the usual reasons.";
    CHOICE = "T0003", exit 2, "not a choice of toolchain",
        "`--toolchain` and `ANYMOD_TOOLCHAIN` take `auto`, `gnu` or `zig`; a path or a prefix belongs into the manifest's `[toolchain.…]` section.";
    UNSUPPORTED = "T0004", exit 3, "the toolchain does not serve the target",
        "The chosen compiler cannot generate code for the target; the clang inside zig has no Xtensa back end. Choose another toolchain for this target.";
    LIBRARY = "T0005", exit 3, "a library of the toolchain is missing",
        "A name in `libraries` stands for an archive that comes with the compiler, and this compiler has none for the target. Install the package that holds it, choose another toolchain or list an archive of your own in `sources`.";
    MPY_CROSS = "T0006", exit 3, "no mpy-cross for the ABI",
        "Python sources are compiled by mpy-cross, and the one found, if any, writes another version of `.mpy` files than the module's `abi` asks for. `anymod toolchain install mpy-cross` installs one for every ABI.";
    INSTALL = "T0007", exit 4, "a toolchain could not be installed",
        "The download, its check or its unpacking failed; nothing was left behind. The message says which.";
    NOT_INSTALLABLE = "T0008", exit 2, "anymod does not install this",
        "`anymod toolchain install` knows `zig` and `mpy-cross`, and each only for the platforms that its publisher builds for.";
}
