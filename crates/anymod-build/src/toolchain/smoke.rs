//! A smoke probe: compile a tiny file and look at what came out.

use std::path::Path;
use std::process::Command;

use anymod_model::manifest::SourceKind;

use super::Toolchain;
use crate::environment::Environment;
use crate::install;

/// What the probe compiles: headers that every C compiler has of its own, and something to compile.
const SOURCE: &str =
    "#include <stddef.h>\n#include <stdint.h>\nuint32_t probe(uint32_t x) { return x * 3; }\n";
/// Headers of the C library, which bare compilers may lack.
const LIBRARY_SOURCE: &str =
    "#include <string.h>\n#include <math.h>\nsize_t probe(const char *s) { return strlen(s); }\n";

/// Compiles a file to an object for the target; the error says in one line what is wrong.
pub(crate) fn compiles(toolchain: &Toolchain, environment: &Environment) -> Result<(), String> {
    compile(toolchain, SOURCE, environment)
}

/// The same with headers of the C library.
pub(crate) fn has_library_headers(
    toolchain: &Toolchain,
    environment: &Environment,
) -> Result<(), String> {
    compile(toolchain, LIBRARY_SOURCE, environment)
}

fn compile(toolchain: &Toolchain, source: &str, environment: &Environment) -> Result<(), String> {
    let work = tempfile::tempdir().map_err(|error| install::reason(&error))?;
    let (input, output) = (work.path().join("probe.c"), work.path().join("probe.o"));
    install::write_scratch(&input, source).map_err(|finding| finding.message)?;
    let words = toolchain.command(SourceKind::C);
    let (program, arguments) = words.split_first().ok_or("no command")?;
    let result = Command::new(program)
        .args(arguments)
        .args(toolchain.system_headers(SourceKind::C))
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
    check_object(&output, toolchain)
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
