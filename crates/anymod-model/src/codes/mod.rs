//! Stable diagnostic codes, one table per room. A code's number never changes its meaning and is never used again.
//!
//! `anymod explain CODE` prints a row; `docs/reference/codes.md` is generated from all of them.

pub mod artifact;
pub mod audit;
pub mod build;
pub mod intercept;
pub mod link;
pub mod manifest;
pub mod node;
pub mod pack;
pub mod probe;
pub mod remote;
pub mod settings;
pub mod split;
pub mod store;
pub mod toolchain;
pub mod wasm;
pub mod wheel;

/// One code.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// A letter for the room and four digits, for instance `L0101`.
    pub id: &'static str,
    /// What is wrong, a few words.
    pub title: &'static str,
    /// Why it is an error and how to mend it, in plain sentences.
    pub text: &'static str,
    /// Exit code of a command that ends with it, one of [`EXIT_CODES`].
    pub exit: u8,
}

/// Every exit code of the command and what it means.
pub const EXIT_CODES: [(u8, &str); 7] = [
    (0, "success"),
    (1, "findings: something in the input is wrong and the messages say what"),
    (2, "the command line or the manifest is wrong"),
    (3, "a toolchain or a runtime is missing; the message names the command that installs it"),
    (4, "an external tool failed; its own output is shown"),
    (70, "a bug in anymod"),
    (130, "the run was interrupted, for instance with Ctrl-C"),
];

/// Declares the codes of a room: each a `static`, and `ALL` listing them in order.
macro_rules! codes {
    ($($name:ident = $id:literal, exit $exit:literal, $title:literal, $text:literal;)*) => {
        $(
            #[doc = $title]
            pub static $name: $crate::codes::Code =
                $crate::codes::Code { id: $id, title: $title, text: $text, exit: $exit };
        )*
        /// Every code of this room.
        pub static ALL: &[&$crate::codes::Code] = &[$(&$name),*];
    };
}
pub(crate) use codes;

/// Every code of every room, in the order of the rooms.
pub fn all() -> impl Iterator<Item = &'static Code> {
    [
        manifest::ALL,
        settings::ALL,
        toolchain::ALL,
        build::ALL,
        intercept::ALL,
        store::ALL,
        remote::ALL,
        artifact::ALL,
        link::ALL,
        wasm::ALL,
        pack::ALL,
        wheel::ALL,
        audit::ALL,
        node::ALL,
        probe::ALL,
        split::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Looks a code up by its id, in any letter case.
#[must_use]
pub fn find(id: &str) -> Option<&'static Code> {
    all().find(|code| code.id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_well_formed() {
        let mut seen = std::collections::BTreeSet::new();
        for code in all() {
            assert!(seen.insert(code.id), "{} is used twice", code.id);
            assert_eq!(code.id.len(), 5, "{}", code.id);
            assert!(!code.text.is_empty() && !code.title.ends_with('.'), "{}", code.id);
            let known = EXIT_CODES.iter().any(|(exit, _)| *exit == code.exit);
            assert!(known && code.exit != 0, "{}", code.id);
        }
    }
}
