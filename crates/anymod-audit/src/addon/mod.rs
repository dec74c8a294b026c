//! The audit of addons for Node.js: one file a rule, each from what the file says to findings.
//!
//! Files that others made have no identity. They are looked at as far as their names and contents tell, and what holds only
//! by convention is a warning.

mod functions;
mod identity;
mod level;
mod libraries;
mod name;
mod napi;
mod tables;

use anymod_link::addon::{self, Addon};
use anymod_link::identity::{self as inside, Found};
use anymod_model::codes::node as codes;
use anymod_model::node::FileName;
use anymod_model::platform::PlatformInfo;
use anymod_model::{Diagnostic, Place, Platform};

/// What an addon is looked at with.
#[derive(Clone, Copy, Debug, Default)]
pub struct AddonRequest<'a> {
    /// Patterns of functions that may use any instruction, in which `*` stands for anything.
    pub dispatched: &'a [String],
    /// True if nothing that only debuggers read may be in it.
    pub stripped: bool,
}

/// An addon and what is known of it.
struct Subject<'a> {
    file: &'a str,
    addon: Addon<'a>,
    /// What the file's name says.
    name: Option<FileName<'a>>,
    /// Its identity.
    found: Option<Found>,
    request: AddonRequest<'a>,
}

impl Subject<'_> {
    fn place(&self) -> Place {
        Place::file(self.file)
    }

    /// The platform that it claims to be for: by its identity, else by its name.
    fn platform(&self) -> Option<&'static PlatformInfo> {
        let identity = self.found.as_ref().map(|found| found.record.identity.platform.as_str());
        let platform = identity.and_then(Platform::from_name);
        Some(platform.or(self.name.as_ref().map(|name| name.platform))?.info())
    }

    /// A finding: an error in a file of anymod's own, a warning in one that others made.
    fn convention(&self, code: &'static anymod_model::Code, message: String) -> Diagnostic {
        let finding = match self.found {
            Some(_) => Diagnostic::error(code, message),
            None => Diagnostic::warning(code, message),
        };
        finding.at(self.place())
    }
}

/// Looks at an addon. `file` is its path; its name tells what it is to be for.
#[must_use]
pub fn addon(bytes: &[u8], file: &str, request: AddonRequest<'_>) -> Vec<Diagnostic> {
    let addon = match addon::read(bytes, file) {
        Ok(addon) => addon,
        Err(finding) => return vec![finding],
    };
    let name = FileName::parse(file.rsplit(['/', '\\']).next().unwrap_or(file));
    let (found, mut findings) = match inside::read(bytes, file) {
        Ok(found) => (Some(found), Vec::new()),
        Err(finding) => (None, vec![finding]),
    };
    for finding in &mut findings {
        // Of a file that others made nobody expects one.
        if finding.code == &codes::IDENTITY && !anymod_link::identity::has_mark(bytes) {
            finding.severity = anymod_model::Severity::Warning;
        }
    }
    let subject = Subject { file, addon, name, found, request };
    let rules =
        [identity::check, name::check, libraries::check, napi::check, tables::check, level::check];
    findings.extend(rules.iter().flat_map(|rule| rule(&subject)));
    findings
}
