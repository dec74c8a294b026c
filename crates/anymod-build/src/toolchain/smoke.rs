//! A smoke probe: compile a tiny file and look at what came out.

use std::path::Path;
use std::process::Command;

use anymod_model::Platform;
use anymod_model::manifest::SourceKind;

use super::{ArchiveTools, NodeTools, PythonTools, Toolchain};
use crate::environment::Environment;
use crate::install;

/// What the probe compiles: headers that every C compiler has of its own, and something to compile.
const SOURCE: &str =
    "#include <stddef.h>\n#include <stdint.h>\nuint32_t probe(uint32_t x) { return x * 3; }\n";
/// Headers of the C library, which bare compilers may lack.
const LIBRARY_SOURCE: &str =
    "#include <string.h>\n#include <math.h>\nsize_t probe(const char *s) { return strlen(s); }\n";

/// What the probe compiles for a Python.
const EXTENSION_SOURCE: &str =
    "#include <Python.h>\nint probe(PyObject *x) { return PyObject_IsTrue(x); }\n";

/// What the probe compiles for Node.js.
const ADDON_SOURCE: &str = "#include <string.h>\n#include <node_api.h>\nNAPI_MODULE_INIT() { (void)env; return exports; }\n";

/// Compiles a file to an object for the target; the error says in one line what is wrong.
pub(crate) fn compiles(toolchain: &Toolchain, environment: &Environment) -> Result<(), String> {
    compile_for(toolchain, SOURCE, environment)
}

/// The same with headers of the C library.
pub(crate) fn has_library_headers(
    toolchain: &Toolchain,
    environment: &Environment,
) -> Result<(), String> {
    compile_for(toolchain, LIBRARY_SOURCE, environment)
}

/// The same with the headers of a Python, whatever the object's format.
pub(crate) fn compiles_extension(
    tools: &PythonTools,
    environment: &Environment,
) -> Result<(), String> {
    let compiler = tools.compiler(SourceKind::C).map_err(|finding| finding.message)?;
    let (command, end, _) = compiler;
    compile(&command, &end, EXTENSION_SOURCE, environment, &|_| Ok(()))
}

/// The same with the headers of Node-API.
pub(crate) fn compiles_addon(
    tools: &NodeTools,
    platform: Platform,
    environment: &Environment,
) -> Result<(), String> {
    let command = tools.compiler(SourceKind::C, platform, None);
    compile(&command, &tools.headers(), ADDON_SOURCE, environment, &|_| Ok(()))
}

/// The same for a target whose modules are archives, with headers of its C library.
pub(crate) fn compiles_archive(
    tools: &ArchiveTools,
    environment: &Environment,
) -> Result<(), String> {
    let command = tools.command(SourceKind::C).map_err(|finding| finding.message)?;
    compile(&command, &[], LIBRARY_SOURCE, environment, &|_| Ok(()))
}

fn compile_for(
    toolchain: &Toolchain,
    source: &str,
    environment: &Environment,
) -> Result<(), String> {
    let command = toolchain.command(SourceKind::C);
    let end = toolchain.system_headers(SourceKind::C);
    compile(&command, &end, source, environment, &|object| check_object(object, toolchain))
}

/// Compiles a source and checks the object.
fn compile(
    command: &[String],
    end: &[String],
    source: &str,
    environment: &Environment,
    check: &dyn Fn(&Path) -> Result<(), String>,
) -> Result<(), String> {
    let work = tempfile::tempdir().map_err(|error| install::reason(&error))?;
    let (input, output) = (work.path().join("probe.c"), work.path().join("probe.o"));
    install::write_scratch(&input, source).map_err(|finding| finding.message)?;
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let result = Command::new(program)
        .args(arguments)
        .args(end)
        .arg("-c")
        .arg(&input)
        .arg("-o")
        .arg(&output)
        .env_clear()
        .envs(environment.for_tools())
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|error| install::reason(&error))?;
    if !result.status.success() {
        let said = String::from_utf8_lossy(&result.stderr);
        let line = said.lines().find(|line| line.contains("error")).or_else(|| said.lines().next());
        let line = line.unwrap_or("the compiler failed without a word");
        // The temporary directory means nothing to the reader.
        return Err(line.replace(&format!("{}/", work.path().display()), ""));
    }
    check(&output)
}

/// Checks class and machine of an ELF header (gABI, "ELF Header").
fn check_object(path: &Path, toolchain: &Toolchain) -> Result<(), String> {
    let bytes = std::fs::read(path).map_err(|error| install::reason(&error))?;
    let info = toolchain.arch.info();
    let class = if info.word_size == 8 { 2 } else { 1 };
    let [b'\x7f', b'E', b'L', b'F', found_class, data, ..] = bytes.as_slice() else {
        return Err("it makes objects that are not ELF".to_owned());
    };
    let machine = match (bytes.get(18), bytes.get(19)) {
        (Some(low), Some(high)) => u16::from_le_bytes([*low, *high]),
        _ => 0,
    };
    if (*found_class, *data, machine) != (class, 1, info.elf_machine) {
        return Err(format!(
            "it makes objects for ELF machine {machine}, not {}",
            info.elf_machine
        ));
    }
    Ok(())
}
