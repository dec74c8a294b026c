//! Planning a module for MicroPython: qstrs, compile, link, merge; the product is a `.mpy` file.

use std::collections::BTreeSet;

use anymod_link::mpy::{Options, StaticData};
use anymod_model::codes::build as codes;
use anymod_model::event::ActionKind;
use anymod_model::manifest::{
    self, ArchFlag, FloatModel, MicroPythonSettings, ModuleSettings, SourceKind, Spanned,
};
use anymod_model::{Abi, Diagnostic, Diagnostics};

use super::compile::{Call, standard};
use super::module::{Scope, Source, object_name};
use super::{DIST_DIR, Planner, Product};
use crate::action::{Action, Command, Link, Work};
use crate::headers;
use crate::toolchain::{Library, Recipe, Toolchain, find_library, usual_float};

/// Name of the generated header with a module's qstrs.
const QSTRS_HEADER: &str = "module-qstrs.h";

/// Path of that header.
fn qstrs(scope: &Scope) -> String {
    format!("{}/gen/{QSTRS_HEADER}", scope.dir)
}

impl Planner<'_> {
    /// Adds the actions of a module.
    pub(super) fn micropython(
        &mut self,
        scope: &Scope,
        own: &MicroPythonSettings,
        sources: &[Source],
    ) -> Result<Product, Diagnostics> {
        let native = sources.iter().any(|source| source.kind != SourceKind::Python);
        let mut parts = Vec::new();
        let mut sizes = None;
        if native {
            let linked = self.native(scope, own, sources)?;
            sizes = linked.outputs.get(1).cloned();
            parts.extend(linked.outputs.first().cloned());
            self.add(linked);
        }
        for source in sources.iter().filter(|source| source.kind == SourceKind::Python) {
            let action = self.bytecode(scope, own, source)?;
            parts.extend(action.outputs.first().cloned());
            self.add(action);
        }
        let explicit = own.source_name.as_ref().map(|name| name.value.clone());
        let built = match parts.as_slice() {
            [part] if native || explicit.is_none() => part.clone(),
            _ => {
                let merge = self.merge(scope, parts, explicit);
                let built = merge.name().to_owned();
                self.add(merge);
                built
            }
        };
        let ModuleSettings { module, target, .. } = &scope.settings;
        let installed = format!("{DIST_DIR}/{target}/{module}.mpy");
        let (module, target) = (module.clone(), *target);
        let build_type = scope.settings.build_type.clone();
        Ok(Product {
            module,
            target,
            build_type,
            built,
            installed,
            sizes,
            shared: false,
            actions: 0..0,
        })
    }

    /// Adds the actions before linking; returns that of linking.
    fn native(
        &mut self,
        scope: &Scope,
        own: &MicroPythonSettings,
        sources: &[Source],
    ) -> Result<Action, Diagnostics> {
        let settings = &scope.settings;
        let toolchain = self.toolchain(settings.target, own.arch)?;
        self.add_qstrs(scope, own, sources)?;
        let search = self.search(scope, own)?;
        let (objects, mut archives) = self.objects(scope, sources, &mut |kind| {
            Ok(compiler_call(&toolchain, scope, own, kind, search.clone()))
        })?;
        let mut findings = Vec::new();
        for name in &settings.libraries {
            match find_library(&toolchain, &name.value, self.environment, self.log) {
                Ok(Library::Files(paths)) => {
                    archives.extend(paths.iter().map(|path| path.to_string_lossy().into_owned()));
                }
                Ok(Library::Built(recipe)) => {
                    let archive = recipe.archive.to_string_lossy().into_owned();
                    self.add(library_action(scope, &archive, recipe, &toolchain));
                    archives.push(archive);
                }
                Err(finding) => findings.push(match finding.place {
                    None => finding.at(settings.place(name)),
                    Some(_) => finding,
                }),
            }
        }
        if findings.is_empty() {
            Ok(self.link(scope, own, objects, archives))
        } else {
            Err(Diagnostics(findings))
        }
    }

    /// Directories searched for headers: the project's, what is generated, anymod's own, MicroPython's.
    fn search(&self, scope: &Scope, own: &MicroPythonSettings) -> Result<Vec<String>, Diagnostic> {
        let settings = &scope.settings;
        let mut search: Vec<String> =
            settings.include_dirs.iter().map(|dir| dir.value.clone()).collect();
        search.push(format!("{}/gen", scope.dir));
        search.push(headers::INCLUDE_DIR.to_owned());
        if let Some(tree) = &own.micropython_dir {
            let header = self.root.join(&tree.value).join("py/dynruntime.h");
            if !self.environment.is_file(&header) {
                return Err(no_tree(settings, tree));
            }
            search.push(tree.value.clone());
        }
        Ok(search)
    }

    fn add_qstrs(
        &mut self,
        scope: &Scope,
        own: &MicroPythonSettings,
        sources: &[Source],
    ) -> Result<(), Diagnostics> {
        let settings = &scope.settings;
        let compiled =
            |source: &&Source| !matches!(source.kind, SourceKind::Object | SourceKind::Archive);
        let mut inputs: Vec<String> =
            sources.iter().filter(compiled).map(|source| source.path.clone()).collect();
        let mut findings = Vec::new();
        for pattern in &own.qstr_sources {
            inputs.extend(self.matches(settings, pattern, &mut findings));
        }
        if !findings.is_empty() {
            return Err(Diagnostics(findings));
        }
        let mut action = scope.action(ActionKind::Qstrs, &settings.module, Work::Qstrs);
        action.argv = ["anymod", "mpy", "link", "--preprocess"].map(str::to_owned).to_vec();
        action.inputs = inputs;
        action.outputs = vec![qstrs(scope)];
        action.tool = self.own;
        self.add(action);
        Ok(())
    }

    fn link(
        &self,
        scope: &Scope,
        own: &MicroPythonSettings,
        objects: Vec<String>,
        archives: Vec<String>,
    ) -> Action {
        let settings = &scope.settings;
        let name = own.source_name.as_ref().map(|name| name.value.clone());
        let name = name.unwrap_or_else(|| format!("{}.mpy", settings.module));
        let mut options = Options::new(own.arch, name);
        options.abi = own.abi;
        options.arch_flags = own.arch_flags.iter().map(|flag| arch_flag_bit(*flag)).sum();
        options.static_data = match own.static_data {
            manifest::StaticData::InText => StaticData::InText,
            manifest::StaticData::Refuse => StaticData::Refuse,
        };
        options.gc_sections = own.gc_sections;
        let externs = own.externs.as_ref().map(|path| path.value.clone());
        let qstrs = qstrs(scope);
        let mut inputs = vec![qstrs.clone()];
        inputs.extend(externs.iter().cloned());
        inputs.extend(objects.iter().chain(&archives).cloned());
        let link = Link { options, qstrs, objects, archives, externs };
        let argv = link.argv();
        let output = format!("{}/{}.native.mpy", scope.dir, settings.module);
        let sizes = format!("{}/{}.sizes.json", scope.dir, settings.module);
        let mut action =
            scope.action(ActionKind::Link, &settings.module, Work::Link(Box::new(link)));
        action.inputs = inputs;
        action.outputs = vec![output, sizes];
        action.argv = argv;
        action.tool = self.own;
        action
    }

    fn bytecode(
        &mut self,
        scope: &Scope,
        own: &MicroPythonSettings,
        source: &Source,
    ) -> Result<Action, Diagnostics> {
        let mpy_cross = self.mpy_cross(own.abi)?;
        let mut names = BTreeSet::new();
        let output = object_name(&scope.dir, &source.path, &mut names);
        let output = format!("{}.mpy", output.trim_end_matches(".o"));
        // The stored name is shown in tracebacks; a path would say where the module was built.
        let stored = source.path.rsplit('/').next().unwrap_or(&source.path);
        let mut argv = vec![mpy_cross.program.to_string_lossy().into_owned()];
        argv.push(format!("-march={}", own.arch));
        argv.extend(["-s".to_owned(), stored.to_owned()]);
        argv.extend(own.mpy_cross_flags.iter().map(|flag| flag.value.clone()));
        argv.extend(["-o".to_owned(), output.clone(), source.path.clone()]);
        let work = Work::from(Command::default());
        let mut action = scope.action(ActionKind::CompilePython, &source.path, work);
        action.inputs = vec![source.path.clone()];
        action.outputs = vec![output];
        action.argv = argv;
        action.env = self.tool_environment();
        action.tool = mpy_cross.identity;
        Ok(action)
    }

    fn merge(&self, scope: &Scope, parts: Vec<String>, source_name: Option<String>) -> Action {
        let mut argv = ["anymod", "mpy", "merge"].map(str::to_owned).to_vec();
        argv.extend(source_name.iter().map(|name| format!("--source-name={name}")));
        argv.extend(parts.iter().cloned());
        let module = &scope.settings.module;
        let mut action = scope.action(ActionKind::Merge, module, Work::Merge { source_name });
        action.inputs = parts;
        action.outputs = vec![format!("{}/{module}.mpy", scope.dir)];
        action.argv = argv;
        action.tool = self.own;
        action
    }
}

/// How a language is compiled for MicroPython.
fn compiler_call(
    toolchain: &Toolchain,
    scope: &Scope,
    own: &MicroPythonSettings,
    kind: SourceKind,
    search: Vec<String>,
) -> Call {
    let mut command = toolchain.command(kind);
    // What MicroPython's own headers are written for and its own build asks for.
    let c99 = kind == SourceKind::C && own.micropython_dir.is_some();
    command.extend(if c99 { Some("-std=c99".to_owned()) } else { standard(kind) });
    Call {
        command,
        defines: defines(own),
        search,
        end: toolchain.system_headers(kind),
        inputs: vec![qstrs(scope)],
        tool: toolchain.identity,
    }
}

/// Macros that MicroPython's headers want.
fn defines(own: &MicroPythonSettings) -> Vec<String> {
    let abi = match own.abi {
        Abi::V1_19 => 119,
        Abi::V1_20 => 120,
        Abi::V1_22 => 122,
        Abi::V1_23 => 123,
    };
    let mut defines =
        vec![format!("-DANYMOD_MP_ABI={abi}"), format!("-DMP_CONFIGFILE=<{QSTRS_HEADER}>")];
    let usual = || own.micropython_dir.as_ref().map(|_| usual_float(own.arch));
    if let Some(float) = own.float.or_else(usual) {
        let name = match float {
            FloatModel::None => "NONE",
            FloatModel::Float => "FLOAT",
            FloatModel::Double => "DOUBLE",
        };
        defines.push(format!("-DMICROPY_FLOAT_IMPL=MICROPY_FLOAT_IMPL_{name}"));
    }
    if own.micropython_dir.is_some() {
        defines.push("-DNO_QSTR".to_owned());
        defines.push("-DMICROPY_ENABLE_DYNRUNTIME".to_owned());
    }
    defines
}

/// The bit of an extension in a header's architecture flags (`Header::arch_flags`).
fn arch_flag_bit(flag: ArchFlag) -> u64 {
    match flag {
        ArchFlag::Zba => 1,
        ArchFlag::Zcmp => 2,
    }
}

fn library_action(scope: &Scope, archive: &str, recipe: Recipe, toolchain: &Toolchain) -> Action {
    let subject = recipe.name;
    let argv = recipe.argv();
    let work = Work::Library(Box::new(recipe));
    let mut action = scope.action(ActionKind::Library, subject, work);
    action.module = None;
    action.outputs = vec![archive.to_owned()];
    action.argv = argv;
    action.tool = toolchain.identity;
    action
}

fn no_tree(settings: &ModuleSettings, tree: &Spanned<String>) -> Diagnostic {
    let message = format!("`{}` is not a MicroPython source tree", tree.value);
    Diagnostic::error(&codes::READ, message)
        .at(settings.place(tree))
        .note("there is no `py/dynruntime.h` in it")
        .hint("point `micropython-dir` at a checkout, or leave it out and include `anymod/micropython.h`")
}
