//! The commands of the compiler for a driver's: one for each source, whatever else the driver was to do.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::added::{self, Step};
use super::command::{Driver, Item, Language, Mode, language};
use super::config::Config;
use super::text::joined;

/// One source that is compiled.
#[derive(Clone, Debug)]
pub(crate) struct Compilation {
    pub(crate) source: OsString,
    /// What `-x` said of it.
    pub(crate) given: Option<OsString>,
    /// The object.
    pub(crate) output: PathBuf,
    /// The dependency file that was asked for.
    pub(crate) dependencies: Option<Dependencies>,
    /// True if it is not preprocessed: assembly, or what was preprocessed before.
    pub(crate) plain: bool,
    /// The words before the source and the names of outputs.
    pub(crate) words: Vec<OsString>,
    /// True if nothing but the object, the dependency file and what is said comes of it, and nothing but what is known
    /// goes into it.
    pub(crate) can_be_kept: bool,
}

/// A dependency file as a user asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependencies {
    pub(crate) file: PathBuf,
    /// Names of the rule, with what make treats specially written so that it does not.
    pub(crate) targets: Vec<String>,
    /// True if headers of the system are listed as well.
    pub(crate) system: bool,
    /// True if every header gets a rule of its own.
    pub(crate) phony: bool,
}

impl Dependencies {
    /// The compiler's options that make it so.
    fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![if self.system { "-MD" } else { "-MMD" }.into()];
        words.extend(["-MF".into(), self.file.clone().into()]);
        words.extend(self.targets.iter().flat_map(|target| ["-MT".into(), target.into()]));
        words.extend(self.phony.then(|| "-MP".into()));
        words
    }
}

/// The words for the compiler that do not depend on the source: its own, what is added, and the driver's.
pub(crate) fn words(
    driver: &Driver,
    cxx_driver: bool,
    cxx: bool,
    config: &Config,
) -> Vec<OsString> {
    let mut words = added::compiler(config, cxx_driver);
    words.extend(added::words(Step::CompileFirst, config));
    for item in driver.items.iter().filter(|item| is_for_compiler(item)) {
        words.extend(item.words());
    }
    words.extend(added::words(Step::Compile, config));
    words.extend(config.flags.cflags.iter().map(OsString::from));
    if cxx {
        words.extend(config.flags.cxxflags.iter().map(OsString::from));
    }
    words
}

/// True for what the compiler is told of a driver's command, but for how far to go and what to write.
fn is_for_compiler(item: &Item) -> bool {
    match item {
        Item::Input { .. } => false,
        Item::Valued { name, .. } => !matches!(
            *name,
            "-o" | "-l"
                | "-L"
                | "-Xlinker"
                | "-u"
                | "-e"
                | "-z"
                | "-T"
                | "-MF"
                | "-MT"
                | "-MQ"
                | "-force_load"
        ),
        Item::Flag(flag) => !flag.to_str().is_some_and(is_elsewhere),
    }
}

/// Words that say how far to go, what to write, or are for the linker.
fn is_elsewhere(flag: &str) -> bool {
    matches!(
        flag,
        "-c" | "--compile"
            | "-S"
            | "-E"
            | "-M"
            | "-MM"
            | "-MD"
            | "-MMD"
            | "-MP"
            | "-MG"
            | "-MV"
            | "-shared"
            | "--shared"
            | "-r"
            | "--relocatable"
            | "-s"
            | "-static"
            | "-static-pie"
            | "-pie"
            | "-no-pie"
            | "-nopie"
            | "-nostdlib"
            | "-nostartfiles"
            | "-nodefaultlibs"
            | "-nolibc"
            | "-nostdlib++"
            | "-Wl"
            | "-ObjC"
    )
}

/// The compilations of a driver's command. Objects of a command that links as well are put into `objects`.
pub(crate) fn compilations(
    driver: &Driver,
    cxx_driver: bool,
    config: &Config,
    objects: Option<&Path>,
) -> Vec<Compilation> {
    let mut compilations = Vec::new();
    for (index, (source, given)) in driver.inputs().enumerate() {
        let Some(language) = language(source, given) else { continue };
        let output = match (objects, driver.value("-o")) {
            (Some(directory), _) => directory.join(format!("{index}.o")),
            (None, Some(output)) => PathBuf::from(output),
            (None, None) => beside(source, "o"),
        };
        let cxx = language == Language::Cxx || cxx_driver;
        let compiled =
            matches!(language, Language::C | Language::Cxx | Language::Assembly | Language::Plain);
        let mut words = words(driver, cxx_driver, cxx, config);
        if language == Language::Plain {
            // Most of what is added is for the preprocessor and the compiler proper.
            words.push("-Wno-unused-command-line-argument".into());
        }
        compilations.push(Compilation {
            can_be_kept: compiled && source != "-" && can_be_kept(driver, config),
            source: source.to_owned(),
            given: given.map(OsStr::to_owned),
            dependencies: dependencies(driver, source, &output, objects.is_some()),
            output,
            plain: language == Language::Plain,
            words,
        });
    }
    compilations
}

/// False for options that have a compiler write or read what nobody tells of.
fn can_be_kept(driver: &Driver, config: &Config) -> bool {
    const PREFIXES: &[&str] = &[
        "-save-temps",
        "--save-temps",
        "-fprofile",
        "-ftest-coverage",
        "--coverage",
        "-coverage",
        "-gsplit-dwarf",
        "-ftime-trace",
        "-fmodule",
        "-fplugin",
        "-fpass-plugin",
        "-Wp,",
        "-H",
        "-###",
        "-d",
        "-ftime-report",
        "-print-stats",
        "-fsave-optimization-record",
        "-MG",
        "-MJ",
        "-Xclang",
        "-Xpreprocessor",
        "-include-pch",
        "-aux-info",
        "-foptimization-record",
        "-fcrash-diagnostics",
        "-fdump",
        "-fstack-usage",
        "-fcallgraph-info",
        "--analyze",
        "-mllvm",
        "-fsanitize-ignorelist",
        "-fsanitize-blacklist",
        "-fxray",
        "-fdepfile-entry",
        "-ivfsoverlay",
        "-fdiagnostics-format",
        "--serialize-diagnostics",
        "-serialize-diagnostics",
        "-v",
        "-fbasic-block-sections=",
        "-ffile-prefix-map",
        "-fcoverage",
        "-fmemory-profile",
    ];
    let refused = |word: &str| PREFIXES.iter().any(|prefix| word.starts_with(prefix));
    let users = config.flags.cflags.iter().chain(&config.flags.cxxflags);
    !users.into_iter().any(|word| refused(word))
        && driver.items.iter().all(|item| match item {
            Item::Valued { name, .. } => !refused(name),
            Item::Flag(flag) => flag.to_str().is_some_and(|flag| !refused(flag)),
            Item::Input { .. } => true,
        })
}

/// The file of a source's name in the working directory.
fn beside(source: &OsStr, extension: &str) -> PathBuf {
    let name = Path::new(source).file_name().unwrap_or(source);
    Path::new(name).with_extension(extension)
}

/// Directories whose headers a driver's command calls those of the system.
pub(crate) fn system_directories(driver: &Driver) -> Vec<&OsStr> {
    let named = driver.items.iter().filter_map(|item| match item {
        Item::Valued { name: "-isystem" | "-idirafter", value, .. } => Some(value.as_os_str()),
        _ => None,
    });
    named.collect()
}

/// The dependency file that a command asks for.
fn dependencies(
    driver: &Driver,
    source: &OsStr,
    output: &Path,
    links: bool,
) -> Option<Dependencies> {
    let system = driver.has("-MD");
    if !system && !driver.has("-MMD") {
        return None;
    }
    let file = match (driver.value("-MF"), driver.value("-o")) {
        (Some(file), _) => PathBuf::from(file),
        (None, Some(output)) => Path::new(output).with_extension("d"),
        (None, None) => beside(source, "d"),
    };
    let mut targets: Vec<String> = driver
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Valued { name: "-MT", value, .. } => Some(value.to_string_lossy().into_owned()),
            Item::Valued { name: "-MQ", value, .. } => {
                Some(crate::depfile::quoted(&value.to_string_lossy()))
            }
            _ => None,
        })
        .collect();
    if targets.is_empty() {
        let named = driver.value("-o").map(Path::new).filter(|_| links);
        let target = named.unwrap_or(output).to_string_lossy().into_owned();
        targets.push(crate::depfile::quoted(&target));
    }
    Some(Dependencies { file, targets, system, phony: driver.has("-MP") })
}

impl Compilation {
    /// The whole command, making the object at `output` and, if a file for it is given, listing there all
    /// that was read, instead of as was asked. `maps` keep directories out of the object.
    pub(crate) fn command(
        &self,
        maps: &[OsString],
        output: &Path,
        depfile: Option<&Path>,
    ) -> Vec<OsString> {
        let mut words = self.words.clone();
        words.extend(maps.iter().cloned());
        match (depfile, &self.dependencies) {
            (Some(depfile), _) => {
                words.extend([
                    "-MD".into(),
                    "-MF".into(),
                    depfile.into(),
                    "-MT".into(),
                    "x".into(),
                ]);
            }
            (None, Some(dependencies)) => words.extend(dependencies.words()),
            (None, None) => {}
        }
        words.push("-c".into());
        words.extend(self.given.iter().flat_map(|given| ["-x".into(), given.clone()]));
        words.push(match super::text::starts_with(&self.source, "-") && self.source != "-" {
            true => joined("./", &self.source),
            false => self.source.clone(),
        });
        words.extend(["-o".into(), output.into()]);
        words
    }
}

/// The command of a driver that is not to make objects: it preprocesses, checks, or makes assembly.
pub(crate) fn direct(
    driver: &Driver,
    cxx_driver: bool,
    mode: Mode,
    config: &Config,
) -> Vec<OsString> {
    let cxx = cxx_driver
        || driver.inputs().any(|(path, given)| language(path, given) == Some(Language::Cxx));
    let mut words = words(driver, cxx_driver, cxx, config);
    for item in &driver.items {
        match item {
            Item::Valued { name: "-o" | "-MF" | "-MT" | "-MQ", .. } => words.extend(item.words()),
            Item::Flag(flag) => {
                let stays = |flag: &str| {
                    matches!(
                        flag,
                        "-S" | "-E" | "-M" | "-MM" | "-MD" | "-MMD" | "-MP" | "-MG" | "-c"
                    )
                };
                words.extend(flag.to_str().filter(|flag| stays(flag)).map(OsString::from));
            }
            _ => {}
        }
    }
    // With nothing to say how far, the driver would go on to link.
    words.extend((mode == Mode::Link).then(|| "-c".into()));
    let inputs = Driver {
        items: driver
            .items
            .iter()
            .filter(|item| matches!(item, Item::Input { .. }))
            .cloned()
            .collect(),
    };
    words.extend(inputs.words());
    words
}
