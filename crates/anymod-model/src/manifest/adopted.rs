//! Manifests whose modules are added to another's: each keeps its own settings, and its paths lead from its own directory.

use super::read::{Inner, Node, Value};
use super::resolve::ModuleSettings;
use super::runtime::RuntimeSettings;
use super::values::Spanned;
use super::{LibrarySettings, Manifest};
use crate::Diagnostic;
use crate::codes::manifest as codes;

/// A manifest that was added.
#[derive(Clone, Debug)]
pub(super) struct Adopted {
    pub(super) manifest: Manifest,
    /// The way from the first manifest's directory to this one's; empty if it is the same.
    pub(super) prefix: String,
}

impl Manifest {
    /// Adds another manifest's modules and libraries. `prefix` is the way to its directory. It may use this one's build
    /// types; all else each has for itself. Manifests that it would add are not added.
    ///
    /// # Errors
    /// A module that is there already.
    pub fn adopt(&mut self, mut other: Manifest, prefix: &str) -> Result<(), Diagnostic> {
        for name in other.modules() {
            let Some(there) = self.module_place(name) else { continue };
            let message = format!("module `{name}` is described twice");
            let finding = Diagnostic::error(&codes::MODULE_TWICE, message)
                .note(format!("the other one is in {there}"))
                .hint("rename one, or leave one of the manifests out");
            return Err(match other.module_place(name) {
                Some(place) => finding.at(place),
                None => finding,
            });
        }
        let own: Vec<String> = other.build_types().into_iter().map(str::to_owned).collect();
        for inner in self.root.named("build-type") {
            if !own.contains(&inner.label.value) {
                let mut inner = inner.clone();
                forget_places(&mut inner);
                other.root.children.entry("build-type").or_default().push(inner);
            }
        }
        self.adopted.push(Adopted { manifest: other, prefix: prefix.to_owned() });
        Ok(())
    }

    /// True if a manifest in this directory was added.
    #[must_use]
    pub fn has_adopted(&self, prefix: &str) -> bool {
        self.adopted.iter().any(|adopted| adopted.prefix == prefix)
    }

    /// The added manifest that describes a module, if it is not this one.
    pub(super) fn adopter_of(&self, module: &str) -> Option<&Adopted> {
        self.adopted.iter().find(|adopted| adopted.manifest.module(module).is_some())
    }
}

/// Makes values of another file count as built in: their places would be looked up in the wrong one.
fn forget_places(inner: &mut Inner) {
    inner.label.span = None;
    forget_in(&mut inner.node);
}

fn forget_in(node: &mut Node) {
    for value in node.layer.values_mut() {
        match value {
            Value::Bool(value) => value.span = None,
            Value::One(value) => value.span = None,
            Value::Many(values) => values.iter_mut().for_each(|value| value.span = None),
            Value::Defines(values) => values.values_mut().for_each(|value| value.span = None),
            Value::Facts(values) => values.values_mut().for_each(|value| value.span = None),
        }
    }
    node.children.values_mut().flatten().for_each(forget_places);
}

impl Adopted {
    /// A module's settings with paths that lead from the first manifest's directory.
    pub(super) fn moved(&self, mut settings: ModuleSettings) -> ModuleSettings {
        self.each(&mut settings.sources);
        self.each(&mut settings.exclude);
        self.each(&mut settings.include_dirs);
        match &mut settings.runtime {
            RuntimeSettings::MicroPython(own) => {
                self.each(&mut own.qstr_sources);
                self.each(&mut own.micropython_dir);
                self.each(&mut own.externs);
            }
            RuntimeSettings::Python(own) => self.each(&mut own.package_data),
            RuntimeSettings::Archive(own) => {
                self.each(&mut own.archives);
                self.each(&mut own.headers);
                self.each(&mut own.public_include_dirs);
            }
            RuntimeSettings::Node(_) => {}
        }
        settings
    }

    /// The same for a library.
    pub(super) fn moved_library(&self, mut settings: LibrarySettings) -> LibrarySettings {
        self.each(&mut settings.archive);
        self.each(&mut settings.headers);
        self.each(&mut settings.include_dirs);
        settings
    }

    fn each<'a>(&self, paths: impl IntoIterator<Item = &'a mut Spanned<String>>) {
        for path in paths {
            if !path.value.starts_with('/') && !self.prefix.is_empty() {
                path.value = format!("{}/{}", self.prefix, path.value);
            }
        }
    }
}
