//! Names of targets: `pyodide-0.29.5`, also written `pyodide@0.29.5`.

use anymod_model::Diagnostic;
use anymod_model::codes::toolchain as codes;

/// The version in a target's name.
///
/// # Errors
/// `T0010` if it is not the name of a target that takes an environment.
pub fn version(name: &str) -> Result<&str, Diagnostic> {
    let version = name.strip_prefix("pyodide@").or_else(|| name.strip_prefix("pyodide-"));
    version.filter(|version| is_version(version)).ok_or_else(|| {
        Diagnostic::error(&codes::TARGET_NAME, format!("`{name}` is not a release of Pyodide"))
            .hint("write `pyodide@VERSION` with a full version, for instance `pyodide@0.29.5`")
    })
}

/// True for `0.29.5` and `315.0.0-alpha.2`: three numbers, and maybe a pre-release. It is going to be a directory's name
/// and a word of a command.
fn is_version(version: &str) -> bool {
    let (numbers, pre) = version.split_once('-').map_or((version, None), |(n, p)| (n, Some(p)));
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
    numbers.split('.').count() == 3
        && numbers.split('.').all(number)
        && pre.is_none_or(|pre| pre.split('.').all(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_taken_out_of_names() {
        for (name, expected) in [
            ("pyodide@0.29.5", Some("0.29.5")),
            ("pyodide-0.29.5", Some("0.29.5")),
            ("pyodide-315.0.0-alpha.2", Some("315.0.0-alpha.2")),
            ("pyodide", None),
            ("pyodide@latest", None),
            ("pyodide@0.29", None),
            ("pyodide@../../x", None),
            ("pyodide@0.29.5/..", None),
            ("pyodide@0.29.5-", None),
            ("micropython-x64", None),
        ] {
            assert_eq!(version(name).ok(), expected, "{name}");
        }
        assert_eq!(version("pyodide").unwrap_err().code.id, "T0010");
    }
}
