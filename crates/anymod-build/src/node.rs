//! Addons for Node.js besides planning: what this machine is, and finishing what was linked.

use anymod_audit::AddonRequest;
use anymod_model::Severity;
use anymod_model::codes::node as codes;
use anymod_model::node::Level;
use anymod_model::platform::{Cpu, Libc, Os};
use anymod_model::{Diagnostic, Diagnostics, Place, Platform};

use crate::action::Seal;

/// Writes the sums into an addon; its bytes and what is doubtful about it.
///
/// # Errors
/// What keeps it from being loaded.
pub(crate) fn seal(bytes: Vec<u8>, seal: &Seal) -> Result<(Vec<u8>, Vec<Diagnostic>), Diagnostics> {
    let request = AddonRequest { dispatched: &seal.dispatched, stripped: false };
    // Names of functions go with the tables, and the findings have to have them.
    let named = anymod_link::identity::seal(bytes.clone(), &seal.file)?;
    let mut findings = anymod_audit::addon(&named, &seal.file, request);
    findings.retain(|finding| !seal.stripped || finding.code != &codes::TABLES);
    let stripped = if seal.stripped { anymod_link::addon::strip(&bytes) } else { None };
    let sealed = match stripped {
        Some(stripped) => anymod_link::identity::seal(stripped, &seal.file)?,
        None => named,
    };
    if seal.stripped {
        let request = AddonRequest { stripped: true, ..request };
        let again = anymod_audit::addon(&sealed, &seal.file, request);
        findings.extend(again.into_iter().filter(|finding| finding.code == &codes::TABLES));
    }
    findings.extend(undeclared(&sealed, seal));
    let (errors, warnings): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| finding.severity == Severity::Error);
    if errors.is_empty() { Ok((sealed, warnings)) } else { Err(Diagnostics(errors)) }
}

/// Names that the declarations have and that are nowhere in the file: what it exports it has to name.
fn undeclared(bytes: &[u8], seal: &Seal) -> Vec<Diagnostic> {
    let Some((file, names)) = &seal.declared else { return Vec::new() };
    let has = |name: &String| memchr::memmem::find(bytes, name.as_bytes()).is_some();
    let missing = names.iter().filter(|name| *name != "default" && !has(name));
    missing
        .map(|name| {
            not_exported(file, name).note(format!("`{}` does not hold the name", seal.file))
        })
        .collect()
}

fn not_exported(file: &str, name: &str) -> Diagnostic {
    let message = format!("`{name}` is declared, and the addon does not export it");
    Diagnostic::error(&codes::DECLARATIONS, message)
        .at(Place::file(file))
        .hint("export it, or take it out of the declarations")
}

/// Loader, entry for ES modules or declarations of a crate, as the file's name says, from what macros told of its types.
pub(crate) fn entry(addon: &anymod_pack::node::Addon, types: &str, file: &str) -> String {
    let declarations = anymod_pack::node::napi_declarations(types);
    let declarations = declarations.unwrap_or_else(|| UNDECLARED.to_owned());
    if file.ends_with(".d.ts") {
        return declarations;
    }
    let declared = anymod_pack::node::declared(&declarations);
    let exports = declared.into_iter().filter(|one| one.value).map(|one| one.name).collect();
    let addon = anymod_pack::node::Addon { exports, ..addon.clone() };
    match file.ends_with(".mjs") {
        true => anymod_pack::node::esm(&addon),
        false => anymod_pack::node::loader(&addon),
    }
}

/// Declarations of a crate that tells nothing of its types.
const UNDECLARED: &str = "// This crate tells nothing of its types; `declarations` in the manifest can name a file.\nexport {};\n";

/// Compares declarations with the names that the addon exports, a JSON list; the names, a line each.
///
/// # Errors
/// Names that one has and the other has not.
pub(crate) fn compare(file: &str, text: &str, exports: &[u8]) -> Result<String, Diagnostics> {
    let exports: Vec<String> = serde_json::from_slice(exports).unwrap_or_default();
    if text == UNDECLARED {
        return Ok(exports.join("\n") + "\n");
    }
    let declared = anymod_pack::node::declared(text);
    let values: Vec<&str> =
        declared.iter().filter(|one| one.value).map(|one| one.name.as_str()).collect();
    let mut findings: Vec<Diagnostic> = values
        .iter()
        .filter(|name| **name != "default" && !exports.iter().any(|known| known == *name))
        .map(|name| not_exported(file, name))
        .collect();
    for name in exports.iter().filter(|name| !values.contains(&name.as_str())) {
        let message = format!("the addon exports `{name}`, and it is not declared");
        let finding = Diagnostic::error(&codes::DECLARATIONS, message).at(Place::file(file));
        findings.push(finding.hint("declare it with `export declare …`"));
    }
    if findings.is_empty() { Ok(exports.join("\n") + "\n") } else { Err(Diagnostics(findings)) }
}

/// The script that asks an addon for its names.
pub(crate) const ASK_EXPORTS: &str = "const fs = require('fs'); const m = { exports: {} }; \
process.dlopen(m, require('path').resolve(process.argv[1])); \
fs.writeFileSync(process.argv[2], JSON.stringify(Object.keys(m.exports).sort()));";

/// True if the platform is the one that this runs on.
pub(crate) fn is_host(platform: Platform) -> bool {
    let info = platform.info();
    let os = match info.os {
        Os::Linux => cfg!(target_os = "linux"),
        Os::Darwin => cfg!(target_os = "macos"),
        Os::Win32 => cfg!(windows),
    };
    let cpu = match info.cpu {
        Cpu::X64 => cfg!(target_arch = "x86_64"),
        Cpu::Arm64 => cfg!(target_arch = "aarch64"),
    };
    // Both C libraries of Linux have the same processor below them.
    os && cpu
}

/// True if an addon for the platform can be loaded by the Node.js of this machine.
pub(crate) fn is_loadable(platform: Platform) -> bool {
    let musl =
        cfg!(target_env = "musl") && !std::path::Path::new("/lib64/ld-linux-x86-64.so.2").exists();
    is_host(platform) && (platform.info().libc == Libc::Musl) == musl
}

/// The level of this machine's processor, asked of itself; none if it has none.
#[cfg(target_arch = "x86_64")]
pub(crate) fn host_level() -> Option<Level> {
    macro_rules! has {
        ($($feature:tt),*) => { $(std::arch::is_x86_feature_detected!($feature))&&* };
    }
    let v2 = has!("sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cmpxchg16b");
    let v3 = has!("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "lzcnt", "movbe");
    let v4 = has!("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl");
    Some(match (v2, v3, v4) {
        (true, true, true) => Level::V4,
        (true, true, false) => Level::V3,
        (true, false, _) => Level::V2,
        _ => Level::V1,
    })
}

/// None: the levels are those of x86-64.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn host_level() -> Option<Level> {
    None
}
