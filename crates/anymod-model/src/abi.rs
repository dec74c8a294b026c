//! Which `.mpy` version and which `mp_fun_table` indices each MicroPython release has.
//!
//! Sources: `py/persistentcode.h` (`MPY_VERSION`, `MPY_SUB_VERSION`) and `py/nativeglue.h` (`mp_fun_table_t`) of the
//! releases named. Pure bytecode files always carry sub-version 0; only native code is bound to one.

use crate::arch::Arch;

/// A native ABI: the oldest MicroPython release of a range whose loaders accept the same native code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Abi {
    /// MicroPython 1.19: version 6.0.
    V1_19,
    /// MicroPython 1.20 and 1.21: version 6.1.
    V1_20,
    /// MicroPython 1.22: version 6.2.
    V1_22,
    /// MicroPython 1.23 and later: version 6.3.
    V1_23,
}

impl Abi {
    /// The newest ABI known; what `latest` means.
    pub const LATEST: Abi = Abi::V1_23;

    /// Major version in the header's second byte; 6 for every ABI known here.
    pub const VERSION: u8 = 6;

    /// Reads a release such as `1.25` or `1.22.2`, or `latest`. Releases before 1.19 are not known.
    #[must_use]
    pub fn parse(text: &str) -> Option<Abi> {
        if text == "latest" {
            return Some(Abi::LATEST);
        }
        let mut parts = text.trim_start_matches('v').split('.');
        let major: u32 = parts.next()?.parse().ok()?;
        let minor: u32 = parts.next()?.parse().ok()?;
        if let Some(patch) = parts.next() {
            patch.parse::<u32>().ok()?;
        }
        if major != 1 || parts.next().is_some() {
            return None;
        }
        (minor >= 19).then(|| Abi::of_minor(minor))
    }

    /// The ABI of release 1.`minor`, the oldest known for those before 1.19.
    fn of_minor(minor: u32) -> Abi {
        match minor {
            0..=19 => Abi::V1_19,
            20 | 21 => Abi::V1_20,
            22 => Abi::V1_22,
            23.. => Abi::V1_23,
        }
    }

    /// The first ABI of which some release can load an architecture's code (`ArchInfo::since`).
    #[must_use]
    pub fn first_with(arch: Arch) -> Abi {
        let (_, minor) = arch.info().since;
        Abi::of_minor(minor.into())
    }

    /// Sub-version of native code, bits 0..2 of the header's third byte.
    #[must_use]
    pub fn sub_version(self) -> u8 {
        self as u8
    }

    /// The ABI of a sub-version.
    #[must_use]
    pub fn from_sub_version(sub: u8) -> Option<Abi> {
        [Abi::V1_19, Abi::V1_20, Abi::V1_22, Abi::V1_23]
            .into_iter()
            .find(|abi| abi.sub_version() == sub)
    }

    /// The releases whose loaders accept this ABI, for messages.
    #[must_use]
    pub fn releases(self) -> &'static str {
        match self {
            Abi::V1_19 => "1.19",
            Abi::V1_20 => "1.20 to 1.21",
            Abi::V1_22 => "1.22",
            Abi::V1_23 => "1.23 and later",
        }
    }

    /// Index in `mp_fun_table` of a symbol that native code may name directly, or `None` if this ABI has no such entry.
    #[must_use]
    pub fn fun_table_index(self, symbol: &str) -> Option<u8> {
        match symbol {
            "memset" => return Some(Abi::MEMSET),
            "memmove" => return Some(Abi::MEMMOVE),
            _ => {}
        }
        let (base, names): (u8, &[&str]) = match self {
            Abi::V1_23 => (73, &FUN_TABLE_TYPES),
            _ => (67, &FUN_TABLE_TYPES_BEFORE_1_23),
        };
        let position = names.iter().position(|name| *name == symbol)?;
        u8::try_from(position).ok().map(|position| base + position)
    }

    /// Index of `memset_`.
    pub const MEMSET: u8 = 50;
    /// Index of `memmove_`.
    pub const MEMMOVE: u8 = 51;
}

/// Object symbols at the end of `mp_fun_table` from 1.23 on, in table order.
const FUN_TABLE_TYPES: [&str; 14] = [
    "mp_type_type",
    "mp_type_str",
    "mp_type_list",
    "mp_type_dict",
    "mp_type_fun_builtin_0",
    "mp_type_fun_builtin_1",
    "mp_type_fun_builtin_2",
    "mp_type_fun_builtin_3",
    "mp_type_fun_builtin_var",
    "mp_type_Exception",
    "mp_stream_read_obj",
    "mp_stream_readinto_obj",
    "mp_stream_unbuffered_readline_obj",
    "mp_stream_write_obj",
];

/// The same before 1.23, which had no `mp_type_Exception`.
const FUN_TABLE_TYPES_BEFORE_1_23: [&str; 13] = [
    "mp_type_type",
    "mp_type_str",
    "mp_type_list",
    "mp_type_dict",
    "mp_type_fun_builtin_0",
    "mp_type_fun_builtin_1",
    "mp_type_fun_builtin_2",
    "mp_type_fun_builtin_3",
    "mp_type_fun_builtin_var",
    "mp_stream_read_obj",
    "mp_stream_readinto_obj",
    "mp_stream_unbuffered_readline_obj",
    "mp_stream_write_obj",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_map_to_sub_versions() {
        let sub = |text| Abi::parse(text).map(Abi::sub_version);
        assert_eq!(sub("1.19"), Some(0));
        assert_eq!(sub("1.21.0"), Some(1));
        assert_eq!(sub("1.22.2"), Some(2));
        assert_eq!(sub("1.23"), Some(3));
        assert_eq!(sub("latest"), Some(3));
        assert_eq!(sub("1.18"), None);
        assert_eq!(sub("2.0"), None);
        assert_eq!(sub("1.x"), None);
    }

    #[test]
    fn architectures_come_with_a_release() {
        assert_eq!(Abi::first_with(Arch::X64), Abi::V1_19);
        assert_eq!(Abi::first_with(Arch::Rv32imc), Abi::V1_23);
    }

    #[test]
    fn type_indices_move_with_the_release() {
        assert_eq!(Abi::V1_22.fun_table_index("mp_type_type"), Some(67));
        assert_eq!(Abi::V1_23.fun_table_index("mp_type_type"), Some(73));
        assert_eq!(Abi::V1_22.fun_table_index("mp_type_Exception"), None);
        assert_eq!(Abi::V1_23.fun_table_index("mp_stream_write_obj"), Some(86));
        assert_eq!(Abi::V1_19.fun_table_index("memset"), Some(50));
    }
}
