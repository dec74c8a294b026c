//! Loads a native addon in a Rust program: the variant for this machine's processor, from the first place that has it,
//! and nothing that is not whole.
//!
//! The same order and rules as the loader that `anymod build` generates for Node.js: the file that `ANYMOD_ADDON_<NAME>` names;
//! what `anymod embed --host rust` put into the program, extracted once into a directory of the user's cache; a directory of the
//! program's choice; the executable's own directory. A file says in its identity what it is, and its content is summed
//! up; both are compared before the file is loaded, because loading runs it. If nothing can be loaded, one error says why of
//! every file.
//!
//! Owns loading; building and packing are anymod's. The only `unsafe` is in `library.rs`.

mod check;
mod error;
mod extract;
mod library;
mod machine;
mod own_file;
mod place;
mod unpack;

use std::path::{Path, PathBuf};

use anymod_model::node::{FileName, file_name, override_variable};
use anymod_model::payload::{self, Index};

pub use error::{Error, Refusal};
pub use library::Loaded;

use check::Wanted;
use extract::Extracted;

/// An addon to be loaded.
#[derive(Clone, Copy, Debug)]
pub struct Addon<'a> {
    /// Name of the module.
    pub name: &'a str,
    /// Its version; no other is loaded.
    pub version: &'a str,
    /// What is embedded: `EMBEDDED` of the file that `anymod embed --host rust` writes.
    pub embedded: Option<&'a [u8]>,
    /// A directory with the addon's files.
    pub directory: Option<&'a Path>,
}

/// One of the builds that there are.
struct Candidate {
    variant: Option<String>,
    level: u32,
}

impl Addon<'_> {
    /// Loads the addon.
    ///
    /// # Errors
    /// Why nothing can be loaded: the cause, and every file with why it was refused.
    pub fn load(&self) -> Result<Loaded, Error> {
        let platform = machine::platform();
        let Some(platform) = platform else {
            return Err(self.error("this is no platform that addons are built for", Vec::new()));
        };
        let wanted = Wanted { name: self.name, version: self.version, platform, variant: None };
        let variable = override_variable(self.name);
        if let Some(file) = std::env::var_os(&variable).filter(|file| !file.is_empty()) {
            let file = PathBuf::from(file);
            let opened =
                check::check_any(&file, &wanted).and_then(|variant| library::open(&file, variant));
            return opened.map_err(|refusal| {
                let cause = format!("{variable} names a file that cannot be loaded");
                self.error(&cause, vec![(file, refusal)])
            });
        }
        let mut tried = Vec::new();
        let archive = self.archive(&wanted, &mut tried);
        let candidates = self.candidates(&wanted, archive.as_ref().map(|(index, _)| index));
        let candidates = self.fitting(candidates)?;
        for candidate in candidates {
            let wanted = Wanted { variant: candidate.variant.as_deref(), ..wanted };
            if let Some(loaded) = self.first(&wanted, archive.as_ref(), &mut tried) {
                return Ok(loaded);
            }
        }
        let cause = tried.iter().find(|(_, refusal)| *refusal != Refusal::Missing);
        let cause = match cause {
            Some((file, refusal)) => {
                format!("{}: {refusal}", file.file_name().unwrap_or_default().display())
            }
            None => "there is no file for it".to_owned(),
        };
        Err(self.error(&cause, tried))
    }

    /// What is embedded, if it is for this version and machine.
    fn archive(
        &self,
        wanted: &Wanted<'_>,
        tried: &mut Vec<(PathBuf, Refusal)>,
    ) -> Option<(Index, usize)> {
        let why = match payload::parse(self.embedded?) {
            Ok((index, start)) => {
                let own = (index.name.as_str(), index.version.as_str(), index.platform.as_str());
                if own == (wanted.name, wanted.version, wanted.platform.name()) {
                    return Some((index, start));
                }
                format!("it is `{}` {} for {}; run `anymod embed` again", own.0, own.1, own.2)
            }
            Err(why) => format!("{why}; run `anymod embed` again"),
        };
        tried.push((PathBuf::from("what is embedded"), Refusal::Other(why)));
        None
    }

    /// Every build that there is anywhere.
    fn candidates(&self, wanted: &Wanted<'_>, index: Option<&Index>) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut add = |variant: Option<String>, level: u32| {
            if candidates.iter().all(|known| known.variant != variant) {
                candidates.push(Candidate { variant, level });
            }
        };
        for file in index.iter().flat_map(|index| &index.files) {
            if let Some(name) = FileName::parse(&file.file).filter(|name| name.name == self.name) {
                add(name.variant.map(str::to_owned), file.level);
            }
        }
        for directory in self.directories() {
            for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
                let file = entry.file_name();
                let name = file.to_str().and_then(FileName::parse);
                let fits = |name: &FileName<'_>| {
                    name.name == self.name && name.platform == wanted.platform
                };
                if let Some(name) = name.filter(fits) {
                    // One that cannot be read is refused later, with a reason.
                    let level = check::level(&entry.path()).unwrap_or_default();
                    add(name.variant.map(str::to_owned), level);
                }
            }
        }
        if candidates.is_empty() {
            candidates.push(Candidate { variant: None, level: 0 });
        }
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.level));
        candidates
    }

    /// Those that this machine can run, the best first; or the one that the user chose.
    fn fitting(&self, mut candidates: Vec<Candidate>) -> Result<Vec<Candidate>, Error> {
        let names: Vec<&str> =
            candidates.iter().filter_map(|candidate| candidate.variant.as_deref()).collect();
        let chosen = std::env::var("ANYMOD_VARIANT").unwrap_or_default();
        if !chosen.is_empty() && !names.is_empty() {
            if !names.contains(&chosen.as_str()) {
                let cause =
                    format!("ANYMOD_VARIANT is `{chosen}`, and there are {}", names.join(", "));
                return Err(self.error(&cause, Vec::new()));
            }
            candidates.retain(|candidate| candidate.variant.as_ref() == Some(&chosen));
            return Ok(candidates);
        }
        let able = machine::level();
        let lowest = candidates.iter().map(|candidate| candidate.level).min().unwrap_or_default();
        candidates.retain(|candidate| candidate.level <= able);
        if candidates.is_empty() {
            let cause =
                format!("the processor is of level x86-64-v{able}, and x86-64-v{lowest} is needed");
            return Err(self.error(&cause, Vec::new()));
        }
        Ok(candidates)
    }

    /// Loads the first of the places of a build that holds what is wanted.
    fn first(
        &self,
        wanted: &Wanted<'_>,
        archive: Option<&(Index, usize)>,
        tried: &mut Vec<(PathBuf, Refusal)>,
    ) -> Option<Loaded> {
        let name = file_name(wanted.name, wanted.platform, wanted.variant);
        let variant = || wanted.variant.map(str::to_owned);
        let load =
            |file: &Path| check::check(file, wanted).and_then(|()| library::open(file, variant()));
        if let (Some((index, start)), Some(bytes)) = (archive, self.embedded)
            && let Some(packed) = index.files.iter().find(|packed| packed.file == name)
        {
            let archive = unpack::Archive { bytes, start: *start, index };
            let source = extract::Source { archive, packed };
            let open = |file: &Path, extracted| match extracted {
                Extracted::Found => load(file),
                // It was summed up on the way, and is not read a second time.
                Extracted::Fresh => check::check_identity(file, wanted)
                    .and_then(|()| library::open(file, variant())),
            };
            for base in place::bases() {
                let file = source.path(&base);
                let extracted = source.extract(&base);
                let mut loaded = extracted.clone().and_then(|extracted| open(&file, extracted));
                // What is not whole any more is extracted again.
                let found = loaded.is_err() && extracted == Ok(Extracted::Found);
                if found && source.remove(&base) {
                    loaded = source.extract(&base).and_then(|extracted| open(&file, extracted));
                }
                match loaded {
                    Ok(loaded) => return Some(loaded),
                    Err(refusal) => tried.push((file, refusal)),
                }
            }
        }
        for directory in self.directories() {
            let file = directory.join(&name);
            match load(&file) {
                Ok(loaded) => return Some(loaded),
                Err(refusal) => tried.push((file, refusal)),
            }
        }
        None
    }

    /// Directories with files of the addon, best first.
    fn directories(&self) -> Vec<PathBuf> {
        let own = std::env::current_exe().ok();
        let own = own.as_deref().and_then(Path::parent).map(Path::to_owned);
        self.directory.map(Path::to_owned).into_iter().chain(own).collect()
    }

    fn error(&self, cause: &str, tried: Vec<(PathBuf, Refusal)>) -> Error {
        let platform = machine::platform().map_or("this platform", |platform| platform.name());
        let what = format!("`{}` {} on {platform}", self.name, self.version);
        Error { what, cause: cause.to_owned(), tried }
    }
}
