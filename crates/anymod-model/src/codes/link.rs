//! Codes of the linker and of the readers of objects and archives (`L`).

super::codes! {
    UNDEFINED = "L0101", exit 1, "undefined symbol",
        "An object refers to a symbol that no input defines and that the runtime does not offer. Add the source or archive that defines it, or give its address with `--externs`.";
}
