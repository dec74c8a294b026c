//! `pyconfig.h` of a target, derived from that of another CPython of the same minor version and the target's own
//! sysconfig data.
//!
//! The names that the header may define depend on CPython's version only; `sysconfig` keeps the value of each
//! (`parse_config_h`): 0 stands for a name that is not defined. So the lines are the other header's and the values the
//! target's.

use super::sysconfig::{Value, Variables};

/// The header of the target. Of the names that `sysconfig` does not keep, one is the host's alone: it says that there
/// are threads.
pub(crate) fn derive(template: &str, variables: &Variables) -> String {
    let mut text = String::with_capacity(template.len());
    for line in template.lines() {
        match name(line) {
            None if line.starts_with("#define _REENTRANT") => text += "/* #undef _REENTRANT */",
            None => text += line,
            Some(name) => match variables.get(name) {
                None | Some(Value::Number(0)) if is_declaration(name) => {
                    text += &format!("#define {name} 0");
                }
                None | Some(Value::Number(0)) => text += &format!("/* #undef {name} */"),
                Some(Value::Number(number)) => text += &format!("#define {name} {number}"),
                Some(Value::Text(value)) => text += &format!("#define {name} {value}"),
            },
        }
        text.push('\n');
    }
    text
}

/// The name of a line that `sysconfig` reads: what it does not, it did not keep the value of.
fn name(line: &str) -> Option<&str> {
    let defined = line.strip_prefix("#define ").and_then(|rest| rest.split_once(' '));
    let undefined =
        line.strip_prefix("/* #undef ").and_then(|rest| Some((rest.strip_suffix(" */")?, "")));
    let (name, _) = defined.or(undefined)?;
    let word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (word && name.len() > 1 && name.starts_with(|c: char| c.is_ascii_uppercase())).then_some(name)
}

/// Names that configure defines in any case, to 0 or 1.
fn is_declaration(name: &str) -> bool {
    name.starts_with("HAVE_DECL_")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_the_hosts_and_values_the_targets() {
        let template = "\
#ifndef Py_PYCONFIG_H
#define Py_PYCONFIG_H
/* The size of `long', as computed by sizeof. */
#define SIZEOF_LONG 8
#define HAVE_FORK 1
/* #undef HAVE_BROKEN_POLL */
#define HAVE_DECL_TZNAME 1
#define HOST_ONLY 1
#define PLATLIBDIR \"lib64\"
#define _GNU_SOURCE 1
#define _REENTRANT 1
/* #undef off_t */
# define WORDS_BIGENDIAN 1
#endif
";
        let number = |name: &str, number| (name.to_owned(), Value::Number(number));
        let variables = Variables::from([
            number("SIZEOF_LONG", 4),
            number("HAVE_FORK", 0),
            number("HAVE_BROKEN_POLL", 1),
            number("HAVE_DECL_TZNAME", 0),
            ("PLATLIBDIR".to_owned(), Value::Text("\"lib\"".to_owned())),
        ]);
        let expected = "\
#ifndef Py_PYCONFIG_H
#define Py_PYCONFIG_H
/* The size of `long', as computed by sizeof. */
#define SIZEOF_LONG 4
/* #undef HAVE_FORK */
#define HAVE_BROKEN_POLL 1
#define HAVE_DECL_TZNAME 0
/* #undef HOST_ONLY */
#define PLATLIBDIR \"lib\"
#define _GNU_SOURCE 1
/* #undef _REENTRANT */
/* #undef off_t */
# define WORDS_BIGENDIAN 1
#endif
";
        assert_eq!(derive(template, &variables), expected);
    }

    proptest! {
        #[test]
        fn no_value_of_the_host_stays(lines in proptest::collection::vec("#define [A-Z][A-Z_0-9]{1,9} host", 0..9)) {
            let derived = derive(&lines.join("\n"), &Variables::new());
            prop_assert!(!derived.contains("host"));
            prop_assert_eq!(derived.lines().count(), lines.len());
        }
    }
}
