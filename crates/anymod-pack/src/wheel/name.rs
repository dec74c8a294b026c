//! File names of wheels and the tags in them.

use std::collections::BTreeSet;
use std::fmt;

use anymod_model::codes::wheel as code;
use anymod_model::{Diagnostic, Place};

/// The parts of a wheel's file name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WheelName {
    /// The package, as written.
    pub distribution: String,
    /// Its version, as written.
    pub version: String,
    /// Which build of the version it is, for instance `1` or `2local`.
    pub build: Option<String>,
    /// Interpreters that it is for, for instance `cp313`.
    pub interpreters: Vec<String>,
    /// ABIs that it needs, for instance `cp313` or `abi3`.
    pub abis: Vec<String>,
    /// Platforms that it is for.
    pub platforms: Vec<String>,
}

/// One combination of the three tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// Interpreter.
    pub interpreter: String,
    /// ABI.
    pub abi: String,
    /// Platform.
    pub platform: String,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.interpreter, self.abi, self.platform)
    }
}

/// A package's name as indexes compare it: lower case, with every run of `-`, `_` and `.` as one `-` (PEP 503).
#[must_use]
pub fn normalise(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

impl WheelName {
    /// Takes a file name apart; directories before it are passed over.
    ///
    /// # Errors
    /// `W0001` with what is wrong with it.
    pub fn parse(file: &str) -> Result<WheelName, Diagnostic> {
        let wrong = |message: String| {
            Diagnostic::error(&code::NAME, message)
                .at(Place::file(file))
                .hint("wheels are called `NAME-VERSION-PYTHON-ABI-PLATFORM.whl`, for instance `spam-1.0-cp313-cp313-linux_x86_64.whl`")
        };
        let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let stem = base
            .strip_suffix(".whl")
            .ok_or_else(|| wrong(format!("`{base}` does not end in `.whl`")))?;
        let parts: Vec<&str> = stem.split('-').collect();
        let (distribution, version, build, [interpreters, abis, platforms]) =
            match *parts.as_slice() {
                [name, version, a, b, c] => (name, version, None, [a, b, c]),
                [name, version, build, a, b, c] => (name, version, Some(build), [a, b, c]),
                _ => return Err(wrong(format!("`{base}` has {} parts, not 5 or 6", parts.len()))),
            };
        let is_name = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "._".contains(c))
        };
        if !is_name(distribution) {
            return Err(wrong(format!("`{distribution}` is not a package's name")));
        }
        if version.is_empty()
            || !version.chars().all(|c| c.is_ascii_alphanumeric() || "._+!".contains(c))
        {
            return Err(wrong(format!("`{version}` is not a version")));
        }
        if let Some(build) = build
            && !(build.starts_with(|c: char| c.is_ascii_digit()) && is_name(build))
        {
            return Err(wrong(format!("the build tag `{build}` does not begin with a digit")));
        }
        let tags = |text: &str| {
            tags(text)
                .ok_or_else(|| wrong(format!("`{text}` is not a tag or tags joined with dots")))
        };
        Ok(WheelName {
            distribution: distribution.to_owned(),
            version: version.to_owned(),
            build: build.map(str::to_owned),
            interpreters: tags(interpreters)?,
            abis: tags(abis)?,
            platforms: tags(platforms)?,
        })
    }

    /// Every combination of its tags, which is what the lines `Tag` of the file `WHEEL` have to say.
    #[must_use]
    pub fn tags(&self) -> BTreeSet<Tag> {
        let mut tags = BTreeSet::new();
        for interpreter in &self.interpreters {
            for abi in &self.abis {
                tags.extend(self.platforms.iter().map(|platform| Tag {
                    interpreter: interpreter.clone(),
                    abi: abi.clone(),
                    platform: platform.clone(),
                }));
            }
        }
        tags
    }

    /// Whether the wheel says that it holds nothing for any one platform.
    #[must_use]
    pub fn is_pure(&self) -> bool {
        self.platforms.iter().all(|platform| platform == "any")
    }
}

/// The tags of a compressed set; none if one of them is no tag.
pub(super) fn tags(text: &str) -> Option<Vec<String>> {
    let is_tag = |tag: &str| {
        !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    text.split('.').map(|tag| is_tag(tag).then(|| tag.to_owned())).collect()
}

impl fmt::Display for WheelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-", self.distribution, self.version)?;
        if let Some(build) = &self.build {
            write!(f, "{build}-")?;
        }
        let sets = [&self.interpreters, &self.abis, &self.platforms];
        let [interpreters, abis, platforms] = sets.map(|set| set.join("."));
        write!(f, "{interpreters}-{abis}-{platforms}.whl")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_and_put_together() {
        let name = WheelName::parse("dist/spam_x-1.0+a.1-2b-cp312.cp313-abi3-a_1.b.whl").unwrap();
        assert_eq!((name.distribution.as_str(), name.version.as_str()), ("spam_x", "1.0+a.1"));
        assert_eq!(name.build.as_deref(), Some("2b"));
        assert_eq!(name.to_string(), "spam_x-1.0+a.1-2b-cp312.cp313-abi3-a_1.b.whl");
        let tags: Vec<String> = name.tags().iter().map(Tag::to_string).collect();
        assert_eq!(tags, ["cp312-abi3-a_1", "cp312-abi3-b", "cp313-abi3-a_1", "cp313-abi3-b"]);
        assert!(WheelName::parse("a-1-py3-none-any.whl").unwrap().is_pure());
    }

    #[test]
    fn what_is_no_name_is_said() {
        let wrong = [
            "spam-1.0.tar.gz",
            "spam-1.0-py3-none.whl",
            "a-b-1-2-3-4-5.whl",
            "-1-py3-none-any.whl",
            "a--py3-none-any.whl",
            "a-1-x-py3-none-any.whl",
            "a-1-py3..py2-none-any.whl",
            "a-1-py3-none-an y.whl",
            "a-1~-py3-none-any.whl",
        ];
        for file in wrong {
            assert_eq!(WheelName::parse(file).unwrap_err().code.id, "W0001", "{file}");
        }
    }

    #[test]
    fn packages_are_compared_by_normalised_names() {
        assert_eq!(normalise("Foo__Bar.-baz"), "foo-bar-baz");
        assert_eq!(normalise("h3"), "h3");
    }
}
