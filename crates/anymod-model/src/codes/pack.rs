//! Codes of packaged files: reading, checking, merging and renaming `.mpy` (`P`).

super::codes! {
    NOT_MPY = "P0001", exit 1, "not a .mpy file",
        "The file does not begin with `M` and a known version. It may be a source file, an object or a truncated download.";
    MPY_VERSION = "P0002", exit 1, "another version of the .mpy format",
        "Only version 6 is read: MicroPython 1.19 and later load it. Files of earlier releases hold another bytecode and another native ABI and cannot be converted; compile or link the source again with the tools of the firmware's release.";
    MPY_TRUNCATED = "P0003", exit 1, "the .mpy file ends too early",
        "A field or a length points past the end of the file. The file was cut short while it was copied or is damaged. Make it again.";
    MPY_MALFORMED = "P0004", exit 1, "malformed .mpy file",
        "A field has a value that no writer makes: an unknown object kind, a string without its NUL, an integer over 64 bits, a prelude outside of its code or an empty qstr table. A device that loads such a file may crash.";
    MPY_TOO_DEEP = "P0005", exit 1, "the .mpy file nests too deeply",
        "Tuples or pieces of code lie inside each other more than a hundred deep. Loaders recurse once a level and would overflow a device's stack.";
    MERGE_EMPTY = "P0101", exit 2, "nothing to merge",
        "A merge needs at least one `.mpy` file; one alone is copied.";
    MERGE_NATIVE = "P0102", exit 1, "more than one native file to merge",
        "Machine code reaches its qstrs and objects at fixed places in the file's tables, and only the first file's places stay when tables are put end to end. Link all native sources into one module and merge that with the compiled Python files.";
    MERGE_CODE = "P0103", exit 1, "code cannot be moved into the merged file",
        "The indices in every merged file but the first move up, which makes some instructions longer. That failed: the bytecode is damaged, a function is so long that a jump no longer reaches, or the file holds machine code that its header does not announce.";
    NAME = "P0110", exit 2, "unsuitable stored name",
        "The name stored in a `.mpy` file is printed in tracebacks on the device. It must not be empty, an absolute path, lead out of its directory, hold control characters or backslashes, or exceed 255 bytes. Use a name such as `module.py` or `package/module.py`.";
    NAME_IN_USE = "P0111", exit 1, "the stored name is a string of the program",
        "The compiler keeps one table entry for the file's name and for an equal string in the program. Changing one would change the other, and the table is too long to take the string out in place. Compile the source again with the wanted name (`mpy-cross -s NAME`).";
    LOAD_ABI = "P0201", exit 1, "native code for other releases of MicroPython",
        "Native code is bound to the functions and structures of a range of releases, told by the sub-version in the file's header: 6.0 is 1.19, 6.1 is 1.20 and 1.21, 6.2 is 1.22, 6.3 is 1.23 and later. A loader takes only its own and raises `incompatible .mpy file`. Link with the matching `--abi`. Pure bytecode is not concerned.";
    LOAD_ARCH = "P0202", exit 1, "native code for another architecture",
        "The loader raises `incompatible .mpy arch`, or `native code in .mpy unsupported` if its firmware was built without native code. ARM loaders take every ARM architecture from armv6m up to their own; all others only their own. Build for the device's architecture.";
    LOAD_ARCH_FLAGS = "P0203", exit 1, "instruction-set extensions that the loader does not have",
        "The header says that the code uses extensions of the instruction set. Only loaders for rv32imc of MicroPython 1.28 and later know such flags, and they refuse those they lack. Build without them.";
    LOAD_SMALL_INT = "P0204", exit 1, "small integers too wide for the loader",
        "The file was compiled for small integers with more bits than the loader has, so constants might not fit. Compile with `mpy-cross -msmall-int-bits=` and the loader's number, 31 on 32-bit boards.";
    LOAD_QSTR = "P0205", exit 1, "bad qstr",
        "An entry of the qstr table has a number that no firmware knows or more bytes than a firmware takes.";
    LOAD_OBJECT = "P0206", exit 1, "bad constant object",
        "An entry of the table of constants is not what its kind says: digits, a number or UTF-8. The import raises an exception.";
    LOAD_BYTECODE = "P0207", exit 1, "bad bytecode",
        "Bytecode refers to a qstr, constant or piece of code that is not there, jumps into the middle of an instruction, or ends inside one. Loaders do not check this; the device crashes when the code runs.";
    LOAD_RELOCATION = "P0208", exit 1, "bad relocation",
        "A relocation changes memory outside of the module, or asks for something that does not exist: an entry past the end of `mp_fun_table`, or read-only data or zeroed memory that the module does not have. Loaders do not check this; the import overwrites other memory or crashes.";
    LOAD_ENTRY = "P0209", exit 1, "native code has no valid entry",
        "The import calls native code at its first byte, where linkers put a jump to `mpy_init`. The jump leads out of the code, or there is no code. Link the module again.";
    NAME_LEAKS = "P0210", exit 1, "unsuitable stored name in a file",
        "The name stored in the file shows in tracebacks. It is an absolute path or otherwise unfit, and tells where the file was built. `anymod mpy rename` changes it and nothing else.";
    TRAILING = "P0211", exit 1, "unusual spelling of a .mpy file",
        "The file loads, but no known writer makes such a file: bytes follow its end, or a number takes more bytes than it needs. It may be damaged.";
    RELOCATION_VALUE = "P0212", exit 1, "a relocated word points outside",
        "A word that the loader relocates would point outside of the code, data or table that it belongs to. Compilers make such pointers now and then as the base of a calculation; more often it is a linker's mistake.";
}
