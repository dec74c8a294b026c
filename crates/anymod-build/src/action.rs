//! Actions: the steps of a build as data. The plan makes them, the scheduler runs them.

use std::collections::BTreeMap;

use anymod_link::mpy::{Options, StaticData};
use anymod_model::event::{self, ActionKind};
use anymod_model::manifest::WheelMetadata;
use anymod_model::platform::{Cpu, ObjectFormat};
use anymod_model::pyodide::PyodideFacts;
use anymod_model::stamp::Stamp;
use anymod_pack::wheel::WheelName;

use crate::toolchain::Recipe;
use anymod_store::{Digest, KeyHasher, Visit};

use crate::locations::Locations;

/// One step: files in, files out, and everything else that decides the bytes of the output.
///
/// Paths are relative to the project's directory, written with `/`, or absolute. Actions of a plan are in an order in
/// which each comes after those that make its inputs.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    /// What it does.
    pub(crate) kind: ActionKind,
    /// The module it belongs to; none for what several modules share.
    pub(crate) module: Option<String>,
    /// Name of the target.
    pub(crate) target: String,
    /// The source or file that messages name.
    pub(crate) subject: String,
    /// Files it reads, as far as known before it runs.
    pub(crate) inputs: Vec<String>,
    /// Files it makes.
    pub(crate) outputs: Vec<String>,
    /// The command line; for work done inside anymod a faithful description of it.
    pub(crate) argv: Vec<String>,
    /// The environment variables that can reach the output.
    pub(crate) env: BTreeMap<String, String>,
    /// Digest of the program that does it.
    pub(crate) tool: Digest,
    /// How it is done.
    pub(crate) work: Work,
}

/// How an action is done.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// By the command line.
    Command(Box<Command>),
    /// By collecting qstrs.
    Qstrs,
    /// By building a library of the toolchain.
    Library(Box<Recipe>),
    /// By linking.
    Link(Box<Link>),
    /// By merging the inputs.
    Merge {
        /// The stored name, if it is not to follow from the first input.
        source_name: Option<String>,
    },
    /// By packing a wheel.
    Wheel(Box<Wheel>),
    /// By gathering objects and members of archives in an archive.
    Archive(Box<Archive>),
    /// By writing what is known already.
    Text(Box<[u8]>),
    /// By finishing an addon that was linked.
    Seal(Box<Seal>),
    /// By Cargo, whose one artifact is the output.
    Cargo(Box<Cargo>),
    /// By writing loader and declarations of a crate: the input is what macros told of its types.
    Entries(Box<anymod_pack::node::Addon>),
    /// By comparing the declarations of an addon, the first input, with the names that it exports, the second.
    Declarations,
}

/// A crate that Cargo builds; paths are relative to the project.
#[derive(Clone, Debug)]
pub(crate) struct Cargo {
    /// Directory of the package.
    pub(crate) directory: String,
    /// The program that links, which is written before.
    pub(crate) linker: String,
    /// What it is.
    pub(crate) linker_script: String,
    /// Directory for what macros tell of types.
    pub(crate) types: String,
    /// The object that is linked in.
    pub(crate) identity: String,
}

/// An addon to be sealed: what it has to be.
#[derive(Clone, Debug)]
pub(crate) struct Seal {
    /// What it is to be installed as.
    pub(crate) file: String,
    /// Names of functions that may use any instruction.
    pub(crate) dispatched: Vec<String>,
    /// True if nothing for debuggers may be left in it.
    pub(crate) stripped: bool,
    /// The file of its declarations, and the names of the values in it.
    pub(crate) declared: Option<(String, Vec<String>)>,
}

/// What a command needs besides its arguments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Command {
    /// The dependency file it writes; not an output, because it is read and then no longer needed.
    pub(crate) depfile: Option<String>,
    /// Directories searched for headers, in order, that belong to the project.
    pub(crate) search: Vec<String>,
    /// True for a compiler that is told to keep this machine's directories out of what it makes. These options come
    /// right after the program and are not in `argv`, because they differ where the bytes do not.
    pub(crate) maps_paths: bool,
}

/// What is linked besides the inputs.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// How; qstrs and externs are filled in from the files below.
    pub(crate) options: Options,
    /// The header with the module's qstrs.
    pub(crate) qstrs: String,
    /// Objects, in link order.
    pub(crate) objects: Vec<String>,
    /// Archives, in the order in which they are searched.
    pub(crate) archives: Vec<String>,
    /// The file of symbols with fixed addresses.
    pub(crate) externs: Option<String>,
}

/// A wheel to be packed.
#[derive(Clone, Debug)]
pub(crate) struct Wheel {
    /// What its file is called.
    pub(crate) name: WheelName,
    /// What it says about itself.
    pub(crate) metadata: WheelMetadata,
    /// The extension module in it, as a program imports it.
    pub(crate) import_name: String,
    /// Files by their names in the wheel.
    pub(crate) files: BTreeMap<String, String>,
    /// The file with the names that the Python offers: those that a Pyodide's main module offers or knows, or the program
    /// or library that a CPython is.
    pub(crate) offers: String,
    /// Libraries of this machine are linked, of whose names nobody here knows.
    pub(crate) libraries: bool,
    /// Facts of the Pyodide that it is for.
    pub(crate) facts: Option<PyodideFacts>,
}

impl Wheel {
    /// All of it as words, to be part of the action's digest and to be shown.
    pub(crate) fn argv(&self) -> Vec<String> {
        let mut argv = ["anymod", "pack", "wheel"].map(str::to_owned).to_vec();
        argv.push(format!("--import-name={}", self.import_name));
        let WheelMetadata { name, version, summary, license, requires_python } = &self.metadata;
        argv.push(format!("--name={name}"));
        argv.push(format!("--version={version}"));
        for (option, value) in
            [("summary", summary), ("license", license), ("requires-python", requires_python)]
        {
            argv.extend(value.iter().map(|value| format!("--{option}={value}")));
        }
        if let Some(facts) = &self.facts {
            argv.push(format!("--python={}", facts.python));
            argv.push(format!("--platforms={}", facts.platforms.join(",")));
            argv.push(format!("--exceptions={:?}", facts.exceptions));
        }
        if self.libraries {
            argv.push("--libraries".to_owned());
        }
        argv.extend(self.files.iter().map(|(path, file)| format!("{path}={file}")));
        argv
    }
}

/// An archive to be made.
#[derive(Clone, Debug)]
pub(crate) struct Archive {
    /// Objects and archives, in order.
    pub(crate) parts: Vec<String>,
    /// What it is built for.
    pub(crate) stamp: Stamp,
    /// Format of its objects.
    pub(crate) format: ObjectFormat,
    /// Processor of its objects, if the target alone decides it.
    pub(crate) cpu: Option<Cpu>,
}

impl Archive {
    /// All of it as words, to be part of the action's digest and to be shown.
    pub(crate) fn argv(&self) -> Vec<String> {
        let mut argv = ["anymod", "archive"].map(str::to_owned).to_vec();
        argv.push(format!("--format={}", self.format.name()));
        argv.extend(self.cpu.map(|cpu| format!("--cpu={}", cpu.name())));
        argv.extend(self.stamp.iter().map(|(key, value)| format!("--abi={key}={value}")));
        argv.extend(self.parts.iter().cloned());
        argv
    }
}

impl Link {
    /// The options as words, to be part of the action's digest and to be shown.
    pub(crate) fn argv(&self) -> Vec<String> {
        let options = &self.options;
        let mut argv =
            ["anymod", "mpy", "link", "--arch", options.arch.name()].map(str::to_owned).to_vec();
        argv.push(format!("--abi=1.{}", abi_minor(options.abi)));
        argv.push(format!("--source-name={}", options.source_name));
        if options.arch_flags != 0 {
            argv.push(format!("--arch-flags={:#x}", options.arch_flags));
        }
        argv.push(match options.static_data {
            StaticData::Default => "--static-data=default".to_owned(),
            StaticData::InText => "--static-data=in-text".to_owned(),
            StaticData::Refuse => "--static-data=refuse".to_owned(),
        });
        if !options.gc_sections {
            argv.push("--no-gc-sections".to_owned());
        }
        argv.push(format!("--qstrs={}", self.qstrs));
        argv.extend(self.externs.iter().map(|externs| format!("--externs={externs}")));
        argv.extend(self.objects.iter().cloned());
        argv.extend(self.archives.iter().map(|archive| format!("-l{archive}")));
        argv
    }
}

fn abi_minor(abi: anymod_model::Abi) -> u8 {
    match abi {
        anymod_model::Abi::V1_19 => 19,
        anymod_model::Abi::V1_20 => 20,
        anymod_model::Abi::V1_22 => 22,
        anymod_model::Abi::V1_23 => 23,
    }
}

impl Action {
    /// The action's name in the log: what it makes.
    pub(crate) fn name(&self) -> &str {
        self.outputs.first().map_or("", String::as_str)
    }

    /// Walks over everything that decides the bytes, but for the contents of files.
    pub(crate) fn walk_command(&self, locations: &Locations, visitor: &mut dyn Visit) {
        visitor.field("kind", self.kind.name());
        for word in &self.argv {
            visitor.field("argument", &locations.portable(word));
        }
        for (name, value) in &self.env {
            visitor.field(&format!("environment {name}"), value);
        }
        visitor.field("tool", &self.tool.to_string());
        for input in &self.inputs {
            visitor.field("reads", &locations.portable(input));
        }
        for output in &self.outputs {
            visitor.field("makes", &locations.portable(output));
        }
    }

    /// Walks over what [`Action::walk_command`] does and then over the contents of the declared inputs, whose digests
    /// `content` knows; none for a file that cannot be read.
    pub(crate) fn walk(
        &self,
        locations: &Locations,
        content: &mut dyn FnMut(&str) -> Option<Digest>,
        visitor: &mut dyn Visit,
    ) {
        self.walk_command(locations, visitor);
        for input in &self.inputs {
            let digest = content(input).map_or_else(|| "-".to_owned(), |digest| digest.to_string());
            visitor.field(&format!("input {}", locations.portable(input)), &digest);
        }
    }

    /// Digest of everything but the contents of files.
    pub(crate) fn command_digest(&self, locations: &Locations) -> Digest {
        let mut key = KeyHasher::new();
        self.walk_command(locations, &mut key);
        key.finish()
    }

    /// The action as events name it.
    pub(crate) fn event(&self) -> event::Action {
        event::Action {
            kind: self.kind,
            module: self.module.clone(),
            target: self.target.clone(),
            subject: self.subject.clone(),
        }
    }
}
