//! Codes of the build stages (`B`).

super::codes! {
    TOOL_FAILED = "B0001", exit 4, "an external tool failed",
        "A compiler or another tool ended with an error. Its own output is shown unchanged, with the command that was run.";
    READ = "B0002", exit 2, "a file could not be read",
        "A file that the build needs is missing or may not be read. The message holds the operating system's reason.";
    WRITE = "B0003", exit 2, "a file could not be written",
        "The disk is full, the directory may not be written to or something is in the way. Nothing was changed: files are written beside their place and renamed.";
    NO_MATCH = "B0004", exit 2, "a pattern matches no file",
        "A pattern of the manifest matches nothing on disk. Patterns are relative to the manifest; `*` does not cross directories and `**` does.";
    NO_SOURCES = "B0005", exit 2, "a module has no sources for a target",
        "After `sources` and `exclude` of all layers nothing is left to build.";
    NO_MANIFEST = "B0006", exit 2, "no manifest",
        "There is no `anymod.toml` in this directory or above it. `anymod init` writes one.";
    EXISTS = "B0007", exit 2, "a file is in the way",
        "`anymod init` never overwrites. Choose another directory or remove the file.";
    UNKNOWN_MODULE = "B0008", exit 2, "no such module",
        "The manifest has no module of that name.";
    UNKNOWN_TARGET = "B0009", exit 2, "no such target",
        "`anymod targets` lists the targets. In patterns, `*` stands for anything.";
    NOTHING_TO_BUILD = "B0010", exit 2, "nothing to build",
        "The chosen modules have none of the chosen targets. Targets come from `targets` of the project or the module, or from `--target`.";
    UNKNOWN_KIND = "B0011", exit 2, "a source whose kind is not known",
        "What a source is, is told by its extension. Use one that the message lists.";
    INTERNAL = "B0012", exit 70, "anymod itself failed",
        "This is a bug in anymod, not in the project. Please report it.";
    INTERRUPTED = "B0013", exit 130, "the run was interrupted",
        "A signal ended the run, for instance Ctrl-C. The tools that ran were ended, nothing half-written is left, and what was finished is kept for the next build.";
    OUTSIDE = "B0014", exit 2, "an output outside the project",
        "A symbolic link or `..` leads from the build's directories to a place outside the project. Nothing is written there.";
    NO_SUCH_OUTPUT = "B0015", exit 2, "no such output",
        "No action of the manifest makes a file of that path. Paths are those of installed modules below `dist/` and of files below `build/`.";
    WATCH = "B0016", exit 2, "the files of a project cannot be watched",
        "The system refuses to tell about changes, for instance because too many directories are watched already. `anymod build` works all the same.";
    OTHER_ABI = "B0018", exit 2, "a module and its library are built for different ABIs",
        "Target, build type, compiler and whatever else `abi` names decide whether archives fit together; linked all the same, they fail at run time. What each side is built for comes from the manifest and from the stamps in the archives. The message names both.";
    NO_ARCHIVE = "B0019", exit 2, "the archive of a library is not there",
        "`archive` of a section `[library.NAME]` leads to no file. The library may have been built for another build type or target only.";
    PATH_OUTSIDE = "B0020", exit 2, "a path outside the project",
        "A module that is built as an archive names files above the manifest's directory or at an absolute path elsewhere. That has to be allowed: by `allow-outside = true` in `[project]` or by `--allow-outside`. Libraries, which are not the project's, may be anywhere.";
    SAME_FILE = "B0017", exit 2, "two files of one name",
        "Two modules have wheels of the same name for a target, or two files have the same place in a wheel. Each would replace the other.";
}
