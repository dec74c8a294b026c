//! Doing one action: a process in a clean environment, or work inside anymod.
//!
//! Outputs are made in a directory of this run and renamed into place when they are whole, so that a process that
//! outlives a killed build writes to nothing that the next build uses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_link::ar::Part;
use anymod_link::mpy::Linked;
use anymod_model::codes::build as codes;
use anymod_model::event::{ActionKind, Help, Remote};
use anymod_model::{Diagnostic, Diagnostics, Place};
use anymod_pack::mpy::MergeOptions;
use anymod_remote::Executed;

use anymod_store::Digest;

use crate::action::{self, Action, Archive, Cargo, Link, Seal, Wheel, Work};
use crate::archives::facts;
use crate::children::{Children, Stop};
use crate::environment::{Environment, SOURCE_DATE_EPOCH};
use crate::fence::Fence;
use crate::headers::INCLUDE_DIR;
use crate::install;
use crate::jobs::Jobs;
use crate::mpy::as_inputs;
use crate::package;
use crate::plan::BUILD_DIR;
use crate::size::ModuleSizes;
use crate::stat::Stat;
use crate::way::Way;

/// Where actions are done.
pub(crate) struct Workshop<'a> {
    root: &'a Path,
    environment: &'a Environment,
    fence: &'a Fence,
    jobs: &'a Jobs,
    variables: BTreeMap<String, String>,
    prefix_maps: Vec<String>,
    directory: tempfile::TempDir,
    children: Children,
}

const WORK_PREFIX: &str = ".work-";

impl<'a> Workshop<'a> {
    /// Makes a directory for this run's unfinished files. The caller holds the lock of the build directory.
    pub(crate) fn open(way: &Way<'a>) -> Result<Workshop<'a>, Diagnostic> {
        let build = way.root.join(BUILD_DIR);
        let directory = tempfile::Builder::new().prefix(WORK_PREFIX).tempdir_in(&build);
        let directory = directory.map_err(|error| install::write_error(&build, &error))?;
        Ok(Workshop {
            root: way.root,
            environment: way.environment,
            fence: way.fence,
            jobs: way.jobs,
            variables: way.environment.for_tools(),
            prefix_maps: way.locations.prefix_maps(),
            directory,
            children: Children::default(),
        })
    }

    /// Ends the processes that run, and those that they started.
    pub(crate) fn stop(&self, how: Stop) {
        self.children.stop(how);
    }

    /// Ends an action, by its number; it fails then, unless it has just succeeded.
    pub(crate) fn call_off(&self, index: usize) {
        self.children.call_off(index);
    }

    /// Lets an action that was called off be done again.
    pub(crate) fn call_back(&self, index: usize) {
        self.children.call_back(index);
    }
}

/// Removes what killed builds left in the build directory. The caller holds its lock.
pub(crate) fn clear_leftovers(root: &Path) {
    let build = root.join(BUILD_DIR);
    let entries = std::fs::read_dir(&build).into_iter().flatten().flatten();
    let left: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(WORK_PREFIX))
        .map(|entry| entry.path())
        .collect();
    // Only a run that was killed leaves its directory, and only then need every other one be looked into.
    if left.is_empty() {
        install::clear_leftovers(&build);
        // Headers are written before there is one.
        install::clear_leftovers_below(&root.join(INCLUDE_DIR));
    } else {
        install::clear_leftovers_below(&build);
    }
    for directory in left {
        // What cannot be removed is in nobody's way.
        let _ = std::fs::remove_dir_all(directory);
    }
}

/// How an action ended.
#[derive(Default)]
pub(crate) struct Done {
    /// What a process said, unchanged.
    pub(crate) output: String,
    /// Files found to be read, for instance headers.
    pub(crate) discovered: Vec<String>,
    /// Paths that were looked at and may have nothing there.
    pub(crate) sought: BTreeSet<String>,
    /// The files made, in the order of the action's outputs; fewer if they have yet to be looked at.
    pub(crate) made: Vec<Made>,
    pub(crate) warnings: Vec<Diagnostic>,
    /// What a remote server had to do with it.
    pub(crate) remote: Option<Remote>,
    pub(crate) error: Option<Vec<Diagnostic>>,
}

/// A file that an action made, or that came out of the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    pub(crate) digest: Digest,
    pub(crate) stat: Stat,
}

impl Done {
    fn of(result: Result<Vec<Made>, Diagnostics>) -> Done {
        match result {
            Ok(made) => Done { made, ..Done::default() },
            Err(errors) => Done { error: Some(errors.0), ..Done::default() },
        }
    }
}

/// Does an action; `index` tells it from the others of the run.
pub(crate) fn execute(action: &Action, index: usize, workshop: &Workshop<'_>) -> Done {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match &action.work {
        Work::Command(_) => command(action, index, workshop),
        Work::Qstrs => Done::of(qstrs(action, workshop)),
        Work::Library(recipe) => {
            let built = recipe.build(workshop.environment, &workshop.children);
            Done::of(built.map(|()| Vec::new()).map_err(Into::into))
        }
        Work::Link(link) => link_action(action, link, workshop),
        Work::Merge { source_name } => Done::of(merge(action, source_name.as_ref(), workshop)),
        Work::Wheel(wheel) => wheel_action(action, wheel, workshop),
        Work::Archive(archive) => Done::of(gather(action, archive, workshop)),
        Work::Text(bytes) => Done::of(
            write(action.name(), bytes, workshop).map(|made| vec![made]).map_err(Into::into),
        ),
        Work::Seal(seal) => seal_action(action, seal, workshop),
        Work::Entries(addon) => Done::of(entries(action, addon, workshop)),
        Work::Cargo(cargo) => cargo_action(action, cargo, workshop),
        Work::Declarations => Done::of(declarations(action, workshop)),
    }));
    result.unwrap_or_else(|_| {
        let message =
            format!("anymod itself failed to {} `{}`", action.kind.name(), action.subject);
        let finding = Diagnostic::error(&codes::INTERNAL, message);
        let hint = "please report this together with the module's sources and the lines above";
        Done::of(Err(finding.hint(hint).into()))
    })
}

/// Puts in place what a command has made elsewhere. An output that is missing is an error like any other.
pub(crate) fn collect(
    action: &Action,
    executed: Executed,
    workshop: &Workshop<'_>,
    way: &Way<'_>,
) -> Done {
    let Work::Command(details) = &action.work else { return Done::default() };
    let down = executed.files.values().map(|(bytes, _)| bytes.len() as u64).sum();
    let queued = u64::try_from(executed.queued.as_micros()).unwrap_or(u64::MAX);
    let worker = executed.worker;
    let remote = Some(Remote { how: Help::Executed, waited: 0, queued, down, worker });
    let output = String::from_utf8_lossy(&executed.said).into_owned();
    let mut done = Done { output, remote, ..Done::default() };
    let file = |path: &String| executed.files.get(path).map(|(bytes, _)| bytes.as_slice());
    if let Some(depfile) = &details.depfile {
        let text = file(depfile).map(String::from_utf8_lossy).unwrap_or_default();
        let real = |path: String| way.remote_path(&path);
        done.discovered = crate::depfile::parse(&text).into_iter().map(real).collect();
        if done.discovered.is_empty() {
            done.error = Some(vec![lacking(action, depfile)]);
            return done;
        }
    }
    if let Err(why) = way.vouch(action, &executed.files, &done.discovered) {
        let finding = Diagnostic::error(&codes::TOOL_FAILED, why);
        done.error = Some(vec![finding.at(Place::file(action.subject.clone()))]);
        return done;
    }
    let own = done.discovered.iter().chain(action.inputs.first());
    let own = own.filter(|path| !path.starts_with('/'));
    done.sought = crate::incbin::sought(own, &details.search, workshop.root);
    for output in &action.outputs {
        match file(output).map(|bytes| write(output, bytes, workshop)) {
            Some(Ok(made)) => done.made.push(made),
            Some(Err(error)) => done.error = Some(vec![error]),
            None => done.error = Some(vec![lacking(action, output)]),
        }
    }
    done
}

fn lacking(action: &Action, output: &str) -> Diagnostic {
    let message = format!("`{output}` was not made elsewhere");
    Diagnostic::error(&codes::TOOL_FAILED, message).at(Place::file(action.subject.clone()))
}

/// Runs a command whose outputs go through the run's directory.
fn command(action: &Action, index: usize, workshop: &Workshop<'_>) -> Done {
    let Work::Command(details) = &action.work else { return Done::default() };
    let aside = |name: &str| workshop.directory.path().join(format!("{index}.{name}"));
    let mut renamed: BTreeMap<&str, PathBuf> = BTreeMap::new();
    for (number, output) in action.outputs.iter().enumerate() {
        let mut path = aside(&format!("out{number}"));
        if action.kind == ActionKind::Link {
            // Linkers write down what the file is called.
            if let Err(error) = std::fs::create_dir(&path) {
                return Done::of(Err(install::write_error(&path, &error).into()));
            }
            path.push(Path::new(output).file_name().unwrap_or_default());
        }
        renamed.insert(output, path);
    }
    let depfile = details.depfile.as_deref().map(|path| (path, aside("d")));
    renamed.extend(depfile.clone());
    let program = action.argv.first().map_or("", String::as_str);
    let command = prepared(action, details, &renamed, workshop);
    let (status, said) = match workshop.children.run_for(Some(index), command) {
        Ok(ended) => ended,
        Err(error) => return Done::of(Err(not_started(program, &error).into())),
    };
    let mut done = Done { output: said, ..Done::default() };
    if !status.success() {
        done.error = Some(vec![failed(action, program, status)]);
        return done;
    }
    if let Some((name, path)) = depfile {
        done.discovered = std::fs::read(&path)
            .map(|bytes| crate::depfile::parse(&String::from_utf8_lossy(&bytes)))
            .unwrap_or_default();
        for path in &mut done.discovered {
            *path = relative(path, workshop.root);
        }
        if action.kind == ActionKind::Link {
            // Linkers list files that they made for themselves, and removed, as well.
            done.discovered.retain(|path| workshop.root.join(path).is_file());
        }
        if done.discovered.is_empty() {
            // Nobody knows what was read. A file that is not there keeps the action from ever counting as fresh.
            done.discovered.push(name.to_owned());
        }
        let _ = std::fs::remove_file(path);
    }
    if action.kind == ActionKind::Compile {
        let own = done.discovered.iter().chain(action.inputs.first());
        let own = own.filter(|path| !path.starts_with('/'));
        done.sought = crate::incbin::sought(own, &details.search, workshop.root);
    }
    for output in &action.outputs {
        let from = renamed.get(output.as_str()).cloned().unwrap_or_default();
        match put(&from, &workshop.root.join(output), workshop.fence) {
            Ok(made) => done.made.push(made),
            Err(error) => done.error = Some(vec![error]),
        }
    }
    done
}

/// The process of a command, with its outputs under other names.
fn prepared(
    action: &Action,
    details: &action::Command,
    renamed: &BTreeMap<&str, PathBuf>,
    workshop: &Workshop<'_>,
) -> Command {
    let mut words = action.argv.iter();
    let mut command = Command::new(words.next().map_or("", String::as_str));
    command.current_dir(workshop.root).env_clear().envs(&workshop.variables).envs(&action.env);
    for word in words {
        match renamed.get(word.as_str()) {
            Some(path) => command.arg(path),
            None => command.arg(word),
        };
    }
    if details.maps_paths {
        command.args(&workshop.prefix_maps);
    }
    workshop.jobs.offer(&mut command);
    command
}

/// A path as the plan would write it.
fn relative(path: &str, root: &Path) -> String {
    let inside = Path::new(path).strip_prefix(root).ok().and_then(Path::to_str);
    inside.unwrap_or(path).trim_start_matches("./").to_owned()
}

/// Renames a finished file into its place.
fn put(from: &Path, to: &Path, fence: &Fence) -> Result<Made, Diagnostic> {
    let digest = Digest::of(&install::read(from)?);
    fence.make_way(to)?;
    std::fs::rename(from, to).map_err(|error| install::write_error(to, &error))?;
    made(to, digest)
}

/// What is to be known of a file just made.
pub(crate) fn made(path: &Path, digest: Digest) -> Result<Made, Diagnostic> {
    let metadata = std::fs::metadata(path).map_err(|error| install::read_error(path, &error))?;
    Ok(Made { digest, stat: Stat::of(&metadata) })
}

/// Writes an output that is in memory. Left alone when equal, so that what depends on it stays fresh.
fn write(output: &str, bytes: &[u8], workshop: &Workshop<'_>) -> Result<Made, Diagnostic> {
    let path = workshop.root.join(output);
    workshop.fence.make_way(&path)?;
    install::write_built(&path, bytes)?;
    made(&path, Digest::of(bytes))
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

fn qstrs(action: &Action, workshop: &Workshop<'_>) -> Result<Vec<Made>, Diagnostics> {
    let files = read_all(action.inputs.iter(), workshop.root)?;
    let header = crate::mpy::qstr_header(files.iter().map(|(_, bytes)| bytes.as_slice()));
    Ok(vec![write(action.name(), header.as_bytes(), workshop)?])
}

fn link_action(action: &Action, link: &Link, workshop: &Workshop<'_>) -> Done {
    match link_files(action, link, workshop) {
        Ok((made, warnings)) => Done { made, warnings, ..Done::default() },
        Err(errors) => Done::of(Err(errors)),
    }
}

fn link_files(
    action: &Action,
    link: &Link,
    workshop: &Workshop<'_>,
) -> Result<(Vec<Made>, Vec<Diagnostic>), Diagnostics> {
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
    let files = action.outputs.iter().zip([mpy.as_slice(), sizes.as_bytes()]);
    let made: Result<Vec<Made>, Diagnostic> =
        files.map(|(output, bytes)| write(output, bytes, workshop)).collect();
    Ok((made?, warnings))
}

fn wheel_action(action: &Action, wheel: &Wheel, workshop: &Workshop<'_>) -> Done {
    let packed = || {
        let files = read_all(wheel.files.values(), workshop.root)?;
        let offers = install::read(&workshop.root.join(&wheel.offers))?;
        let epoch = action.env.get(SOURCE_DATE_EPOCH).and_then(|epoch| epoch.parse().ok());
        let (bytes, warnings) = package::wheel(wheel, files, &offers, epoch.unwrap_or(0))?;
        Ok::<_, Diagnostics>((vec![write(action.name(), &bytes, workshop)?], warnings))
    };
    match packed() {
        Ok((made, warnings)) => Done { made, warnings, ..Done::default() },
        Err(errors) => Done::of(Err(errors)),
    }
}

fn cargo_action(action: &Action, cargo: &Cargo, workshop: &Workshop<'_>) -> Done {
    let command = crate::cargo::command(&action.argv, cargo, workshop.root, workshop.environment);
    let mut command = match command {
        Ok(command) => command,
        Err(finding) => return Done::of(Err(finding.into())),
    };
    workshop.jobs.offer(&mut command);
    let (status, said) = match workshop.children.run(command) {
        Ok(ended) => ended,
        Err(error) => return Done::of(Err(not_started("cargo", &error).into())),
    };
    let (messages, output) = crate::cargo::split(&said);
    if !status.success() {
        let error = Some(vec![failed(action, "cargo", status)]);
        return Done { output, error, ..Done::default() };
    }
    let copied = || {
        let built = crate::cargo::built(&messages, cargo, workshop.root)?;
        let bytes = install::read(&built.artifact)?;
        let types = crate::cargo::types(&workshop.root.join(&cargo.types))?;
        let files = action.outputs.iter().zip([bytes.as_slice(), types.as_bytes()]);
        let made = files.map(|(output, bytes)| write(output, bytes, workshop));
        Ok::<_, Diagnostics>((made.collect::<Result<Vec<_>, _>>()?, built.read))
    };
    match copied() {
        Ok((made, read)) => {
            let read = read.iter().map(|path| relative(&path.to_string_lossy(), workshop.root));
            // What Cargo says of its progress is of no interest once it is done.
            Done { discovered: read.collect(), made, ..Done::default() }
        }
        Err(errors) => Done { output, ..Done::of(Err(errors)) },
    }
}

fn entries(
    action: &Action,
    addon: &anymod_pack::node::Addon,
    workshop: &Workshop<'_>,
) -> Result<Vec<Made>, Diagnostics> {
    let files = read_all(action.inputs.iter().take(1), workshop.root)?;
    let types = files.first().map(|(_, bytes)| String::from_utf8_lossy(bytes)).unwrap_or_default();
    let text = crate::node::entry(addon, &types, action.name());
    Ok(vec![write(action.name(), text.as_bytes(), workshop)?])
}

fn seal_action(action: &Action, seal: &Seal, workshop: &Workshop<'_>) -> Done {
    let sealed = || {
        let linked = action.inputs.first().map_or("", String::as_str);
        let bytes = install::read(&workshop.root.join(linked))?;
        let (bytes, warnings) = crate::node::seal(bytes, seal)?;
        Ok::<_, Diagnostics>((vec![write(action.name(), &bytes, workshop)?], warnings))
    };
    match sealed() {
        Ok((made, warnings)) => Done { made, warnings, ..Done::default() },
        Err(errors) => Done::of(Err(errors)),
    }
}

fn gather(
    action: &Action,
    archive: &Archive,
    workshop: &Workshop<'_>,
) -> Result<Vec<Made>, Diagnostics> {
    let files = read_all(archive.parts.iter(), workshop.root)?;
    let elsewhere = facts::elsewhere(&files, workshop.root)?;
    let parts: Vec<Part<'_>> = files.iter().map(|(path, bytes)| Part { path, bytes }).collect();
    let bytes = anymod_link::ar::assemble(&anymod_link::ar::Request {
        parts: &parts,
        elsewhere: &elsewhere,
        format: archive.format,
        cpu: archive.cpu,
        stamp: &archive.stamp,
    })?;
    Ok(vec![write(action.name(), &bytes, workshop)?])
}

fn declarations(action: &Action, workshop: &Workshop<'_>) -> Result<Vec<Made>, Diagnostics> {
    let files = read_all(action.inputs.iter(), workshop.root)?;
    let [(file, text), (_, exports)] = &files[..] else { return Ok(Vec::new()) };
    let compared = crate::node::compare(file, &String::from_utf8_lossy(text), exports)?;
    Ok(vec![write(action.name(), compared.as_bytes(), workshop)?])
}

fn merge(
    action: &Action,
    source_name: Option<&String>,
    workshop: &Workshop<'_>,
) -> Result<Vec<Made>, Diagnostics> {
    let files = read_all(action.inputs.iter(), workshop.root)?;
    let inputs: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let options = MergeOptions { source_name: source_name.cloned() };
    let merged = anymod_pack::mpy::merge(&inputs, &options)?;
    Ok(vec![write(action.name(), &merged, workshop)?])
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
