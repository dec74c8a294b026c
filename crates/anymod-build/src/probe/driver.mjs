// Runs inside Node: boots the runtime, does what the request says and writes what happened, a JSON object a line.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

const request = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const results = fs.openSync(request.results, "a");
const tell = (event) => fs.writeSync(results, JSON.stringify(event) + "\n");

// Who asked may be killed while a module turns in circles in this thread: another thread looks.
new Worker(
    `const { workerData } = require("node:worker_threads");
     const parent = process.ppid;
     setInterval(() => {
         if (process.ppid !== parent) {
             require("node:fs").rmSync(workerData, { recursive: true, force: true });
             process.kill(process.pid, "SIGKILL");
         }
     }, 200);`,
    { eval: true, workerData: request.scratch },
).unref();

// What went wrong, without what belongs to the driver itself.
const reason = (error) => String(error?.message ?? error).trim();

let current = null;

function begin(event) {
    tell({ ...event, begins: true });
    current = { event, start: performance.now() };
}

function end(error) {
    const { event, start } = current;
    tell({ ...event, milliseconds: Math.round(performance.now() - start), error });
}

async function step(event, work) {
    begin(event);
    let error = null;
    try {
        await work();
    } catch (thrown) {
        error = reason(thrown);
    }
    end(error);
    // After a fatal error the runtime does nothing any more; who asked starts another one.
    if (error !== null && pyodide !== undefined && !alive()) process.exit(3);
    return error === null;
}

// Fatal errors in code that the runtime's own loop runs go to nobody who waits.
for (const name of ["uncaughtException", "unhandledRejection"]) {
    process.on(name, (thrown) => {
        end(reason(thrown?.stack ?? thrown));
        process.exit(3);
    });
}

const say = (text) => process.stderr.write(text + "\n");
let pyodide;

function alive() {
    try {
        return pyodide.runPython("1") === 1;
    } catch {
        return false;
    }
}

async function boot() {
    const { loadPyodide } = await import(pathToFileURL(path.join(request.runtime, "pyodide.mjs")));
    pyodide = await loadPyodide({ indexURL: request.runtime + path.sep, stdout: say, stderr: say });
    const options = { messageCallback: () => {}, errorCallback: say, checkIntegrity: false };
    for (const wheel of request.installer) {
        await pyodide.loadPackage(pathToFileURL(wheel).href, options);
    }
    pyodide.runPython("import micropip");
}

// A wheel goes in as a user's would: through the runtime's own installer, which looks at the tags.
async function install(wheel) {
    const place = "/tmp/" + path.basename(wheel);
    pyodide.FS.writeFile(place, fs.readFileSync(wheel));
    pyodide.globals.set("anymod_place", "emfs:" + place);
    await pyodide.runPythonAsync("import micropip; await micropip.install(anymod_place, deps=False)");
    pyodide.runPython("del anymod_place; import importlib; importlib.invalidate_caches()");
}

async function main() {
    if (!(await step({ step: "boot" }, boot))) return;
    for (const name of request.names) {
        await step({ step: "tag", name }, () => {
            pyodide.globals.set("anymod_name", name);
            pyodide.runPython("from micropip._utils import check_compatible; check_compatible(anymod_name)");
        });
    }
    for (const wheel of request.needs) {
        if (!(await step({ step: "install", name: path.basename(wheel) }, () => install(wheel)))) return;
    }
    if (request.wheel !== null) {
        if (!(await step({ step: "install", name: path.basename(request.wheel) }, () => install(request.wheel)))) return;
    }
    for (const name of request.modules) {
        await step({ step: "import", name }, () => pyodide.runPython(IMPORT, scope({ name })));
    }
    if (request.test !== null) {
        const { name, code } = request.test;
        await step({ step: "test", name }, () => pyodide.runPythonAsync(TEST, scope({ name, code })));
    }
}

// A module or a test that calls `sys.exit` would end the runtime: for the one that is a failure, for the other its result.
const IMPORT = `
import importlib
try:
    importlib.import_module(name)
except SystemExit as exit:
    raise ImportError(f"the module ends the program: SystemExit({exit.code!r})") from None
`;
const TEST = `
from pyodide.code import eval_code_async
try:
    await eval_code_async(code, {"__name__": "__main__", "__file__": name}, filename=name)
except SystemExit as exit:
    if exit.code not in (None, 0):
        raise RuntimeError(f"the test ends with SystemExit({exit.code!r})") from None
`;

function scope(variables) {
    return { globals: pyodide.toPy(variables) };
}

await main();
tell({ step: "end", error: null });
process.exit(0);
