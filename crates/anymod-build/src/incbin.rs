//! Files that assembler directives name, which no compiler lists in a dependency file: `.incbin "…"`, `.include "…"`.
//!
//! The directives stand in assembler sources and in `asm` statements of C. Only names written out are found; one that a
//! macro puts together is not.

/// The names in a text, in order.
pub(crate) fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for directive in [".incbin", ".include"] {
        for rest in text.split(directive).skip(1) {
            // Inside a C string the quotes are escaped.
            let rest = rest.trim_start().trim_start_matches('\\');
            let Some(name) = rest.strip_prefix('"') else { continue };
            let Some((name, _)) = name.split_once('"') else { continue };
            names.push(name.trim_end_matches('\\'));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_assembler_and_in_c() {
        assert_eq!(
            names("  .incbin \"font.bin\"\n.include \"macros.s\", 4"),
            ["font.bin", "macros.s"]
        );
        assert_eq!(names("asm(\".incbin \\\"a b.bin\\\"\");"), ["a b.bin"]);
        assert_eq!(names("#define INCBIN(x) .incbin x"), [""; 0]);
        assert_eq!(names(".incbin \"cut"), [""; 0]);
    }
}
