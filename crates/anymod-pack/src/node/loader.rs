//! The loader of an addon: a table of every file that there may be, and the code that chooses, checks and loads one. The usual
//! case is in the entry itself, and everything else in a file of its own that is read only if it is needed.

use anymod_model::Platform;
use anymod_model::node::{Variant, file_name, override_variable};
use anymod_model::platform::PLATFORMS;

use super::probe::{PROBE_VERSION, probe_file};

/// An addon, as its loader knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addon {
    /// Name of the module.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Name of its npm package.
    pub package: String,
    /// What is built for each platform.
    pub built: Vec<Built>,
    /// Names that it exports; empty if they are not known.
    pub exports: Vec<String>,
}

/// What is built for a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The platform.
    pub platform: Platform,
    /// The variants; none where processors have no levels.
    pub variants: Vec<Variant>,
}

const CODE: &str = include_str!("index.cjs");

/// Name of the file beside the entries that has the cases that are not usual; it is the same for all addons.
pub const LOADER_FILE: &str = "loader.cjs";
/// Its content.
pub const LOADER: &str = include_str!("loader.cjs");

/// The entry for CommonJS.
#[must_use]
pub fn loader(addon: &Addon) -> String {
    let mut text = format!(
        "// Made by anymod. Loads `{}` {}; ANYMOD_VARIANT and {} choose otherwise.\n",
        addon.name,
        addon.version,
        override_variable(&addon.name)
    );
    text += &CODE.replace("@TABLE@", &table(addon));
    let mut names: Vec<&String> = addon.exports.iter().filter(|name| is_name(name)).collect();
    names.dedup();
    for name in names {
        // Said one by one, so that tools and ES modules find the names without running this.
        text += &format!("module.exports.{name} = module.exports.{name};\n");
    }
    text
}

/// The entry for ES modules.
#[must_use]
pub fn esm(addon: &Addon) -> String {
    let mut text = format!("// Made by anymod. Loads `{}` {}.\n", addon.name, addon.version);
    text += "import addon from './index.cjs';\n\nexport default addon;\n";
    let names: Vec<&str> =
        addon.exports.iter().map(String::as_str).filter(|name| is_name(name)).collect();
    if !names.is_empty() {
        text += &format!("export const {{ {} }} = addon;\n", names.join(", "));
    }
    text
}

/// True for a name that needs no quotes; `default` is the addon itself.
fn is_name(name: &str) -> bool {
    let begins = |letter: char| letter.is_ascii_alphabetic() || matches!(letter, '_' | '$');
    name.starts_with(begins)
        && name.chars().all(|letter| begins(letter) || letter.is_ascii_digit())
        && name != "default"
}

fn table(addon: &Addon) -> String {
    let mut text = format!(
        "{{\n  name: {},\n  version: {},\n  package: {},\n  override: {},\n  probe: {},\n",
        quoted(&addon.name),
        quoted(&addon.version),
        quoted(&addon.package),
        quoted(&override_variable(&addon.name)),
        quoted(PROBE_VERSION),
    );
    text += "  bundled: module.filename !== __filename,\n";
    text += "  directory: __dirname,\n  resolve: (name) => require.resolve(name),\n";
    text += "  embedded() { try { return require('./embedded.cjs'); } catch { return null; } },\n";
    text += "  files: {\n";
    let mut seen = String::new();
    let rows = PLATFORMS
        .iter()
        .filter_map(|row| addon.built.iter().find(|built| built.platform == row.platform));
    for built in rows {
        let platform = built.platform;
        text += &format!("    {}: [\n", quoted(platform.name()));
        seen += &shown(addon, platform, &probe_file(platform));
        let mut variants: Vec<Option<&Variant>> = built.variants.iter().map(Some).collect();
        // The best first.
        variants.sort_by_key(|variant| std::cmp::Reverse(variant.map(|variant| variant.level)));
        if variants.is_empty() {
            variants.push(None);
        }
        for variant in variants {
            let name = variant.map_or("", |variant| &variant.name);
            let level = variant.map_or(0, |variant| variant.level as u32);
            let file = file_name(&addon.name, platform, variant.map(|_| name));
            seen += &shown(addon, platform, &file);
            let (name, file) = (quoted(name), quoted(&file));
            text += &format!("      {{ variant: {name}, level: {level}, file: {file} }},\n");
        }
        text += "    ],\n";
    }
    text += "  },\n  // Nobody calls it: it shows tools that gather files what belongs to the program.\n";
    text + "  seen() {\n" + &seen + "  },\n}"
}

/// Where a file may be, as tools that gather files understand it.
fn shown(addon: &Addon, platform: Platform, file: &str) -> String {
    let leaf = quoted(&format!("{}-{platform}/{file}", addon.package));
    let local = quoted(&format!("./{file}"));
    format!("    try {{ require({local}); require({leaf}); }} catch {{}}\n")
}

/// A text as JavaScript writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for letter in text.chars() {
        match letter {
            '\'' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') => {
                quoted += &format!("\\u{{{:x}}}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted + "'"
}
