//! The files of a new project: a module that builds with anymod alone, without a MicroPython source tree.

use super::{FILE_NAME, JSON_SCHEMA, words};
use crate::{Diagnostic, Diagnostics};

/// What stands for the module's name in the templates.
const PLACEHOLDER: &str = "MODULE_NAME";

/// The paths and texts of a new project whose module is called `name`.
///
/// # Errors
///
/// `M0005` if the name cannot be a module's.
pub fn init_template(name: &str) -> Result<Vec<(String, String)>, Diagnostics> {
    if let Some(problem) = words::module_name(name) {
        return Err(Diagnostic::error(problem.code, problem.message).hint(problem.hint).into());
    }
    let named = |text: &str| text.replace(PLACEHOLDER, name);
    Ok(vec![
        (FILE_NAME.to_owned(), named(include_str!("template/anymod.toml"))),
        (format!("{name}.c"), named(include_str!("template/module.c"))),
        (format!("test_{name}.py"), named(include_str!("template/test.py"))),
        (".gitignore".to_owned(), include_str!("template/gitignore").to_owned()),
        ("anymod.schema.json".to_owned(), JSON_SCHEMA.to_owned()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Target;
    use crate::manifest::parse;

    #[test]
    fn the_template_is_a_manifest_whose_sources_are_there() {
        let files = init_template("crc32").unwrap();
        let manifest = parse(&files[0].1, FILE_NAME).unwrap();
        assert_eq!(manifest.modules().collect::<Vec<_>>(), ["crc32"]);
        assert_eq!(manifest.default_build_type(), "size");
        let target = manifest.targets("crc32")[0];
        let settings = manifest.resolve("crc32", target, "size", &|_| None).unwrap();
        for source in &settings.sources {
            assert!(files.iter().any(|(path, _)| *path == source.value), "{}", source.value);
        }
        for (path, text) in &files {
            assert!(!path.contains(PLACEHOLDER) && !text.contains(PLACEHOLDER), "{path}");
        }
    }

    #[test]
    fn what_the_template_comments_out_is_right_too() {
        let files = init_template("crc32").unwrap();
        let uncommented: Vec<&str> = files[0]
            .1
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(code) if code.starts_with('[') || code.contains(" = ") => code,
                _ => line,
            })
            .collect();
        let text = uncommented.join("\n");
        let manifest = parse(&text, FILE_NAME).unwrap();
        let target = Target::parse("micropython-armv7m").unwrap();
        let settings = manifest.resolve("crc32", target, "size", &|_| None).unwrap();
        assert_eq!(settings.sources.len(), 2, "{text}");
        assert_eq!(settings.libraries.len(), 2, "{text}");
    }

    #[test]
    fn names_that_cannot_be_imported_are_refused() {
        for name in ["", "my-mod", "../up", "class", "a.b"] {
            assert!(init_template(name).is_err(), "{name}");
        }
    }
}
