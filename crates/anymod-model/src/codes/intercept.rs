//! Codes of the stand-in for compilers (`I`).

super::codes! {
    NO_CONFIG = "I0001", exit 70, "called by a compiler's name outside of a build",
        "anymod stands in for compilers only in the directory that a build makes for it, where a file says for which target. A copy of a name that was taken elsewhere, or a build directory that was removed while something in it still ran, is the usual reason.";
    BAD_CONFIG = "I0002", exit 70, "the settings of the stand-in cannot be read",
        "The file beside the directory of names was damaged or written by another version of anymod. The build makes a new one each time.";
    REFUSED = "I0003", exit 1, "the target does not have what an option asks for",
        "The command was not run, so that a package that tries whether the option works sees that it does not. The message says why and by which rule; `--rule off=NAME` turns the rule off and lets the compiler decide.";
    FORTRAN = "I0004", exit 1, "the target has no Fortran compiler",
        "No compiler for Fortran makes WebAssembly for Pyodide, and anymod does not translate it to C. Many packages have a switch that builds them without; for NumPy that is `-Dblas=none -Dlapack=none`.";
    NOT_STARTED = "I0005", exit 3, "a tool of the target cannot be started",
        "The compiler or linker that the target environment names is gone or is not a program. `anymod target verify` tells what else is missing.";
    RULE = "I0006", exit 2, "no such rule",
        "`--rule off=NAME` names a rule by which commands are rewritten. `anymod flags --target pyodide-0.29.5 --explain` lists them all.";
    TRACE = "I0007", exit 2, "a record of rewritten commands cannot be read",
        "The file is not one that `--trace` wrote, or was written by another version of anymod, or has no record of that number.";
}
