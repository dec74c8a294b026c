//! Doing one action: a process in a clean environment, or work inside anymod.
//!
//! Outputs are made in a directory of this run and renamed into place when they are whole, so that a process that
//! outlives a killed build writes to nothing that the next build uses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anymod_link::mpy::Linked;
use anymod_model::codes::build as codes;
use anymod_model::event::ActionKind;
use anymod_model::{Diagnostic, Diagnostics, Place};
use anymod_pack::mpy::MergeOptions;

use crate::action::{Action, Link, Work};
use crate::environment::Environment;
use crate::install;
use crate::mpy::as_inputs;
use crate::plan::BUILD_DIR;
use crate::size::ModuleSizes;

/// Where actions are done.
pub(crate) struct Workshop<'a> {
    root: &'a Path,
    environment: &'a Environment,
    variables: BTreeMap<String, String>,
    directory: tempfile::TempDir,
}

const WORK_PREFIX: &str = ".work-";

impl<'a> Workshop<'a> {
    /// Makes a directory for this run's unfinished files and removes what killed runs left. The caller holds the lock of
    /// the build directory.
    pub(crate) fn open(
        root: &'a Path,
        environment: &'a Environment,
    ) -> Result<Workshop<'a>, Diagnostic> {
        let build = root.join(BUILD_DIR);
        let entries = std::fs::read_dir(&build).into_iter().flatten().flatten();
        for entry in
            entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(WORK_PREFIX))
        {
            // What cannot be removed is in nobody's way.
            let _ = std::fs::remove_dir_all(entry.path());
        }
        let directory = tempfile::Builder::new().prefix(WORK_PREFIX).tempdir_in(&build);
        let directory = directory.map_err(|error| install::write_error(&build, &error))?;
        Ok(Workshop { root, environment, variables: environment.for_tools(), directory })
    }
}

/// How an action ended.
#[derive(Default)]
pub(crate) struct Done {
    /// What a process said, unchanged.
    pub(crate) output: String,
    /// Files found to be read, for instance headers.
    pub(crate) discovered: Vec<String>,
    pub(crate) warnings: Vec<Diagnostic>,
    pub(crate) error: Option<Vec<Diagnostic>>,
}

impl Done {
    fn of(result: Result<(), Diagnostics>) -> Done {
        Done { error: result.err().map(|errors| errors.0), ..Done::default() }
    }
}

/// Does an action; `index` tells it from the others of the run.
pub(crate) fn execute(action: &Action, index: usize, workshop: &Workshop<'_>) -> Done {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match &action.work {
        Work::Command(_) => command(action, index, workshop),
        Work::Qstrs => Done::of(qstrs(action, workshop)),
        Work::Library(recipe) => Done::of(recipe.build(workshop.environment).map_err(Into::into)),
        Work::Link(link) => link_action(action, link, workshop),
        Work::Merge { source_name } => Done::of(merge(action, source_name.as_ref(), workshop)),
    }));
    result.unwrap_or_else(|_| {
        let message =
            format!("anymod itself failed to {} `{}`", action.kind.name(), action.subject);
        let finding = Diagnostic::error(&codes::INTERNAL, message);
        let hint = "please report this together with the module's sources and the lines above";
        Done::of(Err(finding.hint(hint).into()))
    })
}

/// Runs a command whose outputs go through the run's directory.
fn command(action: &Action, index: usize, workshop: &Workshop<'_>) -> Done {
    let Work::Command(details) = &action.work else { return Done::default() };
    let aside = |name: &str| workshop.directory.path().join(format!("{index}.{name}"));
    let mut renamed: BTreeMap<&str, PathBuf> = BTreeMap::new();
    for (number, output) in action.outputs.iter().enumerate() {
        renamed.insert(output, aside(&format!("out{number}")));
    }
    let depfile = details.depfile.as_deref().map(|path| (path, aside("d")));
    renamed.extend(depfile.clone());
    let mut words = action.argv.iter();
    let program = words.next().map_or("", String::as_str);
    let mut command = Command::new(program);
    command.current_dir(workshop.root).env_clear().envs(&workshop.variables).envs(&action.env);
    for word in words {
        match renamed.get(word.as_str()) {
            Some(path) => command.arg(path),
            None => command.arg(word),
        };
    }
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => return Done::of(Err(not_started(program, &error).into())),
    };
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    let mut done = Done { output: said, ..Done::default() };
    if !output.status.success() {
        done.error = Some(vec![failed(action, program, output.status)]);
        return done;
    }
    if let Some((_, path)) = depfile {
        done.discovered = std::fs::read(&path)
            .map(|bytes| crate::depfile::parse(&String::from_utf8_lossy(&bytes)))
            .unwrap_or_default();
        for path in &mut done.discovered {
            *path = relative(path, workshop.root);
        }
    }
    if action.kind == ActionKind::Compile {
        let own = done
            .discovered
            .iter()
            .chain(action.inputs.first())
            .filter(|path| !path.starts_with('/'));
        let included = included_by_assembler(own, &details.search, workshop.root);
        done.discovered.extend(included);
    }
    for output in &action.outputs {
        let from = renamed.get(output.as_str()).cloned().unwrap_or_default();
        if let Err(error) = put(&from, &workshop.root.join(output)) {
            done.error = Some(vec![error]);
        }
    }
    done
}

/// Files of the project that its sources name in assembler directives, as far as they are there.
fn included_by_assembler<'a>(
    sources: impl Iterator<Item = &'a String>,
    search: &[String],
    root: &Path,
) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for source in sources {
        let bytes = std::fs::read(root.join(source)).unwrap_or_default();
        for name in crate::incbin::names(&String::from_utf8_lossy(&bytes)) {
            let places = search.iter().map(|dir| format!("{dir}/{name}"));
            let places = std::iter::once(name.to_owned()).chain(places);
            files.extend(places.filter(|path| root.join(path).is_file()));
        }
    }
    files
}

/// A path as the plan would write it.
fn relative(path: &str, root: &Path) -> String {
    let inside = Path::new(path).strip_prefix(root).ok().and_then(Path::to_str);
    inside.unwrap_or(path).trim_start_matches("./").to_owned()
}

/// Renames a finished file into its place.
fn put(from: &Path, to: &Path) -> Result<(), Diagnostic> {
    if let Some(parent) = to.parent() {
        install::create_dir(parent)?;
    }
    std::fs::rename(from, to).map_err(|error| install::write_error(to, &error))
}

fn not_started(program: &str, error: &std::io::Error) -> Diagnostic {
    let message = format!("`{program}` could not be started: {}", install::reason(error));
    Diagnostic::error(&anymod_model::codes::toolchain::UNUSABLE, message)
        .hint("run `anymod doctor`")
}

fn failed(action: &Action, program: &str, status: std::process::ExitStatus) -> Diagnostic {
    let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    let message = format!("`{name}` failed for target `{}`: {}", action.target, ended(status));
    let place = Place::file(action.subject.clone());
    Diagnostic::error(&codes::TOOL_FAILED, message).at(place)
}

/// How a process ended, in words.
fn ended(status: std::process::ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("killed by signal {signal}");
    }
    status
        .code()
        .map_or_else(|| "it ended abnormally".to_owned(), |code| format!("exit code {code}"))
}

/// A command line as a shell would take it.
pub(crate) fn shown(argv: &[String]) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=+:,@%^".contains(letter);
    let words: Vec<String> = argv
        .iter()
        .map(|word| match word.chars().all(plain) && !word.is_empty() {
            true => word.clone(),
            false => format!("'{}'", word.replace('\'', "'\\''")),
        })
        .collect();
    words.join(" ")
}

/// Reads the inputs of an action; all that cannot be read are told.
fn read_all<'a>(
    paths: impl Iterator<Item = &'a String>,
    root: &Path,
) -> Result<Vec<(String, Vec<u8>)>, Diagnostics> {
    let (mut files, mut findings) = (Vec::new(), Vec::new());
    for path in paths {
        match install::read(&root.join(path)) {
            Ok(bytes) => files.push((path.clone(), bytes)),
            Err(finding) => findings.push(finding.at(Place::file(path.clone()))),
        }
    }
    if findings.is_empty() { Ok(files) } else { Err(Diagnostics(findings)) }
}

fn qstrs(action: &Action, workshop: &Workshop<'_>) -> Result<(), Diagnostics> {
    let files = read_all(action.inputs.iter(), workshop.root)?;
    let header = crate::mpy::qstr_header(files.iter().map(|(_, bytes)| bytes.as_slice()));
    // Left alone when equal, so that sources which do not use a new qstr are not compiled again.
    install::write_built(&workshop.root.join(action.name()), header.as_bytes())?;
    Ok(())
}

fn link_action(action: &Action, link: &Link, workshop: &Workshop<'_>) -> Done {
    match link_files(action, link, workshop) {
        Ok(warnings) => Done { warnings, ..Done::default() },
        Err(errors) => Done::of(Err(errors)),
    }
}

fn link_files(
    action: &Action,
    link: &Link,
    workshop: &Workshop<'_>,
) -> Result<Vec<Diagnostic>, Diagnostics> {
    let root = workshop.root;
    let mut options = link.options.clone();
    options.qstrs = crate::mpy::read_qstrs(&root.join(&link.qstrs))?;
    if let Some(externs) = &link.externs {
        options.externs = crate::mpy::read_externs(&root.join(externs))?;
    }
    let objects = read_all(link.objects.iter(), root)?;
    let archives = read_all(link.archives.iter(), root)?;
    let (objects, archives) = (as_inputs(&objects), as_inputs(&archives));
    let Linked { mpy, sizes, warnings, .. } =
        anymod_link::mpy::link(&objects, &archives, &options)?;
    let sizes = ModuleSizes::of(&sizes, mpy.len()).to_json();
    for (output, bytes) in action.outputs.iter().zip([mpy.as_slice(), sizes.as_bytes()]) {
        install::write_built(&root.join(output), bytes)?;
    }
    Ok(warnings)
}

fn merge(
    action: &Action,
    source_name: Option<&String>,
    workshop: &Workshop<'_>,
) -> Result<(), Diagnostics> {
    let files = read_all(action.inputs.iter(), workshop.root)?;
    let inputs: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let options = MergeOptions { source_name: source_name.cloned() };
    let merged = anymod_pack::mpy::merge(&inputs, &options)?;
    install::write_built(&workshop.root.join(action.name()), &merged)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_so_that_a_shell_takes_them() {
        let argv = ["gcc", "-DX=\"a b\"", "it's", ""].map(str::to_owned);
        assert_eq!(shown(&argv), "gcc '-DX=\"a b\"' 'it'\\''s' ''");
    }
}
