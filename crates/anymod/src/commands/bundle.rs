//! `anymod bundle`: archives of WebAssembly objects, linked into one module.

use std::path::PathBuf;

use anymod_build::BuildRequest;
use anymod_build::archives::{self, Info, Own};
use anymod_build::bundle::{self, BundleRequest, ExportPolicy, STACK_SIZE, Strip};
use anymod_build::environment::Environment;
use anymod_build::toolchain::wasi::WasiTools;
use anymod_model::{Diagnostic, Diagnostics, Target, codes, settings::size};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::Format;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress::{Progress, counted};
use crate::project::LayerArgs;
use crate::settings::{self, SharedArgs};

#[derive(Debug, Args)]
pub(crate) struct Bundle {
    /// Archives, in link order [default: those of the project's modules and of their host libraries, built first]
    #[arg(value_name = "ARCHIVE")]
    archives: Vec<PathBuf>,
    /// Build type of the project's modules [default: as the manifest says, else `release`]
    #[arg(short, long, value_name = "TYPE", conflicts_with = "archives")]
    build_type: Option<String>,
    #[command(flatten)]
    layers: LayerArgs,
    /// Also search this archive for what is undefined, such as a C++ library; only what is needed is linked
    #[arg(long, value_name = "ARCHIVE")]
    search: Vec<PathBuf>,
    /// Where the module goes [default: a place of anymod's own, which depends on what is in it]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What the module offers: symbols of default visibility and functions with an `export_name`, or only the latter
    #[arg(long, value_enum, default_value = "all")]
    exports: Exports,
    /// Export this symbol or `export_name`, and those of further `--export` only
    #[arg(long, value_name = "NAME", conflicts_with_all = ["exports", "export_prefix"])]
    export: Vec<String>,
    /// Export symbols and `export_name`s that begin so only
    #[arg(long, value_name = "PREFIX", conflicts_with = "exports")]
    export_prefix: Vec<String>,
    /// Let the module import this of whoever loads it: `MODULE.NAME`, or `NAME` of `env`; `*` is anything
    #[arg(long, value_name = "PATTERN")]
    allow_import: Vec<String>,
    /// Size of the C stack, for instance `16MiB`
    #[arg(long, value_name = "SIZE", value_parser = stack_size, default_value_t = STACK_SIZE)]
    stack_size: u64,
    /// What to leave out
    #[arg(long, value_name = "WHAT", value_enum, num_args = 0..=1, default_missing_value = "debug")]
    strip: Option<StripWhat>,
    /// Keep symbols of the same name in different archives apart, unless they are exported
    #[arg(long)]
    isolate: bool,
    /// Make a side module, which a main module loads into its memory; its objects are compiled with `-fPIC`
    #[arg(long)]
    shared: bool,
    /// Refuse a side module of which this main module lacks an import
    #[arg(long, value_name = "MAIN.wasm", requires = "shared")]
    against: Option<PathBuf>,
    /// Target: `wasi`, or for side modules `emscripten`
    #[arg(long, default_value = "wasi", value_parser = target)]
    target: Target,
    /// Link even if the result is known
    #[arg(long)]
    force: bool,
    /// Also precompile the module: TOOL is run as `TOOL compile -o OUT IN`
    #[arg(long, value_name = "TOOL")]
    cwasm: Option<PathBuf>,
    /// An installed linker instead of the managed zig's
    #[arg(long, value_name = "PROGRAM", requires = "sysroot")]
    wasm_ld: Option<PathBuf>,
    /// Directory of the C library that the installed linker takes
    #[arg(long, value_name = "DIR", requires = "wasm_ld")]
    sysroot: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    keeping: SharedArgs,
}

/// What is exported unless a list says.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Exports {
    All,
    Named,
}

/// What is left out.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum StripWhat {
    /// Debug information
    Debug,
    /// Debug information and names
    All,
}

fn stack_size(text: &str) -> Result<u64, String> {
    size(text).ok_or_else(|| "write a number of bytes, or one with a unit such as `MiB`".to_owned())
}

fn target(text: &str) -> Result<Target, String> {
    Target::parse(text).ok_or_else(|| "write `wasi` or `emscripten`".to_owned())
}

pub(crate) fn run(args: &Bundle, printer: Printer) -> Result<(), Diagnostics> {
    let settings = settings::load(&args.layers.manifest, args.keeping.layer()?)?;
    let mut request = request(args);
    request.store = settings::shared(&settings, &args.layers.manifest)?;
    if request.archives.is_empty() {
        request.archives = built(args, &request, printer)?;
    }
    let made = bundle::bundle(&request, &Environment::of_process())?;
    made.warnings.iter().for_each(|warning| printer.diagnostic(warning));
    let functions = made.exports.iter().filter(|export| export.kind == "function").count();
    let elsewhere = if made.remote { " (of a remote server)" } else { "" };
    printer.status(&format!(
        "{} {}{elsewhere}: {}, {}, {} bytes",
        made.outcome.name(),
        made.path.display(),
        counted(functions, "exported function"),
        counted(made.imports.len(), "import"),
        made.bytes
    ));
    printer.data(&match args.format {
        Format::Text => format!("{}\n", made.path.display()),
        Format::Json => super::json(&json!({
            "version": 1,
            "path": made.path,
            "cwasm": made.cwasm,
            "outcome": made.outcome.name(),
            "remote": made.remote,
            "digest": made.digest,
            "bytes": made.bytes,
            "exports": made.exports,
            "imports": made.imports,
        })),
    });
    Ok(())
}

/// Builds the project's modules for the bundle's target; their archives and those of their libraries.
fn built(
    args: &Bundle,
    bundle: &BundleRequest,
    printer: Printer,
) -> Result<Vec<PathBuf>, Diagnostics> {
    let layers = &args.layers;
    let environment = Environment::of_process();
    let info = archives::info(
        &archives::Request {
            build_type: args.build_type.clone(),
            libraries: layers.libraries()?,
            ..archives::Request::new(layers.layers(), args.target, environment.clone())
        },
        Own::Users,
    )?;
    // An option that nobody takes would be missing at run time, not here.
    if let Some(option) = info.ldflags.iter().find(|option| !is_for_bundles(option, &info)) {
        let message =
            format!("`{option}` is not for bundles, which are linked by `wasm-ld` itself");
        return Err(Diagnostic::error(&codes::manifest::USAGE, message)
            .hint("move it out of `ldflags` for this target, or give an archive")
            .into());
    }
    let request = BuildRequest {
        modules: info.modules.clone(),
        targets: vec![info.target.clone()],
        build_types: vec![info.build_type.clone()],
        store: bundle.store.clone(),
        cancel: bundle.cancel.clone(),
        libraries: layers.libraries()?,
        allow_outside: layers.allow_outside,
        module_dirs: layers.module_dirs.clone(),
        no_manifest: layers.no_manifest,
        ..BuildRequest::new(&layers.manifest, environment)
    };
    let mut progress = Progress::new(Format::Text, printer);
    let outcome = anymod_build::build(&request, &mut |event| progress.event(&event));
    progress.finish();
    outcome?.warnings.iter().for_each(|warning| printer.diagnostic(warning));
    let more = info.ldflags.iter().filter(|option| option.ends_with(".a"));
    let mut archives: Vec<PathBuf> = info.archives.iter().map(PathBuf::from).collect();
    archives.extend(
        more.map(PathBuf::from)
            .filter(|path| !info.archives.iter().any(|known| path.as_os_str() == known.as_str())),
    );
    Ok(archives)
}

/// True for what a bundle takes: archives, and names of the C library that it has anyway.
fn is_for_bundles(option: &str, info: &Info) -> bool {
    info.archives.iter().any(|archive| archive == option)
        || (option.ends_with(".a") && !option.starts_with('-'))
        // Whether anything of the last is needed, the link tells.
        || matches!(option, "-lc" | "-lm" | "-lc++")
}

fn request(args: &Bundle) -> BundleRequest {
    let mut request = BundleRequest::new(args.archives.clone());
    request.libraries.clone_from(&args.search);
    request.output.clone_from(&args.output);
    request.exports = match (args.exports, args.export.is_empty(), args.export_prefix.is_empty()) {
        (_, false, _) => ExportPolicy::List(args.export.clone()),
        (_, _, false) => ExportPolicy::Prefix(args.export_prefix.clone()),
        (Exports::All, true, true) => ExportPolicy::All,
        (Exports::Named, true, true) => ExportPolicy::Named,
    };
    request.stack_size = args.stack_size;
    request.strip = match args.strip {
        None => Strip::Nothing,
        Some(StripWhat::Debug) => Strip::Debug,
        Some(StripWhat::All) => Strip::All,
    };
    request.isolate = args.isolate;
    request.shared = args.shared;
    request.allow_imports.clone_from(&args.allow_import);
    request.against.clone_from(&args.against);
    request.target = args.target;
    if let (Some(wasm_ld), Some(sysroot)) = (&args.wasm_ld, &args.sysroot) {
        request.tools = WasiTools::Installed { wasm_ld: wasm_ld.clone(), sysroot: sysroot.clone() };
    }
    request.force = args.force;
    request.cwasm.clone_from(&args.cwasm);
    request.cancel = interrupt::cancel();
    request
}
