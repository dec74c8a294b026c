//! Codes of splitting a static program into a host and modules (`H`).

super::codes! {
    MALFORMED = "H0001", exit 1, "a damaged archive or ELF file",
        "The file was cut off, or bytes in it were changed. The message holds the offset in the file, or in the member of an archive. Build it again.";
    NOT_LINKABLE = "H0002", exit 2, "a file that no linker reads",
        "Splitting works on archives, objects, linker scripts, programs, shared libraries and WebAssembly modules.";
    NESTED = "H0101", exit 1, "an archive inside an archive",
        "Linkers do not look into archives that are members of archives. With `--whole-archive` bfd and lld refuse such a member and mold leaves it out; otherwise all leave it out, and the link fails later or never. `anymod split fix --flatten` puts the inner members beside the others.";
    MISSING = "H0102", exit 1, "a member needs what nothing provides",
        "With `--whole-archive` every member is linked, also those that no program ever used, and all that they need has to be somewhere. Take only the members that modules need (`export = \"needed\"`, the default), name the library that has the symbols, or drop the member.";
    HIDDEN = "H0103", exit 1, "a symbol that will not be exported",
        "A symbol gets the narrowest visibility of all its definitions and references in a link. One hidden definition or reference is enough for it to be missing from the host's `.dynsym`: the link succeeds, and loading a module that needs it fails. Weak hidden helpers of compilers (such as those of Rust's `compiler_builtins`) do this to functions of the C library. Localize the hidden definition, or raise its visibility.";
    DUPLICATE = "H0104", exit 1, "two definitions of one symbol",
        "Two members define a symbol so that there may be only one. As long as a linker takes only the members that are needed it may see one of them; with `--whole-archive` it refuses.";
    NO_OBJECT = "H0105", exit 1, "a member that is no object",
        "An empty or foreign file in an archive. bfd and lld refuse it with `--whole-archive`.";
    THIN_MEMBER = "H0106", exit 1, "a member of a thin archive that is not there",
        "A thin archive holds only the names of its members. bfd leaves out those that are missing without a word.";
    UNRESOLVED = "H0201", exit 1, "symbols that nothing provides to a module",
        "Neither the host's exports nor a library that the host or the module needs has them. That the link succeeded says nothing: modules are linked with undefined symbols, and a loader tells only the first. Functions of a module that is bound lazily fail at their first call. Export the symbols from the host (`anymod split link` makes the list), or link the library into the module.";
    NEEDED = "H0202", exit 1, "a needed library that is not found",
        "The file names a library that is neither in its run path nor in the directories of the loader. What it would provide counts as missing.";
    INIT_IN_HOST = "H0203", exit 1, "the init function of a split module is in the host",
        "The host still holds the module: it was not taken out of the static link. It may be used instead of the file, and both have state.";
    EMBEDDED_TWICE = "H0204", exit 1, "a library is in two outputs",
        "The library was linked into the host and into a module, or into two modules. Its bytes are there twice, and so is its state.";
    SPLIT_STATE = "H0205", exit 1, "two copies of a library's state",
        "A library with variables that can change is in two outputs. What one part of the program sets the other does not see: registered callbacks, caches, configuration, reference counts. Link it once.";
    MACHINE = "H0206", exit 1, "files for different machines",
        "A host loads only modules of its own machine, class and byte order.";
    SIGNATURE = "H0207", exit 1, "a symbol of another type",
        "A WebAssembly module imports a function with one type and its provider has it with another, or has data or a tag of that name. Engines refuse to instantiate such a module; a call through a table ends with a trap. Compile both with the same declaration.";
    NO_MEMBER = "H0301", exit 1, "no such member",
        "The archive has no member of that name. `anymod split inspect --all` lists them.";
    STILL_NEEDED = "H0302", exit 1, "a member that others need",
        "Without this member others of the archive would have undefined symbols. Leave those out as well, or force it if something else in the link has the symbols.";
    NO_SYMBOL = "H0303", exit 1, "nothing to do for a symbol",
        "No member has the symbol in the form that could be changed: localizing takes a definition, raising visibility takes a hidden symbol.";
    NOT_REWRITABLE = "H0304", exit 1, "an object that cannot be changed",
        "The object has no symbol table, or a form of relocations whose symbols cannot be given other numbers. Change the source, or how it is compiled.";
    NO_SPLIT = "H0401", exit 2, "a split that the manifest does not fully describe",
        "`anymod split plan`, `emit` and `link` read `[split]`: the host's `objects`, `[split.library.NAME]` with an `archive` for each library, and `[split.module.NAME]` with `objects` and `libraries` for each module.";
    UNMATCHED = "H0402", exit 1, "an entry of an export list that matches nothing",
        "Linkers take such an entry without a word, and a module that needs the symbol is refused when it is loaded. The name has a slip, or the library that defines it is not in the host.";
    UNPLACEABLE = "H0403", exit 1, "a library that cannot go where it should",
        "Code that was compiled for a program (`-fPIE`, or without `-fPIC`) reaches variables and thread-local storage in ways that a shared object cannot. Compile the library with `-fPIC`, or let it go into the host.";
    LINK_FAILED = "H0404", exit 4, "a link of a split failed",
        "The linker ended with an error. Its own output is shown unchanged, with the command that was run.";
    INTERPOSED = "H0501", exit 1, "symbols of others that a host takes over",
        "A loader looks a symbol up in the program first. A module that brings a library along, in itself or beside it, gets the host's instead: another version, perhaps with other settings and structures. Give the host's library other names. Where the module's own symbols have versions, a version for the host's exports is enough; whoever asks for no version gets the host's all the same.";
    PROBE = "H0601", exit 1, "a module that its host cannot import",
        "A fresh process of the host ended with an error when it imported the module. The notes hold what it said last, and the symbols that nothing provides.";
}
