//! Codes of bundles of WebAssembly archives and of ABI stamps (`G`).

super::codes! {
    STAMP_MALFORMED = "G0001", exit 1, "damaged ABI stamp",
        "An object has a section `anymod.abi` that is not the stamp that anymod writes: lines of JSON, each an object of words. Build the archive again; if another tool writes that section, give it another name.";

    NOT_WASM_OBJECT = "G0101", exit 1, "not a WebAssembly object",
        "A bundle is linked from WebAssembly objects. This member of an archive is machine code of some computer, or no object at all; most likely the archive was built for another target. `anymod flags --target wasi` shows the compiler to build it with.";
    NOT_LINKABLE = "G0102", exit 1, "WebAssembly module instead of an object",
        "The file is WebAssembly that was linked already, or that lost the section `linking` at its end: a linker cannot use it. Put the objects into the archive that the compiler makes with `-c`.";
    EMPTY_ARCHIVE = "G0103", exit 1, "archive without members",
        "The archive has no objects in it, so that linking it would do nothing without a word. It was probably made before its objects, or with a pattern that matched nothing.";
    DUPLICATE_EXPORT = "G0104", exit 1, "two functions are exported by one name",
        "Two functions ask for the same `export_name`, or one asks for the name of another that is exported. `wasm-ld` writes a module that no engine loads, without a word. Rename one.";
    DUPLICATE_SYMBOL = "G0105", exit 1, "duplicate symbol",
        "Two objects define the same symbol. If they belong to different modules and only happen to have helpers of the same name, `--isolate` keeps these apart; else make one `static` or rename it.";
    SIGNATURES = "G0106", exit 1, "function called with another signature than it has",
        "Two objects disagree about the parameters or results of a function; calling it would trap. Either a declaration is wrong, or the objects were compiled with different ABIs, for instance with and without multiple results (`-mmultivalue -Xclang -target-abi -Xclang experimental-mv`).";
    UNDEFINED_SYMBOL = "G0107", exit 1, "undefined symbol",
        "An object needs a symbol that no archive and not the C library defines. Add the archive that defines it, or, if whoever loads the bundle provides it, allow it with `--allow-import`.";
    IMPORT = "G0108", exit 1, "import that is not allowed",
        "The bundle would need something of whoever loads it beside WASI, which nobody said that it will get. Allow it with `--allow-import MODULE.NAME`; `*` stands for anything.";
    EXPORT_MISSING = "G0109", exit 1, "nothing of that name to export",
        "The export policy lists a name that no object defines. Look for a slip; C++ names need `extern \"C\"`.";
    STAMPS = "G0110", exit 1, "archives were built for different things",
        "The ABI stamps of two archives disagree, for instance in the build type or in how memory is collected: together they would crash. Build both for the same.";
    LINKER = "G0111", exit 4, "the WebAssembly linker failed",
        "`wasm-ld` ended with an error that anymod has no better words for; its own are shown.";
    MAIN_LACKS = "G0112", exit 1, "the main module lacks what the side module needs",
        "A side module imports functions and data of the main module that loads it. The main module given does not export all of them; the message lists what is missing. Link them into the main module and export them, or define them in the side module.";
    CHANGED = "G0113", exit 1, "an input changed while it was linked",
        "A file was written to between reading and linking it, so nobody can tell what is in the bundle. Run the command again when its build has ended.";
    NOTHING_EXPORTED = "G0114", exit 1, "nothing is exported",
        "The export policy leaves nothing of the archives to be called, so the bundle would be empty. Compilers hide functions of WebAssembly unless they have `export_name` or default visibility.";
    PRECOMPILE = "G0115", exit 4, "the precompiling tool failed",
        "The tool given with `--cwasm` is run as `TOOL compile -o OUT IN` and ended with an error or without the file.";
    NOT_POSITION_INDEPENDENT = "G0116", exit 1, "code of a side module is not position-independent",
        "A side module is placed anywhere in the memory of the main module. Compile its objects with `-fPIC`.";
    REQUEST = "G0117", exit 2, "request that cannot be served",
        "The options given to `anymod bundle` contradict each other or ask for what there is not.";
}
