//! Codes of the linker and of the readers of objects and archives (`L`).

super::codes! {
    NOT_AN_OBJECT = "L0001", exit 1, "not an object file or archive",
        "The linker reads ELF relocatable objects and `ar` archives and tells them apart by their first bytes. This file is neither: check that the path names a compiler's output (`cc -c`) and not a source, a listing or a half-written file.";
    MALFORMED = "L0002", exit 1, "malformed input",
        "The file starts like an object or an archive but contradicts itself further on: an offset past the end, an index of a section that does not exist, a name that never ends. It is usually truncated; build it again.";
    WRONG_ENDIAN = "L0003", exit 1, "big-endian object",
        "Every architecture MicroPython loads native modules for is little-endian. Pass the compiler the target's options (for example drop `-mbig-endian`).";
    WRONG_CLASS = "L0004", exit 1, "object of the wrong ELF class",
        "A 32-bit object cannot enter a 64-bit module, nor the other way round. Compile for the module's architecture (for example `-m32` for x86, `-march=rv32imac -mabi=ilp32` for rv32imc).";
    WRONG_MACHINE = "L0005", exit 1, "object of another architecture",
        "The object's ELF machine is not the module's. Each target needs its own objects; this one was probably compiled by another compiler or left over from another target.";
    NOT_RELOCATABLE = "L0006", exit 1, "not a relocatable object",
        "The file is an executable, a shared library or a core file. A module is linked from relocatable objects: compile with `-c` and do not link first.";
    LTO_OBJECT = "L0007", exit 1, "object holds compiler bitcode, not machine code",
        "The object was compiled for link-time optimisation and holds no machine code. Compile with `-fno-lto` (or, for GCC, `-ffat-lto-objects`).";
    WASM_OBJECT = "L0008", exit 1, "WebAssembly object",
        "The object holds WebAssembly. MicroPython's native modules are machine code: compile for the module's architecture.";
    THIN_ARCHIVE = "L0009", exit 1, "thin archive",
        "A thin archive holds the paths of its members, not the members. Make a normal one: `ar rcs new.a $(ar t old.a)`.";
    NESTED_ARCHIVE = "L0010", exit 1, "archive inside an archive",
        "A member of the archive is itself an archive. Unpack it (`ar x`) and make one flat archive from the members.";
    LINKER_SCRIPT = "L0011", exit 1, "linker script instead of an archive",
        "The file is text, most likely a linker script such as `GROUP ( … )` that stands in for a library. Name the archives listed in it instead.";
    EMPTY_INPUT = "L0012", exit 1, "empty file",
        "The file has no bytes. The compiler was probably interrupted; build it again.";
    FLOAT_ABI = "L0014", exit 1, "object uses another float calling convention",
        "Soft-float and hard-float code pass floating point arguments in different registers, so a call between them reads garbage. Compile every object with the float ABI of the module's architecture: `-mfloat-abi=hard` with the right `-mfpu` for armv7emsp and armv7emdp, `-mfloat-abi=soft` for armv6m and armv7m, `-mabi=ilp32` or `lp64` for RISC-V. zig ignores `-mfpu`; give it a cpu with the unit, for example `-mcpu=cortex_m4+vfp4d16sp`.";
    CPU_LEVEL = "L0015", exit 1, "object needs a bigger core than the module promises",
        "The object's build attributes ask for instructions that the module's architecture does not have; a runtime on the smaller core would load the module and then fault. Compile for the module's core or build the module for the bigger one.";
    ISA_FLAGS = "L0016", exit 1, "object uses another instruction set variant",
        "The object's ELF flags or attributes name a variant of the instruction set (RV32E, an old ARM EABI, A32 code on an M-profile core) that cannot be mixed into this module. Compile it with the module's target options.";
    COMPRESSED_SECTION = "L0017", exit 1, "compressed section",
        "A section that the module needs is stored compressed. Recompile, or run `objcopy --decompress-debug-sections` on the object.";

    FOREIGN_OBJECT = "L0018", exit 1, "object of another platform",
        "An archive holds code for one platform. The message says which object or member is for which; a native object among WebAssembly, or the other way round, is the usual reason.";
    EMPTY_ARCHIVE = "L0019", exit 1, "archive without members",
        "Linkers take an archive without members silently, and what it should have held is missing at run time.";
    OTHER_ABI = "L0020", exit 1, "object with another ABI stamp",
        "The object says in its section `anymod.abi` what it was built for, and that is not what the archive is built for.";
    UNDEFINED = "L0101", exit 1, "undefined symbol",
        "An object refers to a symbol that no input defines and that the runtime does not offer. Add the source or archive that defines it, or give its address with `--externs`.";
    DUPLICATE = "L0102", exit 1, "duplicate symbol",
        "Two inputs define the same strong symbol. Rename one, make it `static`, or drop one of the inputs.";
    NO_ENTRY = "L0103", exit 1, "no `mpy_init`",
        "A native module starts at the function `mpy_init`, which no input defines. With `py/dynruntime.h` write `mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args)`; in C++ declare it `extern \"C\"`.";
    DISCARDED_REFERENCE = "L0104", exit 1, "reference into a discarded section",
        "An object refers to a local symbol of a section group (COMDAT) of which another object's copy was kept. The objects were compiled from different versions of one header or by different compilers; rebuild them all.";
    ENTRY_NOT_CODE = "L0105", exit 1, "`mpy_init` is not code",
        "The symbol `mpy_init` is defined, but as data or as an address outside the module. Define it as a function.";
    EXTERN_SHADOWED = "L0106", exit 1, "ROM symbol is also defined by an object",
        "`--externs` gives the address of a symbol that an input defines too. The input's definition is used; remove one of the two.";

    STATIC_DATA = "L0201", exit 1, "initialised static data where code is not writable",
        "The runtime of this architecture keeps a module's code in memory that cannot be written, so writable data has no place in it. Make the data `const`, or initialise it in `mpy_init` after allocating it.";
    STATIC_BSS = "L0202", exit 1, "static variable reached relative to the code",
        "The object reaches an uninitialised static variable by its distance from the code. The variable would have to live inside the code, which the target or an option (`static-data`) forbids. Make the variable global so that it is reached through the GOT, or allocate it in `mpy_init`.";
    THREAD_LOCAL = "L0203", exit 1, "thread-local variable",
        "Native modules have no thread-local storage. Remove `thread_local`/`__thread`, or for `errno` of a C library use another function.";
    ALIGNMENT = "L0204", exit 1, "alignment that the loader does not promise",
        "The runtime places a module's memory on its heap's granularity, which is less than a section asks for. Lower the alignment of the variable named, or align at run time.";
    TOO_LARGE = "L0205", exit 1, "module too large",
        "The module is larger than the format or any runtime can hold. Look for a large static array.";
    CONSTRUCTORS = "L0206", exit 1, "constructors are not supported here",
        "The module has constructors (`.init_array`) and this architecture or mode has no way to run them before `mpy_init`. Initialise explicitly in `mpy_init`.";

    UNSUPPORTED_RELOCATION = "L0301", exit 1, "unsupported relocation",
        "The object uses a relocation that the linker cannot express in a native module. Compile position-independent code (`-fpic`) with the target options that `anymod targets` shows.";
    OUT_OF_RANGE = "L0302", exit 1, "relocation out of range",
        "A branch or load cannot reach its target. Make the module smaller, or for branches compile with `-mlong-calls` (ARM) or `-mlongcalls` (Xtensa).";
    MISALIGNED = "L0303", exit 1, "relocation to a misaligned address",
        "The instruction can only name aligned addresses and the target is not one. An assembler source probably misses an `.align`.";
    NOT_POSITION_INDEPENDENT = "L0304", exit 1, "code is not position-independent",
        "The instruction holds part of an absolute address, which the runtime cannot adjust when it loads the module. Compile with `-fpic` (RISC-V: `-mcmodel=medany`; ARM: `-fpic`, no `-mslow-flash-data`/`-mpure-code`).";
    UNALIGNED_WORD = "L0305", exit 1, "address stored in an unaligned word",
        "The runtime can only adjust addresses in aligned words. Remove `packed` from the structure, or align the section.";
    CROSS_MEMORY = "L0306", exit 1, "code and data are loaded apart",
        "The object assumes a fixed distance between two places which this runtime loads into different memory. Compile with `-fpic` so that the address goes through a literal or the GOT.";
    WEAK_UNDEFINED = "L0307", exit 1, "address of an undefined weak symbol",
        "The symbol is weak and nothing defines it, so its address is zero, which this relocation cannot express in a module. Define the symbol or take its address through the GOT (`-fpic`, default visibility).";
    DIRECT_EXTERNAL = "L0308", exit 1, "runtime symbol reached directly",
        "The symbol lives outside the module at an address known only when it is loaded, and the instruction names it by distance. Compile with `-fpic`, and do not declare runtime symbols `hidden`.";
    UNPAIRED = "L0309", exit 1, "half of an address without its other half",
        "An instruction holds the low part of an address whose high part the linker cannot find or cannot tell apart. Compile with `-mcmodel=medany` and without hand-scheduled address arithmetic.";
    BAD_INSTRUCTION = "L0310", exit 1, "relocation on another instruction than it is for",
        "The bytes at the relocation are not an instruction that the relocation may change. The object is damaged or its code and its relocations come from different builds.";

    COMPAT_REFUSED = "L0401", exit 1, "compatibility mode would reproduce a wrong module",
        "`--compat` reproduces the bytes of MicroPython's own linker, and for this input those are wrong (the module would crash or compute garbage). Link without `--compat`.";

    EXTERNS_SYNTAX = "L0501", exit 2, "symbol file cannot be read",
        "A file given with `--externs` lists ROM symbols as `name = 0x…;` or `PROVIDE(name = 0x…);`, one statement each, with C comments.";
    EXTERNS_DUPLICATE = "L0502", exit 2, "ROM symbol given twice",
        "The same symbol has two addresses in the files given with `--externs`. Keep one.";
    QSTR_TOO_LONG = "L0503", exit 1, "name too long for a qstr",
        "A runtime stores the length of an interned string in one byte; names of more than 255 bytes cannot be loaded.";

    NOT_WASM = "L0601", exit 1, "not a WebAssembly module",
        "The file does not begin as a WebAssembly module does, with `\\0asm` and version 1. It may be machine code of the build machine, a component instead of a module, or a damaged download.";
    WASM_MALFORMED = "L0602", exit 1, "malformed WebAssembly module",
        "The file begins as a WebAssembly module and contradicts itself further on: a section that ends too early, a length past the end or an unknown opcode. It was cut short or is damaged; build it again.";
    WASM_INVALID = "L0603", exit 1, "invalid WebAssembly module",
        "The module can be read, but an engine will refuse it: types do not match, two exports have the same name, or an instruction is used that the engines of the target do not have. Linkers write such modules now and then without a word, for instance when two functions ask for the same export name.";

    SELF_CHECK = "L0901", exit 70, "the linker's own check of its output failed",
        "The module just written does not read back as it was laid out. This is a bug in anymod; please report it with the inputs.";
}
