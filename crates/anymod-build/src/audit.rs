//! The audit of files: reads an artifact and what is known of the runtime, and hands both to the rules.

use std::path::Path;

use anymod_audit::{AddonRequest, Against};
use anymod_model::node::Level;
use anymod_model::{Diagnostic, Diagnostics, Place};
use anymod_pack::wheel;
use serde_json::json;

use crate::install;
use crate::target::TargetEnvironment;

/// What an artifact is held against, and what else is known of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditRequest<'a> {
    /// The runtime; none to look only for what holds for every one.
    pub against: Option<&'a Against>,
    /// Extension modules that a wheel has to hold, as they are imported.
    pub expected_extensions: &'a [String],
    /// Absolute paths of the build that no file may hold.
    pub private_paths: &'a [String],
    /// Patterns of functions of an addon that may use any instruction.
    pub dispatched: &'a [String],
    /// An addon has to be stripped.
    pub stripped: bool,
}

/// What the environment of a target says of the runtime.
///
/// # Errors
/// `B0002` if the list of its symbols cannot be read.
pub fn against(target: &TargetEnvironment) -> Result<Against, Diagnostic> {
    let bytes = install::read(&target.symbols())?;
    let symbols = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
    Ok(Against { facts: target.description.facts.clone(), symbols })
}

/// Audits a wheel, an addon for Node.js, or any other file as a WebAssembly module. The findings of an artifact that can be read are the result,
/// errors among them.
///
/// # Errors
/// `B0002` if the file cannot be read, `W0001` to `W0007` if it is called a wheel and is none that can be unpacked.
pub fn audit(file: &Path, request: AuditRequest<'_>) -> Result<Vec<Diagnostic>, Diagnostics> {
    let bytes = install::read(file)?;
    let name = file.display().to_string();
    let is_called =
        |wanted: &str| file.extension().is_some_and(|end| end.eq_ignore_ascii_case(wanted));
    if is_called("node") {
        let request = AddonRequest { dispatched: request.dispatched, stripped: request.stripped };
        return Ok(anymod_audit::addon(&bytes, &name, request));
    }
    if !is_called("whl") {
        return Ok(anymod_audit::module(&bytes, &name, request.against, request.private_paths));
    }
    let wheel = wheel::read(&bytes, &name)?;
    let findings = anymod_audit::wheel(
        &wheel,
        request.against,
        request.expected_extensions,
        request.private_paths,
    );
    Ok(findings.into_iter().map(|finding| in_file(finding, &name)).collect())
}

/// What an addon for Node.js says of itself; none for another file, or one that cannot be read.
#[must_use]
pub fn facts(file: &Path) -> Option<serde_json::Value> {
    if !file.extension().is_some_and(|end| end.eq_ignore_ascii_case("node")) {
        return None;
    }
    let bytes = std::fs::read(file).ok()?;
    let name = file.display().to_string();
    let addon = anymod_link::addon::read(&bytes, &name).ok()?;
    let found = anymod_link::identity::read(&bytes, &name).ok();
    let identity = found.map(|found| {
        let identity = &found.record.identity;
        let sha256 = found.record.sums.sha256;
        json!({
            "name": identity.name,
            "version": identity.version,
            "napi": identity.napi,
            "platform": identity.platform,
            "variant": identity.variant,
            "level": Level::from_number(identity.level).map(Level::name),
            "sha256": sha256.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            "whole": found.is_whole(),
        })
    });
    Some(json!({
        "format": addon.format.container.name(),
        "cpu": addon.format.cpu.map(|cpu| cpu.name()),
        "needed": addon.needed,
        "glibc": addon.glibc.map(|((major, minor), _)| format!("{major}.{minor}")),
        "imports": addon.imports.len(),
        "exports": addon.exports,
        "tables": addon.tables,
        "identity": identity,
    }))
}

/// A finding in a wheel, which knows its name only, with the path that the user gave.
fn in_file(mut finding: Diagnostic, path: &str) -> Diagnostic {
    if let Some(Place::Binary { file, .. }) = &mut finding.place {
        path.clone_into(file);
    }
    finding
}
