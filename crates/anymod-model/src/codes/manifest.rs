//! Codes of the manifest (`M00..`) and the command line (`M01..`).

super::codes! {
    SYNTAX = "M0001", exit 2, "the manifest is not valid TOML",
        "`anymod.toml` could not be read as TOML. The place shown is where the reader stopped; the mistake is there or just before.";
    UNKNOWN_KEY = "M0002", exit 2, "unknown key or section",
        "The section has no such key. Nothing in a manifest is ignored, so that a misspelt key cannot go unnoticed. `docs/reference/manifest.md` lists every key.";
    WRONG_TYPE = "M0003", exit 2, "a value of the wrong kind",
        "The key exists but takes another kind of value, for instance a list where a string stands. The hint shows how it is written.";
    BAD_VALUE = "M0004", exit 2, "a value that the key does not take",
        "The value has the right kind but means nothing here: a word that is not one of the key's words, an empty string, a number that does not fit.";
    MODULE_NAME = "M0005", exit 2, "a module name that cannot be imported",
        "A module's name is what a program imports and what its files are called, so it has to be a Python identifier in ASCII, no keyword, and not differ from another module's name by letter case alone.";
    UNKNOWN_TARGET = "M0006", exit 2, "unknown target",
        "No target has this name, or no target's name matches this pattern. `anymod targets` lists them; in a pattern `*` stands for any run of characters.";
    UNKNOWN_BUILD_TYPE = "M0007", exit 2, "unknown build type",
        "The build types are `release`, `size`, `debug` and those that the manifest adds with a section `[build-type.NAME]`.";
    INHERITS_ITSELF = "M0008", exit 2, "a build type inherits from itself",
        "Following `inherits` from the build type leads back to it, so its settings have no order. Break the circle at one of the sections.";
    UNKNOWN_MODULE = "M0009", exit 2, "unknown module",
        "The manifest has no section `[module.NAME]` of this name.";
    NO_MODULE = "M0010", exit 2, "the manifest describes no module",
        "There is nothing to build without a section `[module.NAME]`. `anymod init` writes one to start from.";
    NO_SOURCES = "M0011", exit 2, "a module without sources",
        "A module needs at least one entry in `sources`, in its own section or in those that apply to the target and build type.";
    SOURCE_KIND = "M0012", exit 2, "a source of unknown kind",
        "What happens to a source is told by its extension, and this extension is not known. Headers are found through `include-dirs` and are not listed.";
    BAD_PATH = "M0013", exit 2, "a path or pattern that cannot be right",
        "Paths are written with `/` on every system and are relative to the manifest; in patterns every `[` needs its `]`.";
    BAD_VARIABLE = "M0014", exit 2, "a variable reference that cannot be read",
        "The environment is read only through `${env:NAME}` or `${env:NAME:-default}`, in the keys that the reference marks so. `$${` stands for `${` itself.";
    UNSET_VARIABLE = "M0015", exit 2, "an environment variable is not set",
        "The manifest refers to the variable without a default, and it is not set or empty. Set it, or write `${env:NAME:-default}`.";
    ABI_TOO_OLD = "M0016", exit 2, "the release does not have the architecture",
        "`abi` names a MicroPython release whose loader does not know the target's architecture yet. Raise `abi` for that target, or leave the target out.";
    NOT_ON_TARGET = "M0017", exit 2, "a setting that the target does not have",
        "The setting exists, but not for this target's architecture or release. Move it into a section `[module.NAME.target.\"PATTERN\"]` that matches only targets that have it.";
    CONFLICT = "M0018", exit 2, "settings that exclude each other",
        "Two keys of a section contradict each other; keep the one that is meant.";
    UNKNOWN_ARTIFACT = "M0019", exit 2, "unknown artifact",
        "The manifest has no section `[artifact.NAME]` of this name. Modules are no artifacts: what `anymod build` makes is kept in the store and found there without a capture.";
    NO_OUTPUTS = "M0020", exit 2, "an artifact without inputs or outputs",
        "An artifact needs `inputs`, because a key that nothing decides would always be found, and `outputs`, which are what is kept.";
    WHEEL_NAME = "M0021", exit 2, "what a wheel is called is missing or cannot be",
        "The name of a wheel's file holds the distribution's name and version. The version is the project's, in the form that Python packages use, for instance `0.1.0` or `1.2rc1`.";
    UNKNOWN_LIBRARY = "M0022", exit 2, "unknown library",
        "`host-libraries` names a library without a section `[library.NAME]`. Libraries of the system need no section.";
    UNSUPPORTED_MODULE = "M0023", exit 2, "a module has no build for a target",
        "The manifest says `supported = false` for the module and the target, and why. Without naming the module, the others are built and it is passed over.";
    MODULE_TWICE = "M0024", exit 2, "a module that two manifests describe",
        "Modules of manifests that are added, by `module-dirs` or `--module`, have names of their own.";
    USAGE = "M0101", exit 2, "the command line does not make sense",
        "The options or arguments of the command contradict each other or name something that does not exist. `anymod COMMAND --help` shows what it takes.";
    UNKNOWN_CODE = "M0102", exit 2, "there is no such diagnostic code",
        "`anymod explain` was asked for a code that no room uses. Without an argument it lists all of them.";
}
