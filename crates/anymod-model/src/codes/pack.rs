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
}
