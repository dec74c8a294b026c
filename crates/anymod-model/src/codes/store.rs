//! Codes of the content-addressed store (`S`).

super::codes! {
    UNUSABLE = "S0001", exit 2, "the store cannot be used",
        "The store's directory cannot be created, read or written: the disk is full or read-only, a permission is missing or something else is in the way. A build goes on without the store. `--store` and `ANYMOD_STORE` choose another directory or turn the store off.";
    DAMAGED = "S0002", exit 1, "a damaged file in the store",
        "What is in the file is not what its name or its checksum says. It was removed, nothing was taken from it, and what it held is made again when it is needed. Failing disks, crashes of the machine and programs that write through a hard link are the usual reasons.";
    DESTINATION = "S0003", exit 2, "a stored file could not be put in its place",
        "The disk is full, the directory may not be written to or something is in the way. Files are written beside their place and renamed, so that there is never half a file.";
    UNKNOWN_KEY = "S0004", exit 2, "no such key in the store",
        "No record has a key that begins like this: it was never kept, or garbage collection removed it.";
    AMBIGUOUS_KEY = "S0005", exit 2, "several keys begin like this",
        "The beginning of a key is enough if no other key in the store begins so.";
    INCOMPLETE = "S0006", exit 1, "a record whose files are not in the store",
        "The record says how files were made, but they are gone or were damaged. What it says about them was removed; they are made again when they are needed.";
    FOREIGN = "S0007", exit 1, "a file that is not the store's",
        "The store's directory holds a file that no version of anymod writes there. It was removed.";
    DIRECTORY = "S0008", exit 2, "not a directory for a store",
        "The store needs the path of a directory; it is created when something is first kept in it.";
    OFF = "S0009", exit 2, "there is no store",
        "The command looks after the store, and a setting, a variable or a flag turns it off. `anymod settings` shows which.";
}
