//! A `build.ninja` of a project's archives, and of a program that is linked with them, for hosts that run ninja themselves.
//!
//! Every edge is an action of the plan, so that ninja and `anymod build` make the same files with the same commands. Paths
//! lead from the project's directory, where ninja has to be run.

use std::fmt::Write as _;

use anymod_model::codes::build as codes;
use anymod_model::{Diagnostic, Diagnostics, Target};

use super::{Info, Own, Request, info};
use crate::action::{Action, Work};
use crate::inspect::planned;
use crate::request::BuildRequest;
use crate::work::shown;

/// A program to be linked with the modules.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its file.
    pub output: String,
    /// Its sources, in C or C++, and objects.
    pub sources: Vec<String>,
    /// What it is for; the modules are taken for the same.
    pub target: Target,
}

/// Writes the file for the archives that a request is for. `anymod` is how this program is called.
///
/// # Errors
/// What is wrong with the plan; targets whose modules are no archives.
pub fn ninja(
    request: &BuildRequest,
    program: Option<&Program>,
    anymod: &str,
) -> Result<String, Diagnostics> {
    let (plan, locations) = planned(request)?;
    if let Some(other) = plan.products.iter().find(|product| !product.target.takes_archives()) {
        let message = format!("ninja files are for archives, and `{}` takes none", other.target);
        let hint = "name targets such as `native` or `wasi` with `--target`";
        return Err(Diagnostic::error(&codes::NOTHING_TO_BUILD, message).hint(hint).into());
    }
    let mut file = String::from(HEAD);
    let maps = locations.prefix_maps();
    for action in &plan.actions {
        edge(&mut file, action, &maps, anymod);
    }
    let mut defaults: Vec<String> =
        plan.products.iter().map(|product| product.built.clone()).collect();
    if let Some(program) = program {
        if let Some(build_type) = build_type(request, &plan) {
            link(&mut file, request, program, build_type)?;
        }
        defaults = vec![program.output.clone()];
    }
    _ = writeln!(file, "default {}", paths(&defaults));
    Ok(file)
}

/// The rules. Commands are whole, because each has flags of its own.
const HEAD: &str = "\
# Written by `anymod emit ninja`; ask for it again when the manifest changes.
ninja_required_version = 1.5

rule compile
  command = $command
  description = compile $in
  depfile = $depfile
  deps = gcc

rule archive
  command = $command
  description = archive $out
  restat = 1

rule link
  command = $command
  description = link $out

";

/// An action as an edge.
fn edge(file: &mut String, action: &Action, maps: &[String], anymod: &str) {
    let variables = action.env.iter().map(|(name, value)| format!("{name}={value}"));
    let mut words: Vec<String> = action.argv.clone();
    let (rule, depfile) = match &action.work {
        Work::Command(command) => {
            if command.maps_paths {
                words.extend(maps.iter().cloned());
            }
            ("compile", command.depfile.clone())
        }
        _ => {
            words = std::iter::once(anymod.to_owned())
                .chain(action.argv.iter().skip(1).cloned())
                .chain(["-o".to_owned(), action.name().to_owned()])
                .collect();
            ("archive", None)
        }
    };
    let mut command: String = variables.map(|variable| shown(&[variable]) + " ").collect();
    command += &shown(&words);
    let (inputs, implicit) = action.inputs.split_at(match rule {
        "compile" => 1.min(action.inputs.len()),
        _ => action.inputs.len(),
    });
    _ = write!(file, "build {}: {rule} {}", paths(&action.outputs), paths(inputs));
    if !implicit.is_empty() {
        _ = write!(file, " | {}", paths(implicit));
    }
    _ = writeln!(file, "\n  command = {}", text(&command));
    if let Some(depfile) = depfile {
        _ = writeln!(file, "  depfile = {}", text(&depfile));
    }
    file.push('\n');
}

/// The build type that a program is linked for: one, because it has one file.
fn build_type(request: &BuildRequest, plan: &crate::plan::Plan) -> Option<String> {
    let first = plan.products.first().map(|product| product.build_type.clone());
    request.build_types.first().cloned().or(first)
}

/// The edges of a program: its sources, and the link with the archives as what it depends on.
fn link(
    file: &mut String,
    request: &BuildRequest,
    program: &Program,
    build_type: String,
) -> Result<(), Diagnostics> {
    let info = info(
        &Request {
            modules: request.modules.clone(),
            build_type: Some(build_type),
            toolchain: request.toolchain.clone(),
            libraries: request.libraries.clone(),
            ..Request::new(request.layers(), program.target, request.environment.clone())
        },
        Own::Users,
    )?;
    let mut objects = Vec::new();
    let mut is_cxx = false;
    for source in &program.sources {
        let extension = source.rsplit('.').next().unwrap_or_default();
        if matches!(extension, "o" | "obj" | "a") {
            objects.push(source.clone());
            continue;
        }
        let cxx = matches!(extension, "cc" | "cpp" | "cxx");
        is_cxx |= cxx;
        let object = format!("{}.{}.o", program.output, source.replace('/', "_"));
        program_object(file, &info, source, &object, cxx);
        objects.push(object);
    }
    let compiler = if is_cxx { &info.cxx } else { &info.cc };
    let mut words = compiler.clone();
    words.extend(objects.iter().cloned());
    words.extend(["-o".to_owned(), program.output.clone()]);
    words.extend(info.ldflags.iter().map(|word| relative(word, &info)));
    let archives: Vec<String> = info.archives.iter().map(|path| relative(path, &info)).collect();
    _ = writeln!(
        file,
        "build {}: link {} | {}\n  command = {}\n",
        path(&program.output),
        paths(&objects),
        paths(&archives),
        text(&shown(&words))
    );
    Ok(())
}

fn program_object(file: &mut String, info: &Info, source: &str, object: &str, cxx: bool) {
    let depfile = format!("{object}.d");
    let (compiler, flags) = match cxx {
        true => (&info.cxx, &info.cxxflags),
        false => (&info.cc, &info.cflags),
    };
    // Ninja does not read every path that compilers list, a quote in a directory's name for one; it reads what is relative.
    let flags = flags.iter().map(|flag| match flag.strip_prefix("-I") {
        Some(directory) => format!("-I{}", relative(directory, info)),
        None => flag.clone(),
    });
    let mut words: Vec<String> = compiler.iter().cloned().chain(flags).collect();
    words.extend(["-MD", "-MF", &depfile, "-c", source, "-o", object].map(str::to_owned));
    _ = writeln!(
        file,
        "build {}: compile {}\n  command = {}\n  depfile = {}\n",
        path(object),
        path(source),
        text(&shown(&words)),
        text(&depfile)
    );
}

/// A path as the plan writes it: relative to the project, so that ninja knows it for what an edge makes.
fn relative(word: &str, info: &Info) -> String {
    // The directory of archives is three below the project's.
    let root = info.libdir.rsplitn(4, '/').nth(3).unwrap_or_default();
    match word.strip_prefix(root) {
        Some("") => ".".to_owned(),
        Some(rest) => rest.strip_prefix('/').unwrap_or(word).to_owned(),
        None => word.to_owned(),
    }
}

/// Paths of an edge ("Lexical syntax" in ninja's manual).
fn paths(all: &[String]) -> String {
    all.iter().map(|one| path(one)).collect::<Vec<_>>().join(" ")
}

fn path(path: &str) -> String {
    text(path).replace(' ', "$ ").replace(':', "$:")
}

/// The value of a variable.
fn text(text: &str) -> String {
    text.replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ninja_reads_otherwise_is_escaped() {
        assert_eq!(path("a b/c:d$e"), "a$ b/c$:d$$e");
        assert_eq!(text("a b: $x"), "a b: $$x");
    }
}
