//! The command line of a compiler call.

use std::path::Path;

use anymod_model::Diagnostics;
use anymod_model::event::ActionKind;
use anymod_model::manifest::{ModuleSettings, SourceKind};
use anymod_store::Digest;

use super::Planner;
use super::module::{Scope, Source};
use crate::action::{Action, Command};

/// How sources of a language are compiled for a target, besides what the project says.
pub(super) struct Call {
    /// The program and its first options.
    pub(super) command: Vec<String>,
    /// Options that define macros, before the project's own.
    pub(super) defines: Vec<String>,
    /// Directories searched for headers, the project's among them.
    pub(super) search: Vec<String>,
    /// Options after the project's own: where the toolchain's headers are.
    pub(super) end: Vec<String>,
    /// Generated files that sources read.
    pub(super) inputs: Vec<String>,
    /// Digest of the compiler.
    pub(super) tool: Digest,
}

impl Planner<'_> {
    /// The action that compiles one source.
    pub(super) fn compile(
        &mut self,
        scope: &Scope,
        call: Call,
        source: &Source,
        object: String,
    ) -> Result<Action, Diagnostics> {
        let settings = &scope.settings;
        let Call { command: mut argv, defines, search, end, inputs, tool } = call;
        if source.kind != SourceKind::Asm {
            argv.extend(defines);
            argv.extend(own_defines(settings));
            argv.extend(search.iter().map(|dir| format!("-I{dir}")));
        }
        let own = match source.kind {
            SourceKind::C => &settings.cflags,
            SourceKind::Cxx => &settings.cxxflags,
            _ => &settings.asflags,
        };
        let given: Vec<&str> =
            settings.flags.iter().chain(own).map(|flag| flag.value.as_str()).collect();
        argv.extend(given.iter().map(|flag| (*flag).to_owned()));
        argv.extend(path_maps(&search));
        argv.extend(end);
        let mut command = Command { maps_paths: true, ..Command::default() };
        if source.kind != SourceKind::Asm {
            let depfile = format!("{}.d", object.trim_end_matches(".o"));
            argv.extend(["-MD".to_owned(), "-MF".to_owned(), depfile.clone()]);
            command.depfile = Some(depfile);
            // Nobody puts headers into directories that anymod itself writes.
            let foreign = |dir: &&String| !super::is_generated(dir);
            command.search = search.iter().filter(foreign).cloned().collect();
        }
        // In the order in which most of them are searched; a place too many does no harm.
        command.search.extend(searched(&given));
        argv.extend(["-c".to_owned(), operand(&source.path), "-o".to_owned(), object.clone()]);
        let mut action = scope.action(ActionKind::Compile, &source.path, command.into());
        action.inputs = vec![source.path.clone()];
        action.inputs.extend(inputs);
        action.inputs.extend(self.named(&given));
        action.outputs = vec![object];
        action.argv = argv;
        action.env = self.tool_environment();
        action.tool = tool;
        Ok(action)
    }

    /// Files that the project's own options name and that compilers list nowhere: `@options`, `-specs=file`,
    /// `-fplugin=file`, `-include file`.
    fn named(&self, flags: &[&str]) -> Vec<String> {
        let mut files = Vec::new();
        for flag in flags {
            let after = flag.split_once('=').map(|(_, after)| after);
            let candidates = [Some(*flag), flag.strip_prefix('@'), after];
            for path in candidates.into_iter().flatten().filter(|path| !path.is_empty()) {
                if self.environment.is_file(&self.root.join(path))
                    && !files.iter().any(|known| known == path)
                {
                    files.push(path.to_owned());
                }
            }
        }
        files
    }
}

/// The language standard; `cflags` and `cxxflags` come later and win.
pub(crate) fn standard(kind: SourceKind) -> Option<String> {
    match kind {
        SourceKind::C => Some("-std=gnu17".to_owned()),
        SourceKind::Cxx => Some("-std=gnu++17".to_owned()),
        _ => None,
    }
}

/// Directories that the project's own options have searched for headers.
fn searched(flags: &[&str]) -> Vec<String> {
    const OPTIONS: [&str; 4] = ["-I", "-iquote", "-isystem", "-idirafter"];
    let mut directories = Vec::new();
    let mut words = flags.iter();
    while let Some(word) = words.next() {
        let Some(rest) = OPTIONS.iter().find_map(|option| word.strip_prefix(option)) else {
            continue;
        };
        let directory = if rest.is_empty() { words.next().copied() } else { Some(rest) };
        directories.extend(directory.map(str::to_owned));
    }
    directories
}

/// Options that keep the places of directories given by an absolute path out of objects; the project's own and anymod's
/// are the runner's to add.
fn path_maps(search: &[String]) -> impl Iterator<Item = String> {
    let absolute = search.iter().filter(|dir| dir.starts_with('/'));
    absolute.map(|dir| {
        let name = Path::new(dir).file_name().unwrap_or_default().to_string_lossy();
        format!("-ffile-prefix-map={dir}=/{name}")
    })
}

/// The project's macros.
fn own_defines(settings: &ModuleSettings) -> impl Iterator<Item = String> {
    settings.defines.iter().map(|(name, value)| format!("-D{name}={}", value.value))
}

/// A path as compilers take it for one: a name such as `-W.c` or `@x.c` would be an option.
fn operand(path: &str) -> String {
    if path.starts_with(['-', '@']) { format!("./{path}") } else { path.to_owned() }
}
