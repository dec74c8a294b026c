//! Functions of Node-API that Node.js does not have, and an addon that Node.js cannot start.
//!
//! Why: where functions are looked up at the first call, that call ends the process. What: names that no version of
//! Node-API has, names that came after the version in the identity, and a missing `napi_register_module_v1`. Mend: correct
//! the name, raise `napi`, or export the function.

use anymod_model::Diagnostic;
use anymod_model::codes::node as codes;

use super::Subject;
use super::functions::{is_napi, since};

/// The functions by which Node.js starts an addon: of Node-API, and of the time before it.
const REGISTER: &str = "napi_register_module_v1";

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let wanted = subject.found.as_ref().map(|found| found.record.identity.napi);
    for (name, weak) in subject.addon.imports.iter().filter(|(name, _)| is_napi(name)) {
        let message = match (since(name), wanted) {
            (None, _) => format!("Node.js has no function `{name}`"),
            (Some(since), Some(wanted)) if since > wanted => {
                format!("`{name}` is of Node-API {since}, and the addon asks for {wanted}")
            }
            _ => continue,
        };
        let finding = match weak {
            true => Diagnostic::warning(&codes::NAPI, message),
            false => subject.convention(&codes::NAPI, message),
        };
        let hint = "correct the name, or raise `napi` in the module's section `node`";
        findings.push(finding.at(subject.place()).hint(hint));
    }
    let exports = &subject.addon.exports;
    // Addons from before Node-API register themselves when they are loaded.
    let older = |name: &str| {
        name.starts_with("node_register_module_v")
            || name == "napi_module_register"
            || name.contains("node_module_register")
    };
    let registers = exports.contains(REGISTER)
        || exports.iter().any(|name| older(name))
        || subject.addon.imports.keys().any(|name| older(name));
    if !registers {
        let message = format!("the addon does not export `{REGISTER}`");
        let hint = "define it with `NAPI_MODULE_INIT()`, and do not hide it";
        findings.push(subject.convention(&codes::REGISTER, message).hint(hint));
    }
    findings
}
