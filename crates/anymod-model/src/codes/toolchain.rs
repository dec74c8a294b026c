//! Codes of toolchain and runtime discovery (`T`).

super::codes! {
    MISSING = "T0001", exit 3, "no toolchain for the target",
        "Nothing on this machine compiles for the target. `anymod doctor` lists what was looked for and the command that installs it.";
}
