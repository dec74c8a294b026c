//! Planning an addon that Cargo makes: the same identity and seal as for C, with Cargo in between.

use anymod_model::Diagnostics;
use anymod_model::codes::{node as codes, toolchain as tool_codes};
use anymod_model::event::ActionKind;
use anymod_model::manifest::NodeSettings;
use anymod_model::node::{Variant, file_name, rust_targets};
use anymod_model::target::glob_matches;
use anymod_model::{Diagnostic, Platform, Target};
use anymod_pack::node as pack;
use anymod_store::{Digest, Fields};

use super::identity_of;
use crate::action::{Cargo, Seal, Work};
use crate::cargo::VARIABLES;
use crate::plan::module::Scope;
use crate::plan::{BUILD_DIR, Planner};
use crate::toolchain::{self, NodeTools};

impl Planner<'_> {
    /// Adds the actions of one variant of a crate; the finished file.
    pub(super) fn crate_addon(
        &mut self,
        scope: &Scope,
        own: &NodeSettings,
        directory: &str,
        variant: Option<&Variant>,
        declared: Option<&(String, Vec<String>)>,
        tools: &NodeTools,
    ) -> Result<String, Diagnostics> {
        let (target, tool) = self.rust_target(own.platform)?;
        let dir = variant_dir(scope, variant);
        let place = |kind, subject: &str, work| scope.action(kind, subject, work);
        let file =
            file_name(&scope.settings.module, own.platform, variant.map(|one| one.name.as_str()));
        let identity =
            self.identity(&dir, identity_of(scope, own, variant), own.platform, &place)?;
        let cargo = Cargo {
            directory: directory.to_owned(),
            linker: format!("{BUILD_DIR}/node/{}/linker", own.platform),
            linker_script: tools.linker_script(own.platform),
            types: format!("{dir}/types"),
            identity: identity.clone(),
        };
        let manifest = format!("{directory}/Cargo.toml");
        let debug = scope.settings.build_type == "debug";
        let mut argv =
            ["cargo", "rustc", "--lib", "--manifest-path", &manifest].map(str::to_owned).to_vec();
        argv.extend((!debug).then(|| "--release".to_owned()));
        argv.extend(["--target", target, "--target-dir"].map(str::to_owned));
        argv.push(format!("{dir}/cargo"));
        argv.push("--message-format=json-render-diagnostics".to_owned());
        if let Some(variant) = variant {
            // `RUSTFLAGS` of whoever builds takes the place of this.
            let flag = format!("target.{target}.rustflags=[\"-Ctarget-cpu={}\"]", variant.level);
            argv.extend(["--config".to_owned(), flag]);
        }
        argv.extend(
            scope
                .settings
                .flags
                .iter()
                .filter_map(|flag| flag.value.strip_prefix("--cargo=").map(str::to_owned)),
        );
        argv.extend(["--", "-Clinker-flavor=gcc"].map(str::to_owned));
        let linked = format!("{dir}/linked/{file}");
        let mut action = scope.action(ActionKind::Cargo, directory, Work::Cargo(Box::new(cargo)));
        action.inputs = vec![identity, manifest];
        action.outputs = vec![linked.clone(), types_file(&dir)];
        action.argv = argv;
        action.env = self.cargo_environment();
        action.tool = tool;
        self.add(action);
        let dispatched = own.dispatched.iter().map(|name| name.value.clone()).collect();
        let seal = Seal { file, dispatched, stripped: !debug, declared: declared.cloned() };
        Ok(self.seal(&dir, linked, seal, &place))
    }

    /// Adds the action that writes loader and declarations from the types of a variant; its files.
    pub(super) fn crate_entries(
        &mut self,
        scope: &Scope,
        addon: pack::Addon,
        variant: Option<&Variant>,
    ) -> Vec<String> {
        let dir = self.entries_dir(scope);
        let digest = Digest::of(pack::loader(&addon).as_bytes()).to_string();
        let mut outputs = Vec::new();
        for name in ["index.cjs", "index.mjs", "index.d.ts"] {
            let output = format!("{dir}/{name}");
            let work = Work::Entries(Box::new(addon.clone()));
            let mut action = super::shared(scope, ActionKind::Text, &output, work);
            action.inputs = vec![types_file(&variant_dir(scope, variant))];
            action.outputs = vec![output.clone()];
            action.argv = ["anymod", "entries", name, &digest].map(str::to_owned).to_vec();
            action.tool = self.own;
            self.add(action);
            outputs.push(output);
        }
        outputs
    }

    /// The variables that reach what Cargo makes.
    fn cargo_environment(&self) -> std::collections::BTreeMap<String, String> {
        let matches = |name: &String| VARIABLES.iter().any(|pattern| glob_matches(pattern, name));
        let target_dir =
            |name: &String| name == "CARGO_TARGET_DIR" || name == "CARGO_BUILD_TARGET_DIR";
        let names = self.environment.all().keys().filter(|name| matches(name) && !target_dir(name));
        // The usual ones are asked for even if they are not set, so that setting them is noticed.
        let usual =
            VARIABLES.iter().filter(|name| !name.ends_with('*')).map(|name| (*name).to_owned());
        let names = names.cloned().chain(usual);
        names
            .filter_map(|name| Some((name.clone(), self.environment.get(&name)?.to_owned())))
            .collect()
    }

    /// Rust's name for a platform whose standard library is there, and the digest of the compiler.
    fn rust_target(&mut self, platform: Platform) -> Result<(&'static str, Digest), Diagnostic> {
        let find = |name: &str| {
            self.environment.find_program(name).ok_or_else(|| {
                let message = format!(
                    "`{name}` is missing, which builds crates for `{}`",
                    Target::Node(platform)
                );
                Diagnostic::error(&tool_codes::MISSING, message)
                    .hint("install Rust, for instance with rustup (https://rustup.rs)")
            })
        };
        let (cargo, rustc) = (find("cargo")?, find("rustc")?);
        // Often it is rustup's, which runs the compiler that these choose.
        let chosen = ["RUSTUP_HOME", "CARGO_HOME", "RUSTUP_TOOLCHAIN"];
        let mut ask = |question: &str| {
            toolchain::ask_with(&rustc, &[question], &chosen, self.environment, self.log)
        };
        let (version, sysroot) = (ask("-vV")?, ask("--print=sysroot")?);
        let names = rust_targets(platform);
        let has = |name: &&&str| {
            let directory = format!("{sysroot}/lib/rustlib/{name}/lib");
            self.environment.is_dir(std::path::Path::new(&directory))
        };
        let Some(name) = names.iter().find(has) else {
            let usual = names.first().copied().unwrap_or_default();
            let message = format!(
                "Rust has no standard library for `{}`: missing std for `{usual}`",
                Target::Node(platform)
            );
            return Err(Diagnostic::error(&codes::MISSING_STD, message)
                .hint(format!("run `rustup target add {usual}`, or leave the target out")));
        };
        let mut tool = Fields::new();
        tool.add(version);
        for program in [cargo, rustc] {
            tool.add(
                self.log
                    .digest(&program.to_string_lossy())
                    .map_or_else(String::new, |digest| digest.to_string()),
            );
        }
        Ok((name, tool.finish()))
    }
}

/// Directory of a variant's build.
fn variant_dir(scope: &Scope, variant: Option<&Variant>) -> String {
    format!("{}/{}", scope.dir, variant.map_or("one", |variant| &variant.name))
}

/// The file with what macros told of types.
fn types_file(dir: &str) -> String {
    format!("{dir}/types.jsonl")
}
