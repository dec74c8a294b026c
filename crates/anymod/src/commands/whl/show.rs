//! `anymod whl show`: what a wheel says of itself and holds.

use std::path::PathBuf;

use anymod_build::whl;
use anymod_link::wasm;
use anymod_model::Diagnostics;
use anymod_pack::wheel::{Extension, Suffix, Tag, Wheel, extension};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::Format;
use crate::printer::Printer;
use crate::progress::counted;

/// Show a wheel's name, tags, files and extension modules
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Wheel to show
    file: PathBuf,
    /// Form of the description
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Show, printer: Printer) -> Result<(), Diagnostics> {
    let wheel = whl::open(&args.file)?;
    let about = wheel.headers("WHEEL")?;
    let generator = about.get("Generator").unwrap_or("unknown");
    let tags: Vec<String> = wheel.name.tags().iter().map(Tag::to_string).collect();
    printer.data(&match args.format {
        Format::Text => text(&wheel, generator, &tags),
        Format::Json => super::super::json(&json!({
            "version": 1,
            "name": wheel.name.distribution,
            "package-version": wheel.name.version,
            "build": wheel.name.build,
            "tags": tags,
            "generator": generator,
            "files": files(&wheel),
        })),
    });
    Ok(())
}

fn text(wheel: &Wheel, generator: &str, tags: &[String]) -> String {
    let name = &wheel.name;
    let mut text = format!("{} {}\n", name.distribution, name.version);
    if let Some(build) = &name.build {
        text += &format!("  build      {build}\n");
    }
    text += &format!("  tags       {}\n  generator  {generator}\n\n", tags.join(" "));
    for (path, file) in &wheel.files {
        text += &format!("{:>10}  {path}", file.bytes.len());
        if file.executable {
            text += "  (executable)";
        }
        if let Some(found) = extension(path) {
            text += &format!("  ({})", describe(&found, &file.bytes));
        }
        text.push('\n');
    }
    text
}

/// What a library is, and how much of others it needs.
fn describe(found: &Extension<'_>, bytes: &[u8]) -> String {
    let Ok(module) = wasm::read(bytes, "") else {
        return format!("module {}, not WebAssembly", found.module);
    };
    let has_init = module.exports.iter().any(|export| export.name.starts_with("PyInit"));
    let what = match found.suffix == Suffix::Plain && !has_init {
        true => "library".to_owned(),
        false => format!("module {}", found.module),
    };
    let needed = module.dylink.as_ref().map_or(&[][..], |dylink| &dylink.needed);
    let needed: String = needed.iter().map(|library| format!(", needs {library}")).collect();
    format!("{what}, {}{needed}", counted(module.imports.len(), "import"))
}

fn files(wheel: &Wheel) -> Vec<Value> {
    let rows = wheel.files.iter().map(|(path, file)| {
        json!({
            "path": path,
            "size": file.bytes.len(),
            "executable": file.executable,
            "module": extension(path).map(|found| found.module),
        })
    });
    rows.collect()
}
