//! Codes of Node.js addons (`N`): their identity, their audit, building, declarations, loading and packing.

super::codes! {
    IDENTITY = "N0001", exit 1, "an addon without an identity",
        "An addon that anymod makes says in the file itself what it is: name, version, Node-API version, platform, variant and sums of its content, in an ELF note, a Mach-O section or a PE section. Loaders read it before they load the file. This file has none, or one that cannot be read: it was made by something else, or damaged.";
    DAMAGED = "N0002", exit 1, "an addon that is not as it was made",
        "The sums of the file's content are not those of its identity. The file was cut short or changed after it was made. Loading such a file can end the process with a signal, so that loaders refuse it. Build or install it again; tools that change a file after the link, for instance `strip`, have to run before it is sealed.";
    NAME = "N0003", exit 1, "an addon that is not what its name says",
        "Addons are called `<name>.<platform>-<arch>[-musl][-<variant>].node`. Format, architecture, C library and identity of the file have to be those of its name, because a loader chooses by the name. The file was renamed or overwritten.";
    FORMAT = "N0004", exit 1, "not a library that Node.js can load",
        "Node.js loads addons as shared libraries of its platform: ELF on Linux, Mach-O on macOS, PE on Windows. The file is of another kind, or damaged.";
    NEEDED = "N0005", exit 1, "a needed library that is not part of every system",
        "The addon names a library that has to be loaded with it, and not every machine of its platform has that. Link the library statically.";
    GLIBC = "N0006", exit 1, "a newer glibc than the floor",
        "The addon asks for versions of symbols that only a newer glibc has than the floor that is promised; on an older system it does not load. The managed zig links against the floor; a host's own compiler against the host's glibc.";
    NAPI = "N0007", exit 1, "a function that Node.js does not have",
        "The addon asks Node.js for a function of Node-API that no release has, or that its Node-API version does not have. Where symbols are looked up at the first call, that call ends the process.";
    TABLES = "N0008", exit 1, "a release file with tables for debuggers",
        "A stripped release artifact still holds a symbol table or debug information. They are of no use where it is loaded, several times its size, and tell where it was built.";
    LEVEL = "N0009", exit 1, "instructions that the variant's processors do not have",
        "The code holds instructions of a higher level of x86-64 than the variant is for. A processor without them ends the process. They come from a library that was compiled for another level, from assembler, or from functions that are only called after asking the processor: name those in `dispatched`.";
    REGISTER = "N0010", exit 1, "an addon that registers nothing",
        "Node.js calls the exported function `napi_register_module_v1` of an addon. Without it, `require` throws `Module did not self-register`. Export it with `NAPI_MODULE_INIT()`; a Rust crate has it through napi or defines it.";
    CROSS_VARIANT = "N0101", exit 2, "a cross build without a variant",
        "For x86-64 there are several variants, and which of them is wanted follows from this machine's processor only if the build is for this machine. Say it with `--variant`, or list `variants` in the manifest.";
    NO_VARIANTS = "N0102", exit 2, "a variant for an architecture that has none",
        "Variants are levels of the x86-64 instruction set. Other architectures have one build, without a variant in its name. Leave `--variant` out for them.";
    UNKNOWN_VARIANT = "N0103", exit 2, "no such variant",
        "`modern` (x86-64-v3) and `baseline` (x86-64-v2) are built in; `variants` of the manifest can add others as `NAME=LEVEL`. `all` stands for all of them.";
    HEADERS = "N0104", exit 3, "the headers of Node-API are missing",
        "Addons in C are compiled with the headers of npm's package `node-api-headers`. `anymod toolchain install node-api-headers` installs the pinned one through npm as it is configured on the machine.";
    ARTIFACTS = "N0105", exit 1, "not exactly one artifact",
        "A build of a crate has to leave exactly one library that can be loaded. The message lists what is there. The crate needs `crate-type = [\"cdylib\"]`.";
    MISSING_STD = "N0106", exit 3, "no standard library of Rust for the target",
        "The Rust compiler on this machine has no standard library for the target. Install it (`rustup target add TARGET`), or build for the platforms that it has.";
    DECLARATIONS = "N0107", exit 1, "declarations that do not fit",
        "The declarations of a module name something that the built addon does not export, or leave out something that it does. TypeScript would believe the declarations.";
    PACK_MISSING = "N0201", exit 1, "a file of a package is not there",
        "An npm package of an addon is made of what was built for every platform that the manifest names. A core package whose platforms are not all there installs without an error and then has no addon, so that none is made. Build what the message lists.";
    PACK_MISMATCH = "N0202", exit 1, "packages that do not fit together",
        "The core package pins the package of each platform to its own version and records the sum of every file. One is missing, of another version, or not as it was packed. Pack all of them again from one build, and publish them together.";
}
