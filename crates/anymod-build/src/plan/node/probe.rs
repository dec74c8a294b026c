//! The probe of the processor, which is built along with every addon, and the one that is embedded, which unpacks as well.

use anymod_model::event::ActionKind;
use anymod_model::identity::Identity;
use anymod_model::manifest::SourceKind;
use anymod_model::node::{Level, has_variants};
use anymod_model::{Diagnostics, Platform, Target};
use anymod_pack::node as pack;

use super::{Library, shared};
use crate::action::Command;
use crate::plan::module::Scope;
use crate::plan::{BUILD_DIR, Planner};
use crate::toolchain::{self, NodeTools};

/// One of the two.
struct Kind {
    /// Directory of its own in that of both.
    name: &'static str,
    source: Vec<u8>,
    /// Options of the compiler, and of the linker.
    options: Vec<&'static str>,
    flags: &'static [&'static str],
}

impl Planner<'_> {
    /// Adds the actions of the probe; the finished file.
    pub(super) fn probe(
        &mut self,
        scope: &Scope,
        platform: Platform,
        tools: &NodeTools,
    ) -> Result<String, Diagnostics> {
        // Small, because JavaScript sums it up; and the C compiler must not make calls of it to a C library that is not linked.
        let options =
            ["-Os", "-fno-builtin", "-fno-stack-protector", "-fno-unwind-tables", "-fno-vectorize"];
        let kind = Kind {
            name: "plain",
            source: pack::PROBE_SOURCE.as_bytes().to_vec(),
            options: [&options[..], &["-fno-asynchronous-unwind-tables"]].concat(),
            // What it is asked for needs few of Node.js's functions, and each one takes time to find.
            flags: &["-nostdlib", "-nostartfiles", "-Wl,-z,lazy", "-Wl,-z,norelro"],
        };
        self.probe_of_kind(scope, platform, tools, kind)
    }

    /// Adds the actions of the probe that unpacks what is embedded with a module; the finished file.
    pub(in crate::plan) fn unpacker(
        &mut self,
        module: &str,
        platform: Platform,
    ) -> Result<String, Diagnostics> {
        let target = Target::Node(platform);
        let build_type = self.manifest.default_build_type();
        let environment = self.environment;
        let lookup = |name: &str| environment.get(name).map(str::to_owned);
        let settings = self.manifest.resolve(module, target, build_type, &lookup)?;
        let dir = format!("{BUILD_DIR}/{target}/{build_type}/{module}");
        let scope = Scope { settings, dir };
        let tools = toolchain::find_node(platform, self.environment, self.log)?;
        let kind = Kind {
            name: "unpacking",
            source: pack::unpacker_source().into_bytes(),
            options: pack::UNPACKER_OPTIONS.to_vec(),
            flags: &[],
        };
        self.probe_of_kind(&scope, platform, &tools, kind)
    }

    fn probe_of_kind(
        &mut self,
        scope: &Scope,
        platform: Platform,
        tools: &NodeTools,
        kind: Kind,
    ) -> Result<String, Diagnostics> {
        let above = format!("{BUILD_DIR}/node/{}/{}", pack::PROBE_NAME, kind.name);
        let dir = format!("{above}/{platform}");
        let source = format!("{above}/probe.c");
        self.add(self.text(scope, source.clone(), kind.source));
        let object = format!("{dir}/probe.o");
        let mut argv = tools.compiler(SourceKind::C, platform, Some(Level::V1));
        argv.extend(kind.options.iter().map(|option| (*option).to_owned()));
        argv.extend(["-c", &source, "-o", &object].map(str::to_owned));
        let command = Command { maps_paths: true, ..Command::default() };
        let mut action = shared(scope, ActionKind::Compile, &source, command.into());
        action.inputs = vec![source];
        action.outputs = vec![object.clone()];
        action.argv = argv;
        action.env = self.tool_environment();
        action.tool = tools.identity;
        self.add(action);
        self.library(
            Library {
                dir,
                identity: Identity {
                    name: pack::PROBE_NAME.to_owned(),
                    version: pack::PROBE_VERSION.to_owned(),
                    napi: 6,
                    platform: platform.to_string(),
                    variant: None,
                    level: if has_variants(platform) { Level::V1 as u32 } else { 0 },
                },
                platform,
                files: vec![object],
                cxx: false,
                flags: kind.flags.iter().map(|flag| (*flag).to_owned()).collect(),
                strip: true,
                dispatched: Vec::new(),
                declared: None,
                tools,
            },
            scope,
        )
    }
}
