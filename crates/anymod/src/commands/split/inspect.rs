//! `anymod split inspect`: what archives, modules and hosts are, hold and need.

use std::fmt::Write as _;
use std::path::PathBuf;

use anymod_build::split::inspect::{
    FileReport, ImageReport, InspectRequest, LibraryReport, LinkerReport, inspect,
};
use anymod_build::split::wasm::WasmReport;
use anymod_model::Diagnostics;
use clap::Args;
use serde_json::json;

use crate::cli::Format;
use crate::printer::Printer;
use crate::progress::counted;

/// Show what archives, programs and shared libraries hold and need, and what keeps a library from being split off
///
/// Files that are named together are linked together: what one needs, another may have. The C library and the compiler's own
/// are always there. The exit status is 1 if anything stands in the way of linking a whole archive into a host.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Archives, objects, programs, shared libraries, WebAssembly modules
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Library that offers symbols as well; may be given several times
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// Archive to look for inside programs and shared libraries, also stripped ones; may be given several times
    #[arg(long, value_name = "ARCHIVE")]
    library: Vec<PathBuf>,
    /// Also list members, exports and undefined symbols
    #[arg(long)]
    all: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Inspect, printer: Printer) -> Result<(), Diagnostics> {
    let request =
        InspectRequest { files: &args.files, against: &args.against, libraries: &args.library };
    let reports = inspect(&request)?;
    match args.format {
        Format::Text => {
            let texts: Vec<String> = reports.iter().map(|report| text(report, args.all)).collect();
            printer.data(&texts.join("\n"));
        }
        Format::Json => {
            printer.data(&super::super::json(&json!({ "version": 1, "files": reports })));
        }
    }
    let findings = reports.into_iter().flat_map(|report| report.diagnostics).collect();
    super::conclude(findings, printer)
}

fn text(report: &FileReport, all: bool) -> String {
    let mut text = format!("{}: {}, {} bytes", report.file, report.kind, report.size);
    if let Some(machine) = &report.machine {
        let _ = write!(text, ", {machine}");
    }
    text.push('\n');
    for file in &report.reads {
        let _ = writeln!(text, "  {:<13}{file}", "reads");
    }
    if let Some(library) = &report.library {
        of_library(library, all, &mut text);
    }
    if let Some(image) = &report.image {
        of_image(image, all, &mut text);
    }
    if let Some(module) = &report.wasm {
        of_wasm(module, all, &mut text);
    }
    text
}

fn of_wasm(module: &WasmReport, all: bool, text: &mut String) {
    if !module.needed.is_empty() {
        row(text, "needs", &module.needed.join(", "));
    }
    if !module.runpath.is_empty() {
        row(text, "looks in", &module.runpath.join(", "));
    }
    row(text, "exports", &counted(module.exports.len(), "symbol"));
    let weak = module.weak.len();
    row(
        text,
        "imports",
        &format!("{}, {weak} weak", counted(module.imports.len() + weak, "symbol")),
    );
    if !module.init_functions.is_empty() {
        row(text, "init", &module.init_functions.join(", "));
    }
    if let (Some(memory), Some(table)) = (module.memory, module.table) {
        let places = counted(table as usize, "place");
        row(
            text,
            "takes",
            &format!("{} of memory, {places} of the table", counted_bytes(memory.into())),
        );
    }
    if module.shares_memory {
        row(text, "memory", "shared by threads");
    }
    if all {
        listing(
            [("export", &module.exports), ("import", &module.imports), ("weak", &module.weak)],
            text,
        );
    }
}

/// Names, one a line.
fn listing(parts: [(&str, &Vec<String>); 3], text: &mut String) {
    text.push('\n');
    for (what, names) in parts {
        for name in names {
            row(text, what, name);
        }
    }
}

fn row(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:<13}{value}");
}

fn of_library(library: &LibraryReport, all: bool, text: &mut String) {
    match &library.class {
        Some(class) => {
            row(text, "class", &format!("{}: {}", class.name, class.meaning));
            if let Some(because) = &class.because {
                row(text, "", because);
            }
        }
        None => row(text, "class", "not known for this machine"),
    }
    row(text, "state", &format!("{} that can change", counted_bytes(library.state)));
    let empty = library.members.iter().filter(|member| member.is_empty).count();
    let members = counted(library.members.len(), "member");
    row(text, "members", &if empty == 0 { members } else { format!("{members}, {empty} empty") });
    row(text, "defines", &counted(library.defines, "symbol"));
    row(text, "needs", &counted(library.needs, "symbol"));
    if !library.has_index && library.members.len() > 1 {
        row(text, "index", "none, so that linkers take all members or none");
    }
    for lines in library.linkers.chunk_by(|one, other| one.linker == other.linker) {
        let said: Vec<String> = lines.iter().map(linker).collect();
        row(text, lines.first().map_or("", |line| line.linker), &said.join("; "));
    }
    if all {
        text.push('\n');
        for member in &library.members {
            let _ = writeln!(
                text,
                "  {} ({}): defines {}, state {}, needs {}",
                member.name,
                member.kind,
                member.defines,
                member.state,
                if member.needs.is_empty() { "nothing".to_owned() } else { member.needs.join(" ") }
            );
        }
    }
}

fn linker(line: &LinkerReport) -> String {
    match &line.because {
        Some(because) => format!("{} {} ({because})", line.r#use, line.outcome),
        None => format!("{} {}", line.r#use, line.outcome),
    }
}

fn counted_bytes(bytes: u64) -> String {
    if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") }
}

fn of_image(image: &ImageReport, all: bool, text: &mut String) {
    if let Some(soname) = &image.soname {
        row(text, "name", soname);
    }
    if !image.needed.is_empty() {
        row(text, "needs", &image.needed.join(", "));
    }
    if !image.runpath.is_empty() {
        row(text, "looks in", &image.runpath.join(", "));
    }
    row(text, "exports", &counted(image.exports.len(), "symbol"));
    let weak = image.weak.len();
    row(
        text,
        "undefined",
        &format!("{}, {weak} weak", counted(image.undefined.len() + weak, "symbol")),
    );
    if !image.init_functions.is_empty() {
        row(text, "init", &image.init_functions.join(", "));
    }
    row(text, "constructors", &image.constructors.to_string());
    let when =
        if image.binds_now { "all when it is loaded" } else { "functions at their first call" };
    row(text, "binds", when);
    row(text, "state", &format!("{} that can change", counted_bytes(image.state)));
    if image.text_relocations {
        row(text, "code", "has to be changed by the loader (text relocations)");
    }
    if image.is_stripped {
        row(text, "symbols", "stripped");
    }
    for library in &image.embedded {
        let found = format!(
            "{} (score {:.2}: {}, {})",
            library.library,
            library.score,
            counted(library.texts, "text"),
            counted(library.symbols, "symbol")
        );
        row(text, "embeds", &found);
    }
    if all {
        listing(
            [("export", &image.exports), ("undefined", &image.undefined), ("weak", &image.weak)],
            text,
        );
    }
}
