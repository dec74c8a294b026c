//! Codes of trying wheels in the real runtime (`R`).

super::codes! {
    NODE = "R0006", exit 3, "no Node to run the runtime in",
        "Pyodide is run by Node.js 20 or newer, which has to be on the `PATH`.";
}
