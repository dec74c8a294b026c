//! A module's interned strings, from its sources to the header that its sources include.
//!
//! C code names an interned string `MP_QSTR_name`. Those that every runtime has under a fixed number are constants; the
//! module brings the rest along, numbered from 1 in alphabetical order, and reads their run-time numbers from a table
//! that the loader fills in. Facts: `tools/mpy_ld.py`, `extract_qstrs` and `do_preprocess`; `py/makeqstrdata.py`,
//! `qstr_escape`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anymod_model::mpy::STATIC_QSTRS;

const PREFIX: &str = "MP_QSTR_";

/// Adds the names that a source mentions, comments and all, without the prefix `MP_QSTR_`.
pub fn scan(source: &str, names: &mut BTreeSet<String>) {
    let mut rest = source;
    while let Some(at) = rest.find(PREFIX) {
        let tail = rest.get(at + PREFIX.len()..).unwrap_or_default();
        let name = leading_name(tail);
        names.insert(name.to_string());
        rest = tail.get(name.len()..).unwrap_or_default();
    }
}

fn leading_name(text: &str) -> &str {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let end = text.find(|character| !is_part(character)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The names that the module must bring along, in the order of their numbers; the first has number 1.
#[must_use]
pub fn numbered(names: &BTreeSet<String>) -> Vec<String> {
    let fixed: BTreeSet<String> = STATIC_QSTRS.iter().map(|name| escape(name)).collect();
    names.iter().filter(|name| !fixed.contains(*name)).cloned().collect()
}

/// The header that the module's sources include as their configuration.
#[must_use]
pub fn config_header(numbered: &[String]) -> String {
    let mut text = String::from(
        "#include <stdint.h>\n\
         typedef uintptr_t mp_uint_t;\n\
         typedef intptr_t mp_int_t;\n\
         typedef uintptr_t mp_off_t;\n",
    );
    for (name, number) in STATIC_QSTRS.iter().zip(1..) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "#define {PREFIX}{} ({number})", escape(name));
    }
    for (name, number) in numbered.iter().zip(1..) {
        let _ = writeln!(text, "#define {PREFIX}{name} (mp_native_qstr_table[{number}])");
    }
    text.push_str("extern const uint16_t mp_native_qstr_table[];\n");
    text.push_str("extern const mp_uint_t mp_native_obj_table[];\n");
    text
}

/// The names that a header made by [`config_header`] or by `mpy_ld.py --preprocess` numbers, in order.
#[must_use]
pub fn parse_config_header(header: &str) -> Vec<String> {
    let name = |line: &str| {
        let rest = line.strip_prefix("#define ")?.strip_prefix(PREFIX)?;
        let name = leading_name(rest);
        rest.get(name.len()..)?.starts_with(" (mp_native_").then(|| name.to_string())
    };
    header.lines().filter_map(name).collect()
}

/// A string as part of a C identifier.
fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for character in name.chars() {
        let spelled = match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => {
                escaped.push(character);
                continue;
            }
            ' ' => "space",
            '*' => "star",
            '/' => "slash",
            '<' => "lt",
            '>' => "gt",
            '-' => "hyphen",
            _ => {
                let _ = write!(escaped, "_0x{:02x}_", u32::from(character));
                continue;
            }
        };
        let _ = write!(escaped, "_{spelled}_");
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(source: &str) -> Vec<String> {
        let mut names = BTreeSet::new();
        scan(source, &mut names);
        numbered(&names)
    }

    #[test]
    fn names_are_found_sorted_and_without_the_fixed_ones() {
        let source =
            "x(MP_QSTR_zeta, MP_QSTR_append); // MP_QSTR_alpha\nMP_QSTR_utf_hyphen_8 MP_QSTR_zeta";
        assert_eq!(names(source), ["alpha", "zeta"]);
        assert_eq!(names("MP_QSTR_ MP_QSTR__lt_module_gt_"), Vec::<String>::new());
    }

    #[test]
    fn the_header_reads_back() {
        let numbered = ["alpha".to_string(), "b_2".to_string()];
        let header = config_header(&numbered);
        assert!(header.contains("#define MP_QSTR__0x0a_ (3)\n"));
        assert!(header.contains("#define MP_QSTR_b_2 (mp_native_qstr_table[2])\n"));
        assert_eq!(parse_config_header(&header), numbered);
    }
}
