//! The command line of a compiler call.

use std::path::Path;

use anymod_model::codes::build as codes;
use anymod_model::event::ActionKind;
use anymod_model::manifest::{FloatModel, ModuleSettings, SourceKind, Spanned};
use anymod_model::{Abi, Diagnostic, Diagnostics};

use super::Planner;
use super::module::{Scope, Source};
use crate::action::{Action, Command};
use crate::headers;
use crate::toolchain::{Toolchain, usual_float};

/// Name of the generated header with a module's qstrs.
pub(super) const QSTRS_HEADER: &str = "module-qstrs.h";

impl Planner<'_> {
    /// The action that compiles one source.
    pub(super) fn compile(
        &mut self,
        scope: &Scope,
        toolchain: &Toolchain,
        source: &Source,
        object: String,
    ) -> Result<Action, Diagnostics> {
        let settings = &scope.settings;
        let search = self.search(scope)?;
        let mut argv = toolchain.command(source.kind);
        argv.extend(standard(settings, source.kind));
        if source.kind != SourceKind::Asm {
            argv.extend(defines(settings));
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
        argv.extend(toolchain.system_headers(source.kind));
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
        action.inputs = vec![source.path.clone(), scope.qstrs.clone()];
        action.inputs.extend(self.named(&given));
        action.outputs = vec![object];
        action.argv = argv;
        action.env = self.tool_environment();
        action.tool = toolchain.identity;
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

    /// Directories searched for headers: the project's, what is generated, anymod's own, MicroPython's.
    fn search(&self, scope: &Scope) -> Result<Vec<String>, Diagnostic> {
        let settings = &scope.settings;
        let mut search: Vec<String> =
            settings.include_dirs.iter().map(|dir| dir.value.clone()).collect();
        search.push(format!("{}/gen", scope.dir));
        search.push(headers::INCLUDE_DIR.to_owned());
        if let Some(tree) = &settings.micropython.micropython_dir {
            let header = self.root.join(&tree.value).join("py/dynruntime.h");
            if !self.environment.is_file(&header) {
                return Err(no_tree(settings, tree));
            }
            search.push(tree.value.clone());
        }
        Ok(search)
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

/// The language standard; `cflags` and `cxxflags` come later and win.
fn standard(settings: &ModuleSettings, kind: SourceKind) -> Option<String> {
    match kind {
        // What MicroPython's own headers are written for and its own build asks for.
        SourceKind::C if settings.micropython.micropython_dir.is_some() => {
            Some("-std=c99".to_owned())
        }
        SourceKind::C => Some("-std=gnu17".to_owned()),
        SourceKind::Cxx => Some("-std=gnu++17".to_owned()),
        _ => None,
    }
}

/// Macros: those that MicroPython's headers want, then the project's.
fn defines(settings: &ModuleSettings) -> Vec<String> {
    let micropython = &settings.micropython;
    let abi = match micropython.abi {
        Abi::V1_19 => 119,
        Abi::V1_20 => 120,
        Abi::V1_22 => 122,
        Abi::V1_23 => 123,
    };
    let mut defines =
        vec![format!("-DANYMOD_MP_ABI={abi}"), format!("-DMP_CONFIGFILE=<{QSTRS_HEADER}>")];
    let usual = || micropython.micropython_dir.as_ref().map(|_| usual_float(settings.target.arch));
    if let Some(float) = micropython.float.or_else(usual) {
        let name = match float {
            FloatModel::None => "NONE",
            FloatModel::Float => "FLOAT",
            FloatModel::Double => "DOUBLE",
        };
        defines.push(format!("-DMICROPY_FLOAT_IMPL=MICROPY_FLOAT_IMPL_{name}"));
    }
    if micropython.micropython_dir.is_some() {
        defines.push("-DNO_QSTR".to_owned());
        defines.push("-DMICROPY_ENABLE_DYNRUNTIME".to_owned());
    }
    for (name, value) in &settings.defines {
        defines.push(format!("-D{name}={}", value.value));
    }
    defines
}

fn no_tree(settings: &ModuleSettings, tree: &Spanned<String>) -> Diagnostic {
    let message = format!("`{}` is not a MicroPython source tree", tree.value);
    Diagnostic::error(&codes::READ, message)
        .at(settings.place(tree))
        .note("there is no `py/dynruntime.h` in it")
        .hint("point `micropython-dir` at a checkout, or leave it out and include `anymod/micropython.h`")
}

/// A path as compilers take it for one: a name such as `-W.c` or `@x.c` would be an option.
fn operand(path: &str) -> String {
    if path.starts_with(['-', '@']) { format!("./{path}") } else { path.to_owned() }
}
