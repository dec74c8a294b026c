//! Planning an addon for Node.js: compile, link with an identity, seal; and the loader, the same for all platforms.

mod cargo;
mod probe;

use std::collections::BTreeSet;

use anymod_link::identity::Format;
use anymod_model::codes::{build, node as codes};
use anymod_model::event::ActionKind;
use anymod_model::identity::{Identity, Record};
use anymod_model::manifest::{NodeSettings, RuntimeSettings, SourceKind};
use anymod_model::node::{Level, Variant, file_name, has_variants};
use anymod_model::platform::Os;
use anymod_model::{Diagnostic, Diagnostics, Platform, Target};
use anymod_pack::node as pack;

use super::compile::{Call, standard};
use super::module::{Scope, Source};
use super::{BUILD_DIR, DIST_DIR, Planner, Product};
use crate::action::{Action, Command, Seal, Work};
use crate::environment::Environment;
use crate::toolchain::{self, NodeTools};
use anymod_store::Digest;

/// One file to be linked and sealed.
struct Library<'a> {
    /// Its directory below the build directory.
    dir: String,
    identity: Identity,
    platform: Platform,
    /// Objects and archives.
    files: Vec<String>,
    cxx: bool,
    /// Options of the linker besides the usual ones.
    flags: Vec<String>,
    strip: bool,
    dispatched: Vec<String>,
    declared: Option<(String, Vec<String>)>,
    tools: &'a NodeTools,
}

impl Planner<'_> {
    /// Adds the actions of an addon: a product for each variant, and what they share.
    pub(super) fn node(
        &mut self,
        scope: &Scope,
        own: &NodeSettings,
        sources: &[Source],
    ) -> Result<Vec<Product>, Diagnostics> {
        let variants = self.chosen_variants(scope, own)?;
        let tools = toolchain::find_node(own.platform, self.environment, self.log)?;
        let declared = self.declared(scope, own)?;
        let mut products = Vec::new();
        for variant in &variants {
            let (variant, declared) = (variant.as_ref(), declared.as_ref());
            let built = match &own.crate_dir {
                Some(directory) => {
                    self.crate_addon(scope, own, &directory.value, variant, declared, &tools)?
                }
                None => self.addon(scope, own, sources, variant, declared, &tools)?,
            };
            if let Some((file, _)) = declared {
                self.compare_declarations(scope, own, variant, file, &built);
            }
            products.push(product(scope, built, false));
        }
        let built = self.probe(scope, own.platform, &tools)?;
        products.push(product(scope, built, true));
        let first = variants.first().and_then(Option::as_ref);
        let generated = own.crate_dir.is_some() && declared.is_none();
        products.extend(self.loader(scope, own, declared, first)?);
        if generated {
            let file = self.entries_dir(scope) + "/index.d.ts";
            for (variant, product) in variants.iter().zip(products.clone()) {
                self.compare_declarations(scope, own, variant.as_ref(), &file, &product.built);
            }
        }
        Ok(products)
    }

    /// Adds the actions of one variant; the finished file.
    fn addon(
        &mut self,
        scope: &Scope,
        own: &NodeSettings,
        sources: &[Source],
        variant: Option<&Variant>,
        declared: Option<&(String, Vec<String>)>,
        tools: &NodeTools,
    ) -> Result<String, Diagnostics> {
        let settings = &scope.settings;
        let dir = match variant {
            Some(variant) => format!("{}/{}", scope.dir, variant.name),
            None => scope.dir.clone(),
        };
        let level = variant.map(|variant| variant.level);
        let inner = Scope { settings: settings.clone(), dir: dir.clone() };
        let search: Vec<String> =
            settings.include_dirs.iter().map(|dir| dir.value.clone()).collect();
        let environment = self.environment;
        let (mut files, archives) = self.objects(&inner, sources, &mut |kind| {
            let mut command = tools.compiler(kind, own.platform, level);
            command.extend(standard(kind));
            let defines = vec![format!("-DNAPI_VERSION={}", own.napi)];
            let mut end = user_flags(
                environment,
                if kind == SourceKind::Cxx { "CXXFLAGS" } else { "CFLAGS" },
            );
            end.extend(tools.headers());
            let (search, tool) = (search.clone(), tools.identity);
            Ok(Call { command, defines, search, end, inputs: Vec::new(), tool })
        })?;
        files.extend(archives);
        let mut flags: Vec<String> = settings.flags.iter().map(|flag| flag.value.clone()).collect();
        flags.extend(own.ldflags.iter().map(|flag| flag.value.clone()));
        let names = settings.libraries.iter().filter_map(|name| name.value.strip_prefix("lib"));
        flags.extend(names.map(|name| format!("-l{name}")));
        flags.extend(user_flags(environment, "LDFLAGS"));
        self.library(
            Library {
                dir,
                identity: identity_of(scope, own, variant),
                platform: own.platform,
                files,
                cxx: sources.iter().any(|source| source.kind == SourceKind::Cxx),
                strip: !settings.flags.iter().any(|flag| flag.value.starts_with("-g")),
                flags,
                dispatched: own.dispatched.iter().map(|name| name.value.clone()).collect(),
                declared: declared.cloned(),
                tools,
            },
            scope,
        )
    }

    /// Adds the actions that link and seal a library; the finished file.
    fn library(&mut self, library: Library<'_>, scope: &Scope) -> Result<String, Diagnostics> {
        let Library { dir, identity, platform, mut files, cxx, flags, strip, .. } = library;
        let tools = library.tools;
        let own = identity.name == pack::PROBE_NAME;
        let place = |kind, subject: &str, work| match own {
            true => shared(scope, kind, subject, work),
            false => scope.action(kind, subject, work),
        };
        let file = file_name(&identity.name, platform, identity.variant.as_deref());
        let level = Level::from_number(identity.level);
        files.push(self.identity(&dir, identity, platform, &place)?);
        let mut argv = tools.driver(cxx, platform, level);
        argv.extend(NodeTools::link_flags(platform, strip));
        argv.extend(files.iter().cloned());
        argv.extend(flags);
        if platform.info().os == Os::Win32 {
            let imports = self.import_library(scope, platform, tools)?;
            argv.push(imports.clone());
            files.push(imports);
        }
        let linked = format!("{dir}/linked/{file}");
        argv.extend(["-o".to_owned(), linked.clone()]);
        let mut action = place(ActionKind::Link, &file, Command::default().into());
        action.inputs = files;
        action.outputs = vec![linked.clone()];
        action.argv = argv;
        action.env = self.tool_environment();
        action.tool = tools.identity;
        self.add(action);
        let Library { dispatched, declared, .. } = library;
        let seal = Seal { file, dispatched, stripped: strip, declared };
        Ok(self.seal(&dir, linked, seal, &place))
    }

    /// Adds the action that seals what was linked; the finished file.
    fn seal(
        &mut self,
        dir: &str,
        linked: String,
        seal: Seal,
        place: &dyn Fn(ActionKind, &str, Work) -> Action,
    ) -> String {
        let file = seal.file.clone();
        let sealed = format!("{dir}/{file}");
        let mut argv = ["anymod", "seal"].map(str::to_owned).to_vec();
        argv.extend(seal.dispatched.iter().map(|name| format!("--dispatched={name}")));
        argv.extend(seal.stripped.then(|| "--stripped".to_owned()));
        let declared = seal.declared.iter().flat_map(|(_, names)| names);
        argv.extend(declared.map(|name| format!("--declared={name}")));
        let mut action = place(ActionKind::Seal, &file, Work::Seal(Box::new(seal)));
        action.inputs = vec![linked];
        action.outputs = vec![sealed.clone()];
        action.argv = argv;
        action.tool = self.own;
        self.add(action);
        sealed
    }

    /// Adds the action that writes an identity as an object; the object.
    fn identity(
        &mut self,
        dir: &str,
        identity: Identity,
        platform: Platform,
        place: &dyn Fn(ActionKind, &str, Work) -> Action,
    ) -> Result<String, Diagnostics> {
        let info = platform.info();
        let format = Format { container: info.format, cpu: Some(info.cpu) };
        let record = Record::new(identity);
        let object = anymod_link::identity::object(format, &record).ok_or_else(|| {
            let message = format!("no identity can be written for `{platform}`");
            Diagnostic::error(&build::INTERNAL, message)
        })?;
        let output = format!("{dir}/identity.o");
        let digest = Digest::of(&object).to_string();
        let mut action =
            place(ActionKind::Identity, &record.identity.name, Work::Text(object.into()));
        action.outputs = vec![output.clone()];
        action.argv = ["anymod", "identity", &digest].map(str::to_owned).to_vec();
        action.tool = self.own;
        self.add(action);
        Ok(output)
    }

    /// Adds the actions that make the import library of what Node.js offers; the library.
    fn import_library(
        &mut self,
        scope: &Scope,
        platform: Platform,
        tools: &NodeTools,
    ) -> Result<String, Diagnostics> {
        let mut definition = String::from("NAME NODE.EXE\nEXPORTS\n");
        for path in tools.definitions() {
            let text = crate::install::read(&path)?;
            self.log.digest(&path.to_string_lossy());
            let text = String::from_utf8_lossy(&text).into_owned();
            let names = text.lines().map(str::trim);
            for name in names.filter(|name| !name.starts_with("NAME") && *name != "EXPORTS") {
                definition += &format!("{name}\n");
            }
        }
        let listed = format!("{BUILD_DIR}/node/{platform}/node.def");
        self.add(self.text(scope, listed.clone(), definition.into_bytes()));
        let output = format!("{BUILD_DIR}/node/{platform}/libnode.a");
        let mut action =
            shared(scope, ActionKind::ImportLibrary, &output, Command::default().into());
        action.argv = tools.import_library(platform, &listed, &output);
        action.inputs = vec![listed];
        action.outputs = vec![output.clone()];
        action.env = self.tool_environment();
        action.tool = tools.identity;
        self.add(action);
        Ok(output)
    }

    /// Adds the actions that write the loader; its files.
    fn loader(
        &mut self,
        scope: &Scope,
        own: &NodeSettings,
        declared: Option<(String, Vec<String>)>,
        variant: Option<&Variant>,
    ) -> Result<Vec<Product>, Diagnostics> {
        let module = &scope.settings.module;
        let addon = pack::Addon {
            name: module.clone(),
            version: own.version.clone(),
            package: own.package.clone(),
            built: self.everything_built(scope, own)?,
            exports: declared.as_ref().map(|(_, names)| names.clone()).unwrap_or_default(),
        };
        let dir = self.entries_dir(scope);
        let file = format!("{dir}/{}", pack::LOADER_FILE);
        self.add(self.text(scope, file.clone(), pack::LOADER.as_bytes().to_vec()));
        let mut products = vec![product(scope, file, true)];
        if own.crate_dir.is_some() && declared.is_none() {
            let built = self.crate_entries(scope, addon, variant);
            products.extend(built.into_iter().map(|built| product(scope, built, true)));
            return Ok(products);
        }
        let mut texts = vec![
            ("index.cjs", pack::loader(&addon).into_bytes()),
            ("index.mjs", pack::esm(&addon).into_bytes()),
        ];
        if let Some((file, _)) = declared {
            texts.push(("index.d.ts", crate::install::read(&self.root.join(file))?));
        }
        for (name, text) in texts {
            let built = format!("{dir}/{name}");
            self.add(self.text(scope, built.clone(), text));
            products.push(product(scope, built, true));
        }
        Ok(products)
    }

    /// Directory of what is the same for all platforms of a module.
    fn entries_dir(&self, scope: &Scope) -> String {
        let settings = &scope.settings;
        format!("{BUILD_DIR}/node/{}/{}", settings.build_type, settings.module)
    }

    /// The file of a module's declarations, and the names of the values in it.
    fn declared(
        &mut self,
        scope: &Scope,
        own: &NodeSettings,
    ) -> Result<Option<(String, Vec<String>)>, Diagnostics> {
        let Some(file) = &own.declarations else { return Ok(None) };
        let bytes = crate::install::read(&self.root.join(&file.value));
        let bytes = bytes.map_err(|finding| finding.at(scope.settings.place(file)))?;
        // What it says is part of the plan, and a change has to be noticed.
        self.log.digest(&file.value);
        let declared = pack::declared(&String::from_utf8_lossy(&bytes));
        let names = declared.into_iter().filter(|one| one.value).map(|one| one.name);
        Ok(Some((file.value.clone(), names.collect())))
    }

    /// Adds the actions that compare declarations with what the addon exports, if this machine can load it.
    fn compare_declarations(
        &mut self,
        scope: &Scope,
        own: &NodeSettings,
        variant: Option<&Variant>,
        file: &str,
        built: &str,
    ) {
        let able = crate::node::host_level().unwrap_or(Level::V4);
        let runs = variant.is_none_or(|variant| variant.level <= able);
        let node = self.environment.find_program("node");
        let Some(node) = node.filter(|_| runs && crate::node::is_loadable(own.platform)) else {
            return;
        };
        let node = node.to_string_lossy().into_owned();
        let tool = self.log.digest(&node).unwrap_or(self.own);
        let names = format!("{built}.exports.json");
        let mut action = scope.action(ActionKind::Exports, built, Command::default().into());
        action.argv =
            [&node, "-e", crate::node::ASK_EXPORTS, built, &names].map(str::to_owned).to_vec();
        action.inputs = vec![built.to_owned()];
        action.outputs = vec![names.clone()];
        action.env = self.tool_environment();
        action.tool = tool;
        self.add(action);
        let mut action = scope.action(ActionKind::Declarations, file, Work::Declarations);
        action.argv = ["anymod", "declarations"].map(str::to_owned).to_vec();
        action.inputs = vec![file.to_owned(), names];
        action.outputs = vec![format!("{built}.declared")];
        action.tool = self.own;
        self.add(action);
    }

    /// What there is of the module for every platform that the manifest names, and for this one.
    fn everything_built(
        &self,
        scope: &Scope,
        own: &NodeSettings,
    ) -> Result<Vec<pack::Built>, Diagnostics> {
        let settings = &scope.settings;
        let environment = self.environment;
        let lookup = |name: &str| environment.get(name).map(str::to_owned);
        let mut targets: BTreeSet<Target> =
            self.manifest.targets(&settings.module).into_iter().collect();
        targets.insert(settings.target);
        let mut built = Vec::new();
        for target in targets {
            let Target::Node(platform) = target else { continue };
            let variants = if target == settings.target {
                declared_variants(own)
            } else {
                let other = self.manifest.resolve(
                    &settings.module,
                    target,
                    &settings.build_type,
                    &lookup,
                )?;
                match &other.runtime {
                    RuntimeSettings::Node(other) => declared_variants(other),
                    _ => continue,
                }
            };
            built.push(pack::Built { platform, variants });
        }
        Ok(built)
    }

    /// An action that writes a text that several modules or targets share.
    fn text(&self, scope: &Scope, output: String, bytes: Vec<u8>) -> Action {
        let digest = Digest::of(&bytes).to_string();
        let mut action = shared(scope, ActionKind::Text, &output, Work::Text(bytes.into()));
        action.outputs = vec![output];
        action.argv = ["anymod", "text", &digest].map(str::to_owned).to_vec();
        action.tool = self.own;
        action
    }

    /// The variants to build.
    fn chosen_variants(
        &self,
        scope: &Scope,
        own: &NodeSettings,
    ) -> Result<Vec<Option<Variant>>, Diagnostics> {
        let (target, asked) = (scope.settings.target, &self.variants);
        if !has_variants(own.platform) {
            // One list for several targets is no mistake as long as some of them have variants.
            let only_all = asked.iter().all(|name| name == "all");
            if asked.is_empty() || only_all {
                return Ok(vec![None]);
            }
            let message = format!("`{target}` has no variants");
            return Err(Diagnostic::error(&codes::NO_VARIANTS, message)
                .hint("leave `--variant` out for this target")
                .into());
        }
        let declared = declared_variants(own);
        if !asked.is_empty() {
            return asked_variants(asked, &declared, target);
        }
        if !own.variants.is_empty() {
            return Ok(declared.into_iter().map(Some).collect());
        }
        Ok(vec![Some(host_variant(own.platform, &declared, target)?)])
    }
}

/// Options that whoever builds has in the environment; they come last and win.
fn user_flags(environment: &Environment, name: &str) -> Vec<String> {
    environment.get(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// What an addon says of itself.
fn identity_of(scope: &Scope, own: &NodeSettings, variant: Option<&Variant>) -> Identity {
    Identity {
        name: scope.settings.module.clone(),
        version: own.version.clone(),
        napi: own.napi,
        platform: own.platform.to_string(),
        variant: variant.map(|variant| variant.name.clone()),
        level: variant.map_or(0, |variant| variant.level as u32),
    }
}

/// The variants that the manifest means for a platform.
fn declared_variants(own: &NodeSettings) -> Vec<Variant> {
    if !has_variants(own.platform) {
        return Vec::new();
    }
    if own.variants.is_empty() {
        return Variant::built_in().to_vec();
    }
    own.variants.iter().map(|variant| variant.value.clone()).collect()
}

/// The variants that the command line names.
fn asked_variants(
    asked: &[String],
    declared: &[Variant],
    target: Target,
) -> Result<Vec<Option<Variant>>, Diagnostics> {
    let known: Vec<&str> = declared.iter().map(|variant| variant.name.as_str()).collect();
    let mut chosen = BTreeSet::new();
    for name in asked {
        let before = chosen.len();
        chosen.extend(declared.iter().filter(|variant| name == "all" || variant.name == *name));
        let again = chosen.iter().any(|variant| variant.name == *name);
        if chosen.len() == before && !again && name != "all" {
            let message = format!("`{target}` has no variant `{name}`");
            let hint = format!("choose among `{}`, or `all`", known.join("`, `"));
            return Err(Diagnostic::error(&codes::UNKNOWN_VARIANT, message).hint(hint).into());
        }
    }
    Ok(chosen.into_iter().rev().cloned().map(Some).collect())
}

/// The best variant for this machine's processor, if the target is this machine.
fn host_variant(
    platform: Platform,
    declared: &[Variant],
    target: Target,
) -> Result<Variant, Diagnostic> {
    let known: Vec<&str> = declared.iter().map(|variant| variant.name.as_str()).collect();
    let names = known.join("`, `");
    let Some(level) = crate::node::host_level().filter(|_| crate::node::is_host(platform)) else {
        let message = format!("`{target}` is not this machine: which variant is not said");
        return Err(Diagnostic::error(&codes::CROSS_VARIANT, message).hint(format!(
            "pass `--variant` with `{names}` or `all`, or list `variants` in the manifest"
        )));
    };
    let fit = declared.iter().filter(|variant| variant.level <= level).max();
    fit.cloned().ok_or_else(|| {
        let message = format!("this machine's processor is of level {level}, below every variant");
        Diagnostic::error(&codes::CROSS_VARIANT, message)
            .hint(format!("pass `--variant` with `{names}` or `all` to build for others"))
    })
}

/// An action that several modules or targets share.
fn shared(scope: &Scope, kind: ActionKind, subject: &str, work: Work) -> Action {
    let mut action = scope.action(kind, subject, work);
    action.module = None;
    action.target = "node".to_owned();
    action
}

/// A file for the user: beside all others of the module.
fn product(scope: &Scope, built: String, shared: bool) -> Product {
    let name = built.rsplit('/').next().unwrap_or(&built);
    let installed = format!("{DIST_DIR}/node/{}/{name}", scope.settings.module);
    let (module, target) = (scope.settings.module.clone(), scope.settings.target);
    let build_type = scope.settings.build_type.clone();
    Product { module, target, build_type, built, installed, sizes: None, shared, actions: 0..0 }
}
