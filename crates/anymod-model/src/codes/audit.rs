//! Codes of the audit of finished artifacts (`A`), one or two a rule.

super::codes! {
    FOREIGN = "A0001", exit 1, "machine code of a build machine",
        "A wheel for a WebAssembly runtime, or one that claims to be for any platform, holds a library of Linux, macOS or Windows. A build system called a compiler of the machine by its absolute path, or packed a file that was there before. Nothing can load it.";
    KIND = "A0002", exit 1, "WebAssembly of the wrong kind",
        "A runtime loads shared modules: they have a section `dylink.0` that says how much memory they take. This file is an object file, or was linked as a program of its own. Link it with `-shared` (`wasm-ld -shared --experimental-pic`, `emcc -sSIDE_MODULE=2`).";
    INIT = "A0003", exit 1, "an extension module without its init function",
        "Importing `NAME` calls the exported function `PyInit_NAME`. Without it the import raises `dynamic module does not define module export function`. The file was renamed, or the function is hidden: declare it with `PyMODINIT_FUNC` and export it when linking.";
    IMPORTS = "A0004", exit 1, "an import that nobody provides",
        "The module asks for a symbol that neither the runtime nor a library it needs nor itself offers. The first call of such a function raises an error, and an address of data that is missing keeps the module from being loaded. Link the library that has it, or leave out the part that uses it.";
    NEEDED = "A0005", exit 1, "a needed library where the runtime does not look",
        "The module names a library that has to be loaded before it. Runtimes look in the directories of the module's runtime path, in `/usr/lib` and at the top of `site-packages`; those before runtime paths (emscripten 3) look in `NAME.libs`, in the module's directory and below it. Put the library there, set the runtime path, or link it statically.";
    EXCEPTIONS = "A0006", exit 1, "another way of exceptions than the runtime's",
        "All modules of a program have to throw and catch in one way: through JavaScript (`invoke_` imports, `-fexceptions`) or by instructions with the tag `__cpp_exception` (`-fwasm-exceptions`); the same goes for `longjmp`. Otherwise the module does not load, or an exception ends the program. Compile everything for the ABI of the runtime, vendored libraries included.";
    ENGINE = "A0007", exit 1, "instructions that older engines do not have",
        "The module is valid WebAssembly, but not for Node.js 20 and browsers of its time. Constant expressions that calculate come from `+extended-const`, which some compilers turn on by themselves; `try_table` is the later encoding of exceptions. Compile without the feature if such engines matter.";
    SHARED_MEMORY = "A0008", exit 1, "a module for shared memory",
        "The module was compiled for threads (`-pthread`) and asks for memory that threads share. The runtime's memory is not shared, so that the module cannot be loaded. Compile without threads.";
    PRIVATE_PATH = "A0009", exit 1, "a path of the build in an artifact",
        "A file of the artifact tells where it was built. That is of no use to anyone who installs it, differs from machine to machine, and may give away names. It comes from `__FILE__`, assertions, debug information or generated configuration: map the directory away (`-ffile-prefix-map=OLD=NEW`), strip debug information, or leave the file out.";
    MACHINE_PATH = "A0010", exit 1, "a path that looks like one of a build machine",
        "A module holds an absolute path below a home or temporary directory. It comes from `__FILE__`, assertions, panics or debug information. Map the directory away (`-ffile-prefix-map=OLD=NEW`, for Rust `--remap-path-prefix`).";
    TAGS = "A0011", exit 1, "a wheel for something else than the runtime",
        "None of the wheel's tags (interpreter, ABI, platform) is one that the runtime's installer takes. Build for this runtime, or name the release that the wheel is for.";
    PURE = "A0012", exit 1, "a wheel that claims to be pure and is not",
        "The wheel's tag says that it holds nothing for any one platform, but there is an extension module in it. It would be installed everywhere. Give it the tag of its platform.";
    TAG_LINES = "A0013", exit 1, "tags of the name and of the wheel differ",
        "The lines `Tag` in the file `WHEEL` have to be those of the file name, all combinations of them. The file was renamed. `anymod whl retag` changes both.";
    RECORD = "A0014", exit 1, "the record is not that of the files",
        "`RECORD` lists every file with its hash and size, and installers check it. Files were added, changed or removed after it was written. Packing the wheel again writes a new one.";
    METADATA = "A0015", exit 1, "the file name is not that of the package",
        "Name and version of the file, of the directory `*.dist-info` and of `METADATA` have to be the same. Installers refuse a wheel where they differ.";
    LOST = "A0016", exit 1, "an expected extension module is not there",
        "The source declares an extension module that the wheel does not hold. Some packages go on without it when its compiler fails, and the backend reports success. Look for the compiler's error in the build's output.";
    UNIMPORTABLE = "A0017", exit 1, "an extension module that the runtime does not find",
        "Its name ends with the tag of another interpreter or platform, so that the runtime's import does not look at it. The build took the suffix of the build machine.";
    TWICE = "A0018", exit 1, "two files for one module",
        "The runtime imports the first that it finds and never the other. One is left over from another build.";
}
