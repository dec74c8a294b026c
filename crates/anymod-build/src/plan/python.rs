//! Planning a module for CPython or Pyodide: compile, link, pack; the product is a wheel.

use std::collections::BTreeMap;

use anymod_model::codes::{build as codes, manifest, toolchain};
use anymod_model::event::ActionKind;
use anymod_model::manifest::{ModuleSettings, PythonSettings, SourceKind};
use anymod_model::{Diagnostic, Diagnostics, PythonVersion};
use anymod_pack::wheel::WheelName;

use super::compile::{Call, standard};
use super::module::{Scope, Source, below};
use super::{DIST_DIR, Planner, Product};
use crate::action::{Action, Command, Wheel, Work};
use crate::environment::SOURCE_DATE_EPOCH;
use crate::package;
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
        let files = self.files(scope, own, sources, linked.name())?;
        self.add(linked);
        let wheel = self.wheel(scope, own, files, &tools.python, limited_api);
        let ModuleSettings { module, target, .. } = &scope.settings;
        let built = wheel.name().to_owned();
        let name = built.rsplit('/').next().unwrap_or(&built);
        let installed = format!("{DIST_DIR}/{target}/{name}");
        self.add(wheel);
        let (module, target) = (module.clone(), *target);
        let build_type = scope.settings.build_type.clone();
        Ok(Product {
            module,
            target,
            build_type,
            built,
            installed,
            sizes: None,
            shared: false,
            actions: 0..0,
        })
    }

    /// What is in the wheel, by names in it: the extension in its package, and Python files and data beside it.
    fn files(
        &mut self,
        scope: &Scope,
        own: &PythonSettings,
        sources: &[Source],
        extension: &str,
    ) -> Result<BTreeMap<String, String>, Diagnostics> {
        let settings = &scope.settings;
        let package = own.import_name.rsplit_once('.').map_or("", |(package, _)| package);
        let placed = |name: &str| match package {
            "" => name.to_owned(),
            package => format!("{}/{name}", package.replace('.', "/")),
        };
        let mut findings = Vec::new();
        let mut beside: Vec<(String, String)> = Vec::new();
        for source in sources.iter().filter(|source| source.kind == SourceKind::Python) {
            beside.push((source.below.clone(), source.path.clone()));
        }
        for pattern in &own.package_data {
            let paths = self.matches(settings, pattern, &mut findings);
            beside.extend(
                paths.into_iter().map(|path| (below(&pattern.value, &path).to_owned(), path)),
            );
        }
        let name = extension.rsplit('/').next().unwrap_or(extension);
        let mut files = BTreeMap::from([(placed(name), extension.to_owned())]);
        for (name, path) in beside {
            match files.insert(placed(&name), path.clone()) {
                Some(other) if other != path => {
                    let message =
                        format!("`{other}` and `{path}` are both `{}` in the wheel", placed(&name));
                    let finding = Diagnostic::error(&codes::SAME_FILE, message);
                    findings.push(finding.hint("rename one, or leave it out with `exclude`"));
                }
                _ => {}
            }
        }
        if findings.is_empty() { Ok(files) } else { Err(Diagnostics(findings)) }
    }

    /// The action that packs the wheel.
    fn wheel(
        &self,
        scope: &Scope,
        own: &PythonSettings,
        files: BTreeMap<String, String>,
        python: &Python,
        limited_api: Option<PythonVersion>,
    ) -> Action {
        let name = WheelName {
            distribution: package::distribution(&own.wheel.name),
            version: own.wheel.version.clone(),
            build: None,
            interpreters: vec![limited_api.unwrap_or(python.version).tag()],
            abis: vec![limited_api.map_or_else(|| python.abi.clone(), |_| "abi3".to_owned())],
            platforms: vec![python.platform.clone()],
        };
        let output = format!("{}/{name}", scope.dir);
        let wheel = Wheel {
            name,
            metadata: own.wheel.clone(),
            import_name: own.import_name.clone(),
            files,
            offers: python.offers.clone(),
            libraries: !scope.settings.libraries.is_empty() || !own.ldflags.is_empty(),
            facts: python.facts.clone(),
        };
        let mut inputs: Vec<String> = wheel.files.values().cloned().collect();
        inputs.push(wheel.offers.clone());
        let argv = wheel.argv();
        let module = &scope.settings.module;
        let mut action = scope.action(ActionKind::Wheel, module, Work::Wheel(Box::new(wheel)));
        action.inputs = inputs;
        action.outputs = vec![output];
        action.argv = argv;
        action.env = [(SOURCE_DATE_EPOCH.to_owned(), self.environment.source_date_epoch())].into();
        action.tool = self.own;
        action
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
        check_libraries(settings, &tools.python)?;
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
            flags: settings.flags.iter().map(|flag| flag.value.as_str()).collect(),
            ldflags: own.ldflags.iter().map(|flag| flag.value.as_str()).collect(),
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

/// Libraries whose functions are in the main module of every Pyodide, so that nothing is linked for them.
const IN_PYODIDE: [&str; 9] =
    ["libc", "libm", "libgcc", "libstdc++", "libpthread", "libdl", "librt", "libz", "libbz2"];

/// Reports names of libraries that a Pyodide does not have.
fn check_libraries(settings: &ModuleSettings, python: &Python) -> Result<(), Diagnostics> {
    let known = |name: &str| python.facts.is_none() || IN_PYODIDE.contains(&name);
    let unknown = settings.libraries.iter().filter(|name| !known(&name.value));
    let findings: Vec<Diagnostic> = unknown
        .map(|name| {
            let message = format!("there is no `{}` for `{}`", name.value, settings.target);
            Diagnostic::error(&toolchain::LIBRARY, message)
                .at(settings.place(name))
                .hint("list an archive of your own in `sources`, or leave it out for this target")
        })
        .collect();
    if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
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
