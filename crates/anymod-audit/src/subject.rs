//! What rules look at: the files of an artifact, with its WebAssembly modules read once.

use std::collections::BTreeMap;

use anymod_link::wasm::{self, Module};
use anymod_model::{Diagnostic, Place};
use anymod_pack::wheel::{Extension, Wheel, extension};

use crate::{Against, machine};

/// An artifact.
pub(crate) struct Subject<'a> {
    /// Name of the artifact's file.
    pub(crate) file: String,
    /// The wheel, if it is one.
    pub(crate) wheel: Option<&'a Wheel>,
    /// Every file by its path in the artifact.
    pub(crate) files: BTreeMap<&'a str, &'a [u8]>,
    /// The WebAssembly modules among them that can be read.
    pub(crate) modules: BTreeMap<&'a str, Shared<'a>>,
    /// Paths of those by the last part of their names.
    pub(crate) by_name: BTreeMap<&'a str, Vec<&'a str>>,
    /// The runtime that it is for, if that is known.
    pub(crate) against: Option<&'a Against>,
    /// Modules that have to be there.
    pub(crate) expected_extensions: &'a [String],
    /// Paths that nothing may hold.
    pub(crate) private_paths: &'a [String],
}

/// A WebAssembly module of the artifact.
pub(crate) struct Shared<'a> {
    /// The file's bytes.
    pub(crate) bytes: &'a [u8],
    /// What it is called as an extension module, if its file is named as one.
    pub(crate) extension: Option<Extension<'a>>,
    /// What it asks for and offers.
    pub(crate) module: Module<'a>,
}

impl<'a> Subject<'a> {
    /// A wheel; and what is wrong with modules that cannot be read.
    pub(crate) fn of_wheel(
        wheel: &'a Wheel,
        against: Option<&'a Against>,
        expected_extensions: &'a [String],
        private_paths: &'a [String],
    ) -> (Subject<'a>, Vec<Diagnostic>) {
        let subject = Subject {
            file: wheel.file_name(),
            wheel: Some(wheel),
            files: wheel
                .files
                .iter()
                .map(|(path, file)| (path.as_str(), &file.bytes[..]))
                .collect(),
            modules: BTreeMap::new(),
            by_name: BTreeMap::new(),
            against,
            expected_extensions,
            private_paths,
        };
        subject.with_modules()
    }

    /// One module; and what is wrong with it if it cannot be read.
    pub(crate) fn of_module(
        bytes: &'a [u8],
        file: &'a str,
        against: Option<&'a Against>,
        private_paths: &'a [String],
    ) -> (Subject<'a>, Vec<Diagnostic>) {
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let subject = Subject {
            file: file.to_owned(),
            wheel: None,
            files: BTreeMap::from([(name, bytes)]),
            modules: BTreeMap::new(),
            by_name: BTreeMap::new(),
            against,
            expected_extensions: &[],
            private_paths,
        };
        subject.with_modules()
    }

    fn with_modules(mut self) -> (Subject<'a>, Vec<Diagnostic>) {
        let mut findings = Vec::new();
        for (path, bytes) in &self.files {
            // In a wheel, a file that is a module by its name alone is a rule's; so is machine code.
            let other = self.wheel.is_some() || machine::format(bytes).is_some();
            if other && !bytes.starts_with(b"\0asm") {
                continue;
            }
            match wasm::read(bytes, path) {
                Ok(module) => {
                    let shared = Shared { bytes, extension: extension(path), module };
                    self.modules.insert(path, shared);
                    let name = path.rsplit('/').next().unwrap_or(path);
                    self.by_name.entry(name).or_default().push(path);
                }
                Err(finding) => findings.push(self.moved(finding, path)),
            }
        }
        (self, findings)
    }

    /// Where a file of the artifact is.
    pub(crate) fn place(&self, path: &str) -> Place {
        self.place_at(path, None)
    }

    /// Where a byte of a file of the artifact is.
    pub(crate) fn place_at(&self, path: &str, offset: Option<u64>) -> Place {
        let member = self.wheel.map(|_| path.to_owned());
        Place::Binary { file: self.file.clone(), member, section: None, offset }
    }

    /// A finding that a reader made of a file by itself, as one of the artifact.
    pub(crate) fn moved(&self, finding: Diagnostic, path: &str) -> Diagnostic {
        let offset = match &finding.place {
            Some(Place::Binary { offset, .. }) => *offset,
            _ => None,
        };
        let place = self.place_at(path, offset);
        finding.at(place)
    }

    /// Whether only WebAssembly can serve: the runtime is one, or the wheel says so itself.
    pub(crate) fn is_for_wasm(&self) -> bool {
        let wasm = |platform: &String| platform.ends_with("wasm32") || platform.ends_with("wasm64");
        self.against.is_some()
            || self.wheel.is_none_or(|wheel| wheel.name.platforms.iter().any(wasm))
    }
}
