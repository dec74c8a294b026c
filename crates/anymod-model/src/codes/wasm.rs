//! Codes of bundles of WebAssembly archives and of ABI stamps (`G`).

super::codes! {
    STAMP_MALFORMED = "G0001", exit 1, "damaged ABI stamp",
        "An object has a section `anymod.abi` that is not the stamp that anymod writes: lines of JSON, each an object of words. Build the archive again; if another tool writes that section, give it another name.";
}
