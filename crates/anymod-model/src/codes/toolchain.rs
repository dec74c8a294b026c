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
    TARGET_MISSING = "T0009", exit 3, "the target environment was not added",
        "Building or probing for a release of Pyodide takes its target environment: the runtime, headers, symbols and tools. `anymod target add pyodide@VERSION` makes it.";
    TARGET_NAME = "T0010", exit 2, "not the name of a target with an environment",
        "Environments exist for releases of Pyodide, named with their full version: `pyodide@0.29.5`. A range or a word such as `latest` would mean something else tomorrow.";
    TARGET_ADD = "T0011", exit 4, "a package of a target environment could not be fetched or unpacked",
        "An environment is made of packages that come through npm, pip and apt as they are configured on the machine. The message says which package failed and what the tool said; nothing was left behind, and an environment that was there is still there.";
    TARGET_RUNTIME = "T0012", exit 4, "the runtime is not as expected",
        "The package of the runtime lacks a file or holds one that cannot be read, or the runtime does not boot under this machine's Node. Releases before 0.25 and very new ones may be built in ways that this version does not know.";
    TARGET_LOCK = "T0013", exit 1, "not the package that is pinned or locked",
        "A package's hash differs from the one that this version of anymod is pinned to, or from the one in the project's lock. A published version never changes: a registry or mirror gave something else. With `--lock`, only what the lock names is taken.";
    TARGET_HEADERS = "T0014", exit 3, "no headers of the runtime's CPython",
        "Extension modules are compiled with the headers of CPython's same minor version. They are taken from an installation of that version on this machine (on the `PATH`, in pyenv or among uv's), else from Debian's package.";
    TARGET_TOOLS = "T0015", exit 3, "the tools for the target are missing or too old",
        "Code for Pyodide takes clang 19 or newer with lld and LLVM's tools, the managed zig, or the emscripten of the runtime's version. The message says what was looked for and the command that installs it.";
    TARGET_ABI = "T0016", exit 3, "headers or tools make code for another runtime",
        "The C++ library's headers, its exceptions and the way of `setjmp` have to be those of the runtime; a wheel built with others would link and then crash. The combination is refused before anything is compiled.";
    TARGET_SETJMP = "T0017", exit 3, "`setjmp` does not work with this compiler and runtime",
        "Clang 19 changed the functions that `setjmp` and `longjmp` call. Runtimes built with emscripten before 3.1.58 have the former ones only: a call of `setjmp` fails in them. All other code is fine, and the audit of a wheel tells whether it calls them.";
    TARGET_DAMAGED = "T0018", exit 1, "the target environment is damaged",
        "A file of the environment is missing, was changed or does not belong there. `anymod target add` makes a damaged environment anew.";
    INTERPRETER = "T0021", exit 3, "no CPython to build for",
        "Extension modules are compiled with the headers of the very CPython that is to load them. It is looked for as `python3.N` on the `PATH` and among the versions of pyenv, or in the directory that the manifest names.";
}
