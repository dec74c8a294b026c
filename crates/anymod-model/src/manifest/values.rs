//! Values of the manifest: text with its place, words with a meaning, and what a source file's extension says.

use std::ops::Range;

/// A value and where the manifest says it; `None` for what is built in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Byte range in the manifest.
    pub span: Option<Range<usize>>,
}

/// Declares an enum of words, each with its spelling and meaning.
macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal, $meaning:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $meaning] $variant,)*
        }

        impl $name {
            /// Every word with its meaning, in order.
            pub const CHOICES: &'static [(&'static str, &'static str)] = &[$(($word, $meaning)),*];

            /// The word.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            /// Looks a word up.
            #[must_use]
            pub fn from_name(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }
    };
}

pub(super) use choices;

choices! {
    /// How the runtime represents `float` (`MICROPY_FLOAT_IMPL` in MicroPython's `py/mpconfig.h`).
    FloatModel {
        None = "none", "There is no `float`.";
        Float = "float", "Single precision.";
        Double = "double", "Double precision.";
    }
}

choices! {
    /// What to do with `.data` and `.bss`, for which a `.mpy` file has no place of their own.
    StaticData {
        InText = "in-text", "Place them inside the code, which the loader must leave writable.";
        Refuse = "refuse", "Report them as an error.";
    }
}

choices! {
    /// Instruction set extensions that a `.mpy` header can ask for (`--arch-flags` of MicroPython 1.28 and later).
    ArchFlag {
        Zba = "zba", "RISC-V address generation instructions (rv32imc).";
        Zcmp = "zcmp", "RISC-V compressed push and pop instructions (rv32imc).";
    }
}

impl ArchFlag {
    /// The extension's bit in the header's flags (`py/persistentcode.h`, `MP_NATIVE_ARCH_FLAG_*` by architecture).
    #[must_use]
    pub fn bit(self) -> u64 {
        1 << self as u64
    }
}

choices! {
    /// A family of compilers.
    ToolchainKind {
        Gnu = "gnu", "GCC and binutils for the target, as distributions package them.";
        Zig = "zig", "The clang inside Zig, one download for nearly all targets.";
    }
}

choices! {
    /// What a source file is, told by its extension.
    SourceKind {
        C = "C", "C, compiled.";
        Cxx = "C++", "C++, compiled.";
        Asm = "assembler", "Assembler, assembled as it is.";
        AsmCpp = "assembler with preprocessing", "Assembler, preprocessed and assembled.";
        Python = "Python", "Python, compiled to bytecode.";
        Object = "object", "An object, linked as it is.";
        Archive = "archive", "An archive, of which the needed members are linked.";
    }
}

impl SourceKind {
    /// Every known extension, without its dot. Letter case matters: `.S` is preprocessed, `.s` is not.
    pub const EXTENSIONS: &'static [(&'static str, SourceKind)] = &[
        ("c", SourceKind::C),
        ("cc", SourceKind::Cxx),
        ("cpp", SourceKind::Cxx),
        ("cxx", SourceKind::Cxx),
        ("s", SourceKind::Asm),
        ("S", SourceKind::AsmCpp),
        ("sx", SourceKind::AsmCpp),
        ("py", SourceKind::Python),
        ("o", SourceKind::Object),
        ("obj", SourceKind::Object),
        ("a", SourceKind::Archive),
    ];

    /// What the file at `path` is, or `None` if its extension is not known.
    #[must_use]
    pub fn of(path: &str) -> Option<SourceKind> {
        let extension = extension(path)?;
        SourceKind::EXTENSIONS.iter().find(|row| row.0 == extension).map(|row| row.1)
    }

    /// The known extensions as a phrase for messages.
    #[must_use]
    pub fn known() -> String {
        let extensions: Vec<String> =
            SourceKind::EXTENSIONS.iter().map(|row| format!("`.{}`", row.0)).collect();
        extensions.join(", ")
    }
}

/// The text after the last dot of a path's last component, if the dot does not begin it.
pub(super) fn extension(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty()).then_some(extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_tell_the_kind() {
        assert_eq!(SourceKind::of("src/a.b/main.c"), Some(SourceKind::C));
        assert_eq!(SourceKind::of("x.S"), Some(SourceKind::AsmCpp));
        assert_eq!(SourceKind::of("x.s"), Some(SourceKind::Asm));
        assert_eq!(SourceKind::of(".c"), None);
        assert_eq!(SourceKind::of("a.c/readme"), None);
        assert_eq!(SourceKind::of("a.h"), None);
    }

    #[test]
    fn words_round_trip() {
        for (word, _) in StaticData::CHOICES {
            assert_eq!(StaticData::from_name(word).map(StaticData::name), Some(*word));
        }
        assert_eq!(ArchFlag::from_name("zfoo"), None);
    }
}
