//! Flags of targets whose modules are archives.

use anymod_build::archives::{Info, Own, Request, info};
use anymod_build::environment::Environment;
use anymod_model::{Diagnostic, Diagnostics, Target, codes};

use super::{Flags, FlagsFormat, Line, quote};
use crate::printer::Printer;

pub(super) fn run(args: &Flags, target: Target, printer: Printer) -> Result<(), Diagnostics> {
    if args.explain {
        let message =
            format!("there are no rules for `{target}`, whose commands are not rewritten");
        return Err(Diagnostic::error(&codes::manifest::USAGE, message)
            .hint("leave `--explain` out")
            .into());
    }
    let request = Request {
        manifest_optional: true,
        modules: args.modules.clone(),
        build_type: args.build_type.clone(),
        toolchain: args.toolchain.clone(),
        libraries: args.layers.libraries()?,
        ..Request::new(args.layers.layers(), target, Environment::of_process())
    };
    let info = info(&request, Own::Sources)?;
    printer.data(&match one(&args.line, &info) {
        Some(words) => line(&words, args.format)? + "\n",
        None => all(&info, args.format),
    });
    Ok(())
}

/// The one line that is asked for.
fn one(line: &Line, info: &Info) -> Option<Vec<String>> {
    let rows = [
        (line.cc, &info.cc),
        (line.cxx, &info.cxx),
        (line.cflags, &info.cflags),
        (line.cxxflags, &info.cxxflags),
        (line.ldflags, &info.ldflags),
        (line.ld, &info.cc),
        (line.ar, &info.ar),
    ];
    let found = rows.into_iter().find(|row| row.0).map(|row| row.1.clone());
    found.or_else(|| line.libdir.then(|| vec![info.libdir.clone()]))
}

fn line(words: &[String], format: FlagsFormat) -> Result<String, Diagnostics> {
    Ok(match format {
        FlagsFormat::Text | FlagsFormat::Shell => quote::shell(words),
        FlagsFormat::Make => quote::make(words),
        FlagsFormat::Cmake => quote::cmake_list(words),
        FlagsFormat::Meson => quote::meson(words),
        FlagsFormat::Json => serde_json::to_string(words).unwrap_or_default(),
    })
}

/// Everything, in a form that the language reads as a file.
fn all(info: &Info, format: FlagsFormat) -> String {
    let libdir = vec![info.libdir.clone()];
    let rows = [
        ("CC", &info.cc),
        ("CXX", &info.cxx),
        ("AR", &info.ar),
        ("CFLAGS", &info.cflags),
        ("CXXFLAGS", &info.cxxflags),
        ("LDFLAGS", &info.ldflags),
        ("LIBDIR", &libdir),
    ];
    let each = |write: &dyn Fn(&str, &[String]) -> String| -> String {
        rows.iter().map(|(name, words)| write(name, words)).collect()
    };
    match format {
        FlagsFormat::Json => crate::commands::json(info),
        FlagsFormat::Text => each(&|name, words| format!("{name:<9} {}\n", quote::shell(words))),
        FlagsFormat::Shell => {
            each(&|name, words| format!("{name}={}\n", quote::shell(&[quote::shell(words)])))
        }
        FlagsFormat::Make => each(&|name, words| format!("{name} := {}\n", quote::make(words))),
        FlagsFormat::Cmake => {
            each(&|name, words| format!("set(ANYMOD_{name} {})\n", quote::cmake(words)))
        }
        FlagsFormat::Meson => format!(
            "[binaries]\nc = {}\ncpp = {}\nar = {}\n\n[built-in options]\nc_args = {}\ncpp_args = {}\n\
             c_link_args = {link}\ncpp_link_args = {link}\n",
            quote::meson(&info.cc),
            quote::meson(&info.cxx),
            quote::meson(&info.ar),
            quote::meson(&info.cflags),
            quote::meson(&info.cxxflags),
            link = quote::meson(&info.ldflags),
        ),
    }
}
