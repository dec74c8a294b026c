//! Host splits: who provides every symbol of this machine's shared objects, and what is in a large archive, against a script with
//! pyelftools, a loop over `readelf`, and `nm` with a script.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measure::{Step, interpreter, pair};

/// Where Debian has the libraries of this machine.
const LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu";

/// Reads all dynamic symbols with pyelftools and looks every strong undefined one up by its name.
const PYELFTOOLS: &str = r#"
import sys
from elftools.elf.elffile import ELFFile
exports, undefined = {}, []
for path in open(sys.argv[1]).read().split():
    with open(path, "rb") as file:
        section = ELFFile(file).get_section_by_name(".dynsym")
        for symbol in section.iter_symbols() if section else ():
            info = symbol["st_info"]
            if symbol["st_shndx"] == "SHN_UNDEF":
                if symbol.name and info["bind"] != "STB_WEAK":
                    undefined.append((path, symbol.name))
            elif info["bind"] != "STB_LOCAL":
                exports.setdefault(symbol.name, path)
print(len(undefined), sum(name not in exports for _, name in undefined))
"#;

/// Adds up what `nm` says of an archive: definitions, and what no member defines.
const NM: &str = r#"
import subprocess, sys
defined, undefined = set(), set()
for line in subprocess.run(["nm", sys.argv[1]], capture_output=True, text=True).stdout.splitlines():
    words = line.split()
    if len(words) >= 2 and len(words[-2]) == 1:
        (undefined if words[-2] == "U" else defined).add(words[-1])
print(len(defined), len(undefined - defined))
"#;

/// Runs the benchmark; `pyelftools` has to be importable by `python3`, or to be named by `PYTHONPATH`.
pub(crate) fn run() -> Result<(), String> {
    let anymod = std::env::var("ANYMOD").map_err(|_| "run it with `cargo xtask bench`")?;
    let directory = Path::new("target/bench/split");
    std::fs::create_dir_all(directory).map_err(|error| error.to_string())?;
    let files = shared_objects()?;
    let list = directory.join("files");
    let text: String = files.iter().map(|path| format!("{}\n", path.display())).collect();
    std::fs::write(&list, text).map_err(|error| error.to_string())?;
    let script = |name: &str, text: &str| -> Result<PathBuf, String> {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(|error| error.to_string())?;
        Ok(path)
    };
    let (resolve, nm) = (script("resolve.py", PYELFTOOLS)?, script("nm.py", NM)?);
    let list = list.display().to_string();
    println!("{} shared objects below {LIBRARIES}, milliseconds\n", files.len());
    println!("| benchmark | ours, processor | its | its / ours | ours, wall | its | its / ours |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    // Findings are none of a benchmark's business.
    let verify = format!("'{anymod}' split verify --alone $(cat {list}) || true");
    let readelf = format!("for file in $(cat {list}); do readelf --dyn-syms -W $file; done");
    let archive = format!("{LIBRARIES}/libcrypto.a");
    let inspect = format!("'{anymod}' split inspect {archive} || true");
    for (name, ours, theirs) in [
        ("resolve, against pyelftools", shell(&verify), python(&resolve, &list)?),
        ("resolve, against a readelf loop", shell(&verify), shell(&readelf)),
        ("libcrypto.a, against nm and a script", shell(&inspect), python(&nm, &archive)?),
    ] {
        let (ours, theirs) = pair(5, ours, theirs, &|| ())?;
        let row = [(ours.processor, theirs.processor), (ours.wall, theirs.wall)];
        let cells = row.map(|(ours, theirs)| {
            format!("{ours:.1} | {theirs:.1} | {:.0}x", theirs / ours.max(0.1))
        });
        println!("| {name} | {} |", cells.join(" | "));
    }
    Ok(())
}

fn shell(text: &str) -> Step {
    let mut command = Command::new("sh");
    command.args(["-c", text]);
    vec![command]
}

fn python(script: &Path, argument: &str) -> Result<Step, String> {
    let mut command = Command::new(interpreter()?);
    command.arg(script).arg(argument);
    Ok(vec![command])
}

/// Every shared object below the directory, sorted; links are passed over.
fn shared_objects() -> Result<Vec<PathBuf>, String> {
    let (mut found, mut open) = (Vec::new(), vec![PathBuf::from(LIBRARIES)]);
    while let Some(directory) = open.pop() {
        let entries = std::fs::read_dir(&directory).map_err(|error| error.to_string())?;
        for entry in entries.flatten() {
            let (path, kind) =
                (entry.path(), entry.file_type().map_err(|error| error.to_string())?);
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file()
                && name.contains(".so")
                && std::fs::read(&path).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
