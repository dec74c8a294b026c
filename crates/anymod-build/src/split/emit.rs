//! `split emit`: what linkers, configure scripts and CPython's build read, as texts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anymod_link::host::fix::Wishes;
use anymod_model::Diagnostics;

use super::plan::{Link, SplitPlan};
use super::{files, parallel};
use crate::install;

/// Name of the list of exported symbols, as linkers read it after `--dynamic-list=`.
pub(super) const EXPORTS: &str = "exports.list";
/// Name of the version script.
const VERSIONS: &str = "exports.map";

/// The files of a plan: names and texts. `split link` uses those that end with `.rsp` itself.
#[must_use]
pub fn texts(plan: &SplitPlan) -> Vec<(String, String)> {
    let links = &plan.links;
    let lines = |start: &str, names: &[String], end: &str| {
        let names: String = names.iter().map(|name| format!("{start}{name}{end}\n")).collect();
        names
    };
    let mut files =
        vec![(EXPORTS.to_owned(), format!("{{\n{}}};\n", lines("  ", &plan.exports, ";")))];
    if links.version_script {
        // With whole libraries, whatever `-rdynamic` exports.
        let all = ["*".to_owned()];
        let names = lines("    ", if links.whole { &all } else { &plan.exports }, ";");
        let local = if links.whole { "" } else { "  local:\n    *;\n" };
        let script = format!("ANYMOD_HOST {{\n  global:\n{names}{local}}};\n");
        files.push((VERSIONS.to_owned(), script));
    }
    files.push((response_file(&links.host), response(&host(plan))));
    for module in &links.modules {
        files.push((response_file(module), response(&self::module(plan, module))));
    }
    if !links.setup.is_empty() {
        let mut text = String::new();
        for word in ["*shared*", "*static*", "*disabled*"] {
            let of = links.setup.iter().filter(|(under, _)| *under == word);
            let of: String = of.map(|(_, line)| format!("{line}\n")).collect();
            if !of.is_empty() {
                text += &format!("{word}\n{of}");
            }
        }
        files.push(("Setup.local".to_owned(), text));
    }
    if !links.variables.is_empty() {
        let rows = links.variables.iter();
        let text =
            rows.map(|(name, value)| format!("export {name}='{}'\n", value.replace('\'', "'\\''")));
        files.push(("environment.sh".to_owned(), text.collect()));
    }
    files
}

/// Name of the response file of a link.
pub(super) fn response_file(link: &Link) -> String {
    format!("{}.rsp", link.file)
}

/// Writes the files of a plan into its directory, and copies with other names if there is a namespace; returns the paths of the
/// former.
///
/// # Errors
/// `B0003` if one cannot be written, `H0304` if an object cannot be changed.
pub fn emit(plan: &SplitPlan) -> Result<Vec<PathBuf>, Diagnostics> {
    let written = parallel::map(&plan.links.renamed, |copy| {
        let names = Some(Arc::clone(&copy.names));
        let wishes = Wishes { prefix: Some(copy.prefix.clone()), names, ..Wishes::default() };
        let fixed = files::load(&copy.from)?.fixed(&wishes)?;
        install::write_if_changed(&copy.to, &fixed.bytes)?;
        Ok(())
    });
    written.into_iter().collect::<Result<(), Diagnostics>>()?;
    let mut paths = Vec::new();
    for (name, text) in texts(plan) {
        let path = plan.links.directory.join(name);
        install::write_if_changed(&path, text.as_bytes())?;
        paths.push(path);
    }
    Ok(paths)
}

/// Arguments as a response file of GCC and clang: one a line, what is special quoted.
fn response(arguments: &[String]) -> String {
    let mut text = String::new();
    for argument in arguments {
        for letter in argument.chars() {
            if letter.is_whitespace() || matches!(letter, '\\' | '"' | '\'') {
                text.push('\\');
            }
            text.push(letter);
        }
        text.push('\n');
    }
    text
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The arguments of the host's link.
pub(super) fn host(plan: &SplitPlan) -> Vec<String> {
    let links = &plan.links;
    let mut arguments = vec![format!("-fuse-ld={}", plan.linker)];
    let output = links.directory.join(&links.host.file);
    arguments.extend(["-o".to_owned(), shown(&output)]);
    arguments.extend(links.host.objects.iter().map(|path| shown(path)));
    // Members that nothing else needs are taken in for their exports alone, in the host's own archives as well.
    arguments.extend(plan.exports.iter().map(|name| format!("-Wl,-u,{name}")));
    if links.whole {
        arguments.push("-rdynamic".to_owned());
        arguments.push("-Wl,--whole-archive".to_owned());
        arguments.extend(links.exported.iter().map(|path| shown(path)));
        arguments.push("-Wl,--no-whole-archive".to_owned());
    } else if !plan.exports.is_empty() {
        arguments.push(format!("-Wl,--dynamic-list={}", shown(&links.directory.join(EXPORTS))));
    }
    if links.version_script {
        let script = links.directory.join(VERSIONS);
        arguments.push(format!("-Wl,--version-script={}", shown(&script)));
        // Without a name lld and mold write the output's path into the table of versions.
        arguments.push(format!("-Wl,-soname,{}", links.host.file));
    }
    arguments.push("-Wl,--start-group".to_owned());
    let taken = |path: &&PathBuf| !(links.whole && links.exported.contains(path));
    arguments.extend(links.host.archives.iter().filter(taken).map(|path| shown(path)));
    arguments.push("-Wl,--end-group".to_owned());
    arguments.extend(links.host.flags.iter().cloned());
    arguments
}

/// The arguments of a module's link.
pub(super) fn module(plan: &SplitPlan, module: &Link) -> Vec<String> {
    let output = plan.links.directory.join(&module.file);
    let mut arguments = vec![format!("-fuse-ld={}", plan.linker), "-shared".to_owned()];
    arguments.extend(["-o".to_owned(), shown(&output)]);
    arguments.extend(module.objects.iter().map(|path| shown(path)));
    if !module.archives.is_empty() {
        // What is inside a module is its own business, and code for programs can be inside in no other way.
        arguments.push("-Wl,--exclude-libs,ALL".to_owned());
        arguments.push("-Wl,--start-group".to_owned());
        arguments.extend(module.archives.iter().map(|path| shown(path)));
        arguments.push("-Wl,--end-group".to_owned());
    }
    arguments.extend(module.flags.iter().cloned());
    arguments
}
