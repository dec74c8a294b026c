//! `anymod wheel`: from any package to a wheel for Pyodide.

use std::path::{Path, PathBuf};

use anymod_build::environment::Environment;
use anymod_build::intercept::{ExportPolicy, Flags};
use anymod_build::wheel::{Built, Event, Source, WheelRequest};
use anymod_model::codes::wheel as codes;
use anymod_model::{Diagnostic, Diagnostics};
use clap::Args;

use super::json_line;
use crate::cli::Format;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress::counted;
use crate::settings::{self, SharedArgs};

#[derive(Debug, Args)]
pub(crate) struct Wheel {
    /// Packages: a directory, a source distribution, or a release such as `ujson==5.10.0`
    #[arg(value_name = "DIR|SDIST|NAME==VERSION", default_value = ".")]
    packages: Vec<String>,
    /// Target to build for, for instance `pyodide-0.29.5`; may be given several times
    #[arg(short, long, value_name = "TARGET", required = true)]
    target: Vec<String>,
    /// Directory to put wheels into
    #[arg(short, long, value_name = "DIR", default_value = "dist")]
    out: PathBuf,
    /// Setting for the build backend; may be given several times
    #[arg(short = 'C', long = "config-setting", value_name = "KEY=VALUE")]
    config_settings: Vec<String>,
    /// What extension modules export: `pyinit`, `requested`, `whole-archive` or names joined with commas
    #[arg(long, value_name = "POLICY", default_value = "pyinit")]
    export: String,
    /// Leave a rule of the compilers' stand-in out: `off=NAME`
    #[arg(long, value_name = "off=NAME")]
    rule: Vec<String>,
    /// Write what was done with every command to a file
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Leave the directory in which the wheel is built
    #[arg(long)]
    keep: bool,
    /// Run the backend with what the interpreter has installed
    #[arg(long)]
    no_isolation: bool,
    /// Take a wheel that lost extension modules because a compiler failed
    #[arg(long)]
    allow_lost: bool,
    /// The hash that the source distribution has to have, `sha256:…`
    #[arg(long, value_name = "HASH")]
    hash: Option<String>,
    /// Jobs that a backend may run at once [default: as configured, else the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    #[command(flatten)]
    shared: SharedArgs,
    /// Form of the output: lines for people, or one JSON object a line for each event
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(crate) fn run(args: &Wheel, printer: Printer) -> Result<(), Diagnostics> {
    let mut findings = Vec::new();
    let cancel = interrupt::cancel();
    for package in &args.packages {
        let request = WheelRequest { cancel: cancel.clone(), ..args.request(package)? };
        let outcome =
            anymod_build::wheel::build(&request, &mut |event| tell(&event, args.format, printer));
        if let Err(errors) = outcome {
            findings.extend(errors.0);
        }
        if cancel.is_set() {
            break;
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
}

impl Wheel {
    fn request(&self, package: &str) -> Result<WheelRequest, Diagnostics> {
        let environment = Environment::of_process();
        let mut layer = self.shared.layer()?;
        if let Some(jobs) = self.jobs {
            layer.flag("build.jobs", "--jobs", &jobs.to_string())?;
        }
        let settings = anymod_build::settings::load(None, layer, &environment)?;
        let flags = |name: &str| {
            let words = environment.get(name).unwrap_or_default().split_whitespace();
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        let flags = Flags {
            cflags: flags("CFLAGS"),
            cxxflags: flags("CXXFLAGS"),
            ldflags: flags("LDFLAGS"),
        };
        let executable = std::env::current_exe().map_err(|error| {
            Diagnostic::error(&codes::START, format!("cannot find anymod's own file: {error}"))
                .hint("start it by its path")
        })?;
        Ok(WheelRequest {
            source: Source::parse(package)?,
            sha256: self.hash.as_deref().map(sha256).transpose()?,
            targets: self.target.iter().map(|name| name.replace('@', "-")).collect(),
            out: self.out.clone(),
            config_settings: self.config_settings()?,
            exports: exports(&self.export),
            rules_off: self.rules_off()?,
            flags,
            trace: self.trace.clone(),
            keep: self.keep,
            isolated: !self.no_isolation,
            allow_lost: self.allow_lost,
            jobs: settings.number("build.jobs").and_then(|jobs| usize::try_from(jobs).ok()),
            // Only the user's own settings are read: a package's say nothing here.
            store: settings::shared(&settings, Path::new(""))?,
            executable,
            cancel: anymod_build::Cancel::default(),
            environment,
        })
    }

    fn config_settings(&self) -> Result<Vec<(String, String)>, Diagnostic> {
        let split = |text: &String| {
            let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
            let (key, value) =
                pair.ok_or_else(|| usage(&format!("`{text}` is not `KEY=VALUE`")))?;
            Ok((key.to_owned(), value.to_owned()))
        };
        self.config_settings.iter().map(split).collect()
    }

    fn rules_off(&self) -> Result<Vec<String>, Diagnostic> {
        let off = |text: &String| {
            let name = text.strip_prefix("off=").filter(|name| !name.is_empty());
            name.map(str::to_owned)
                .ok_or_else(|| usage(&format!("`--rule {text}` is not `--rule off=NAME`")))
        };
        self.rule.iter().map(off).collect()
    }
}

fn usage(message: &str) -> Diagnostic {
    Diagnostic::error(&codes::SOURCE, message).hint("`anymod wheel --help` shows the form")
}

/// The digits of `sha256:DIGITS`.
fn sha256(text: &str) -> Result<String, Diagnostic> {
    let digits = text.strip_prefix("sha256:").filter(|digits| {
        digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    digits
        .map(str::to_ascii_lowercase)
        .ok_or_else(|| usage(&format!("`{text}` is not `sha256:` and 64 hexadecimal digits")))
}

fn exports(text: &str) -> ExportPolicy {
    match text {
        "pyinit" => ExportPolicy::PyInit,
        "requested" => ExportPolicy::Requested,
        "whole-archive" => ExportPolicy::WholeArchive,
        names => ExportPolicy::List(names.split(',').map(str::to_owned).collect()),
    }
}

/// Shows what happened.
fn tell(event: &Event, format: Format, printer: Printer) {
    if format == Format::Json {
        return printer.data(&json_line(event));
    }
    match event {
        Event::WheelStage { stage, target, subject } => {
            let target = target.as_deref().unwrap_or_default();
            printer.status(&format!("{:<8}  {target}  {subject}", stage.name()));
        }
        Event::WheelOutput { output } => printer.error(output.trim_end()),
        Event::WheelKept { path } => printer.status(&format!("kept      {}", path.display())),
        Event::Diagnostic(finding) => {
            printer.status(&format!("{}[{}]: {}", finding.severity, finding.code, finding.message));
        }
        Event::WheelBuilt(built) => printer.status(&summary(built)),
    }
}

/// `built     dist/ujson-….whl  71234 bytes; 9 commands ran, 3 from the store (4.2 s)`.
fn summary(built: &Built) -> String {
    let mut text = format!("built     {}  {} bytes", built.path.display(), built.size);
    if built.extensions.is_empty() {
        text += "; no extension modules";
    } else {
        text += &format!("; {} ran", counted(built.ran, "command"));
        if built.hits > 0 {
            text += &format!(", {} from the store", built.hits);
            if built.remote_hits > 0 {
                text += &format!(" ({} of a remote server)", built.remote_hits);
            }
        }
        if built.failed > 0 {
            text += &format!(", {} failed", built.failed);
        }
    }
    let seconds = std::time::Duration::from_millis(built.milliseconds).as_secs_f64();
    text + &format!(" ({seconds:.1} s)")
}
