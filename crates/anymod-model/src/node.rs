//! Vocabulary of addons for Node.js: file names, variants, versions of Node-API.

use crate::platform::{Cpu, Platform};

/// Versions of Node-API that an addon can ask for, each with the releases of Node.js that have it
/// (nodejs.org, "Node-API version matrix").
pub const NAPI_VERSIONS: &[(&str, &str)] = &[
    ("3", "Node.js 6.14.2, 8.11.2, 9.11.0, 10.0.0 and later."),
    ("4", "Node.js 10.16.0, 11.8.0, 12.0.0 and later."),
    ("5", "Node.js 10.17.0, 12.11.0, 13.0.0 and later."),
    ("6", "Node.js 10.20.0, 12.17.0, 14.0.0 and later."),
    ("7", "Node.js 10.23.0, 12.19.0, 14.12.0, 15.0.0 and later."),
    ("8", "Node.js 12.22.0, 14.17.0, 15.12.0, 16.0.0 and later."),
    ("9", "Node.js 18.17.0, 20.3.0, 21.0.0 and later."),
    ("10", "Node.js 22.14.0, 23.6.0 and later."),
];

/// The version of Node-API that an addon asks for if nothing is said.
pub const DEFAULT_NAPI: u32 = 8;

/// A level of the x86-64 instruction set (x86-64 psABI, "Micro-Architecture Levels").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// What every x86-64 processor has.
    V1 = 1,
    /// Up to SSE4.2, POPCNT and CMPXCHG16B.
    V2 = 2,
    /// Up to AVX2, BMI2, FMA, LZCNT and MOVBE.
    V3 = 3,
    /// AVX-512 F, BW, CD, DQ and VL.
    V4 = 4,
}

impl Level {
    /// Every level, the lowest first.
    pub const ALL: [Level; 4] = [Level::V1, Level::V2, Level::V3, Level::V4];

    /// Its name as compilers take it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::V1 => "x86-64",
            Level::V2 => "x86-64-v2",
            Level::V3 => "x86-64-v3",
            Level::V4 => "x86-64-v4",
        }
    }

    /// Looks a level up by its name; `x86-64-v1` is the lowest as well.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Level> {
        let plain = if name == "x86-64-v1" { "x86-64" } else { name };
        Level::ALL.into_iter().find(|level| level.name() == plain)
    }

    /// The level of that number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Level> {
        Level::ALL.into_iter().find(|level| *level as u32 == number)
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One of several builds for a platform.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variant {
    /// What processors it is for.
    pub level: Level,
    /// Its name.
    pub name: String,
}

impl Variant {
    /// The variants that need no declaration, the best first.
    #[must_use]
    pub fn built_in() -> [Variant; 2] {
        let variant = |name: &str, level| Variant { level, name: name.to_owned() };
        [variant("modern", Level::V3), variant("baseline", Level::V2)]
    }

    /// Reads `NAME=LEVEL`, or the name of a built-in variant.
    #[must_use]
    pub fn parse(text: &str) -> Option<Variant> {
        let Some((name, level)) = text.split_once('=') else {
            return Variant::built_in().into_iter().find(|variant| variant.name == text);
        };
        let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        let fit = !name.is_empty() && name != "musl" && name != "all" && name.chars().all(fits);
        Some(Variant { level: Level::from_name(level)?, name: fit.then(|| name.to_owned())? })
    }
}

/// The targets by which Rust knows a platform, the usual one first ("Platform Support" of the rustc book).
#[must_use]
pub fn rust_targets(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::LinuxX64 => &["x86_64-unknown-linux-gnu"],
        Platform::LinuxX64Musl => &["x86_64-unknown-linux-musl"],
        Platform::LinuxArm64 => &["aarch64-unknown-linux-gnu"],
        Platform::LinuxArm64Musl => &["aarch64-unknown-linux-musl"],
        Platform::DarwinX64 => &["x86_64-apple-darwin"],
        Platform::DarwinArm64 => &["aarch64-apple-darwin"],
        Platform::Win32X64 => &["x86_64-pc-windows-gnullvm", "x86_64-pc-windows-gnu"],
        Platform::Win32Arm64 => &["aarch64-pc-windows-gnullvm"],
    }
}

/// True if a platform's processors have levels.
#[must_use]
pub fn has_variants(platform: Platform) -> bool {
    platform.info().cpu == Cpu::X64
}

/// Name of an addon's file: `<name>.<platform>-<arch>[-musl][-<variant>].node`.
#[must_use]
pub fn file_name(name: &str, platform: Platform, variant: Option<&str>) -> String {
    match variant {
        Some(variant) => format!("{name}.{platform}-{variant}.node"),
        None => format!("{name}.{platform}.node"),
    }
}

/// The variable that names a file to be loaded in place of all others.
#[must_use]
pub fn override_variable(name: &str) -> String {
    let letter = |letter: char| {
        if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' }
    };
    format!("ANYMOD_ADDON_{}", name.chars().map(letter).collect::<String>())
}

/// What the name of an addon's file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName<'a> {
    /// Name of the module.
    pub name: &'a str,
    /// The platform.
    pub platform: Platform,
    /// The variant.
    pub variant: Option<&'a str>,
}

impl<'a> FileName<'a> {
    /// Reads a name; none if it is not of the form of [`file_name`].
    #[must_use]
    pub fn parse(file: &'a str) -> Option<FileName<'a>> {
        let (name, tag) = file.strip_suffix(".node")?.rsplit_once('.')?;
        if name.is_empty() {
            return None;
        }
        if let Some(platform) = Platform::from_name(tag) {
            return Some(FileName { name, platform, variant: None });
        }
        let (platform, variant) = tag.rsplit_once('-')?;
        let platform = Platform::from_name(platform)?;
        (!variant.is_empty()).then_some(FileName { name, platform, variant: Some(variant) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::PLATFORMS;

    #[test]
    fn file_names_are_read_as_they_were_written() {
        for row in &PLATFORMS {
            for variant in [None, Some("modern"), Some("x")] {
                let file = file_name("a.b-c", row.platform, variant);
                let expected = FileName { name: "a.b-c", platform: row.platform, variant };
                assert_eq!(FileName::parse(&file), Some(expected), "{file}");
            }
        }
        for file in
            ["a.node", "a.linux-x64", ".linux-x64.node", "a.linux-mips.node", "a.linux-x64-.node"]
        {
            assert_eq!(FileName::parse(file), None, "{file}");
        }
    }

    #[test]
    fn variants_have_names_and_levels() {
        assert_eq!(Variant::parse("modern").unwrap().level, Level::V3);
        assert_eq!(Variant::parse("fast=x86-64-v4").unwrap().name, "fast");
        for text in
            ["fast", "=x86-64-v2", "musl=x86-64-v2", "A=x86-64-v2", "a=x86-64-v5", "a-b=x86-64"]
        {
            assert_eq!(Variant::parse(text), None, "{text}");
        }
        for level in Level::ALL {
            assert_eq!(Level::from_name(level.name()), Some(level));
            assert_eq!(Level::from_number(level as u32), Some(level));
        }
    }
}
