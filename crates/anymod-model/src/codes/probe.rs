//! Codes of trying wheels in the real runtime (`R`).

super::codes! {
    INSTALL = "R0001", exit 1, "the runtime does not install the wheel",
        "The runtime's own installer refused the wheel: its tags are not among those that this release takes, its metadata is damaged, or a file of it cannot be unpacked. A user would see the same.";
    IMPORT = "R0002", exit 1, "an extension module cannot be imported",
        "The wheel was installed and importing one of its extension modules failed in the real runtime. A missing symbol, a missing `PyInit` function, another exception ABI or a dependency that was not given with `--needs` are the usual reasons.";
    TEST = "R0003", exit 1, "the test failed",
        "The Python code given with `--test` raised an exception in the real runtime.";
    TIMEOUT = "R0004", exit 1, "the runtime did not answer in time",
        "A step took longer than `--timeout` allows: the module or the test turns in circles or waits for something that never comes. The process was ended.";
    NODE = "R0005", exit 3, "no Node to run the runtime in",
        "Pyodide is run by Node.js 20 or newer, which has to be on the `PATH`.";
    CRASH = "R0006", exit 1, "the runtime crashed",
        "The process that ran the module ended without an answer: the module called `exit`, or the runtime hit a fatal error. What it said last is shown.";
    BOOT = "R0007", exit 3, "the runtime does not boot",
        "The runtime could not be started under this machine's Node, before any wheel was looked at. `anymod target verify` tells whether its files are still whole.";
}
