//! `anymod info`: what whoever compiles and links with modules has to know.

use anymod_build::archives::{Info, Own, Request, info};
use anymod_build::environment::Environment;
use anymod_model::{Diagnostics, Target};
use clap::Args;

use crate::cli::Format;
use crate::printer::Printer;
use crate::project::LayerArgs;

#[derive(Debug, Args)]
pub(crate) struct InfoCommand {
    /// Modules [default: all that the target has]
    #[arg(value_name = "MODULE")]
    modules: Vec<String>,
    /// Target: `native`, `native-static`, `native-PLATFORM`, `wasi` or `emscripten`
    #[arg(short, long, default_value = "native", value_parser = target)]
    target: Target,
    /// Build type [default: as the manifest says, else `release`]
    #[arg(short, long, value_name = "TYPE")]
    build_type: Option<String>,
    /// Compilers to use: `auto`, `gnu` or `zig` [default: ANYMOD_TOOLCHAIN, then the manifest, then `auto`]
    #[arg(long, value_name = "KIND")]
    toolchain: Option<String>,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    layers: LayerArgs,
}

/// Reads the name of a target whose modules are archives.
pub(crate) fn target(text: &str) -> Result<Target, String> {
    let target = Target::parse(text).filter(|target| target.takes_archives());
    target.ok_or_else(|| {
        "write `native`, `native-static`, `native-PLATFORM`, `wasi` or `emscripten`; `anymod targets` lists them"
            .to_owned()
    })
}

pub(crate) fn run(args: &InfoCommand, printer: Printer) -> Result<(), Diagnostics> {
    let request = Request {
        modules: args.modules.clone(),
        build_type: args.build_type.clone(),
        toolchain: args.toolchain.clone(),
        libraries: args.layers.libraries()?,
        ..Request::new(args.layers.layers(), args.target, Environment::of_process())
    };
    let info = info(&request, Own::Users)?;
    printer.data(&match args.format {
        Format::Json => super::json(&info),
        Format::Text => text(&info),
    });
    Ok(())
}

fn text(info: &Info) -> String {
    let Info { modules, target, build_type, .. } = info;
    let mut text = format!("{} for {target}, {build_type}\n", modules.join(", "));
    for (name, values) in [
        ("headers", &info.headers),
        ("include directories", &info.include_dirs),
        ("archives, in link order", &info.archives),
        ("cflags", &info.cflags),
        ("ldflags", &info.ldflags),
    ] {
        if !values.is_empty() {
            text += &format!("{name}\n");
            text += &values.iter().map(|value| format!("    {value}\n")).collect::<String>();
        }
    }
    for (name, fact) in &info.abi {
        text += &format!("abi {name}: {fact}\n");
    }
    text
}
