//! Planning a module for CPython or Pyodide: compile, link, pack; the product is a wheel.

use anymod_model::codes::{build as codes, manifest};
use anymod_model::event::ActionKind;
use anymod_model::manifest::{ModuleSettings, PythonSettings, SourceKind};
use anymod_model::{Diagnostic, Diagnostics, PythonVersion};

use super::compile::{Call, standard};
use super::module::{Scope, Source};
use super::{DIST_DIR, Planner, Product};
use crate::action::{Action, Command};
use crate::toolchain::{LinkCall, Linked, Python, PythonTools};

impl Planner<'_> {
    /// Adds the actions of a module.
    pub(super) fn python(
        &mut self,
        scope: &Scope,
        own: &PythonSettings,
        sources: &[Source],
    ) -> Result<Product, Diagnostics> {
        let tools = self.python_tools(scope.settings.target)?;
        let limited_api = limited_api(scope, own, &tools.python)?;
        let linked = self.extension(scope, own, sources, &tools, limited_api)?;
        let ModuleSettings { module, target, .. } = &scope.settings;
        let built = linked.name().to_owned();
        let name = built.rsplit('/').next().unwrap_or(&built);
        let installed = format!("{DIST_DIR}/{target}/{name}");
        self.add(linked);
        let (module, target) = (module.clone(), *target);
        Ok(Product { module, target, built, installed, sizes: None, actions: 0..0 })
    }

    /// Adds the actions before linking; returns that of linking.
    fn extension(
        &mut self,
        scope: &Scope,
        own: &PythonSettings,
        sources: &[Source],
        tools: &PythonTools,
        limited_api: Option<PythonVersion>,
    ) -> Result<Action, Diagnostics> {
        let settings = &scope.settings;
        if sources.iter().all(|source| source.kind == SourceKind::Python) {
            let message =
                format!("`{}` has no native sources for `{}`", settings.module, settings.target);
            let finding = Diagnostic::error(&codes::NO_SOURCES, message);
            let hint = "add the C that makes it an extension module, or leave the target out";
            return Err(finding.hint(hint).into());
        }
        let search: Vec<String> =
            settings.include_dirs.iter().map(|dir| dir.value.clone()).collect();
        let (mut files, archives) = self.objects(scope, sources, &mut |kind| {
            let (mut command, end, tool) = tools.compiler(kind)?;
            command.extend(standard(kind));
            let defines = limited_api.iter().map(|version| {
                // As `PY_VERSION_HEX` counts.
                format!("-DPy_LIMITED_API=0x03{:02x}0000", version.minor)
            });
            let search = search.clone();
            Ok(Call { command, defines: defines.collect(), search, end, inputs: Vec::new(), tool })
        })?;
        files.extend(archives);
        let name = own.import_name.rsplit('.').next().unwrap_or(&own.import_name);
        let suffix = if limited_api.is_some() { ".abi3.so" } else { tools.python.suffix.as_str() };
        let call = tools.link(Linked {
            files: files.clone(),
            libraries: settings.libraries.iter().map(|name| name.value.as_str()).collect(),
            cxx: sources.iter().any(|source| source.kind == SourceKind::Cxx),
            debug: settings.flags.iter().any(|flag| flag.value.starts_with("-g")),
            entry: format!("PyInit_{name}"),
            output: format!("{}/{name}{suffix}", scope.dir),
        })?;
        let LinkCall { argv, inputs, depfile, tool, output } = call;
        let command = Command { depfile, ..Command::default() };
        let mut action = scope.action(ActionKind::Link, &settings.module, command.into());
        action.inputs = files;
        action.inputs.extend(inputs);
        action.outputs = vec![output];
        action.argv = argv;
        action.env = self.tool_environment();
        action.tool = tool;
        Ok(action)
    }
}

/// The release whose limited API a module keeps to; the Python that it is built for has to have that.
fn limited_api(
    scope: &Scope,
    own: &PythonSettings,
    python: &Python,
) -> Result<Option<PythonVersion>, Diagnostic> {
    let Some(limited) = &own.limited_api else { return Ok(None) };
    if limited.value <= python.version {
        return Ok(Some(limited.value));
    }
    let (limited_to, target) = (limited.value, scope.settings.target);
    let message = format!("`{target}` does not have the limited API of Python {limited_to}");
    Err(Diagnostic::error(&manifest::NOT_ON_TARGET, message)
        .at(scope.settings.place(limited))
        .note(format!("it is Python {}", python.version))
        .hint("set `limited-api` to the oldest Python that the module is built for"))
}

/// The name of a distribution as names of wheels have it.
pub(crate) fn distribution(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}
