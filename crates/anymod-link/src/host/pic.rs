//! Position independence: what the relocations of an object say about the outputs that it can be linked into.
//!
//! The table is one of facts, from the machines' psABIs and from what linkers refuse. A PC-relative relocation is the one kind
//! whose meaning depends on more than itself: it needs a symbol that nobody can replace, which whoever knows all symbols decides.

/// How a library can be linked, from everywhere to nearly nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Into anything.
    Pic,
    /// Into anything by bfd and mold, which then leave code to be patched when loaded; lld refuses.
    TextRelocations,
    /// Into programs; into a shared object only with its symbols hidden (`--exclude-libs`).
    Pie,
    /// Into programs only.
    Program,
    /// Into programs at a fixed address only (`-no-pie`).
    Fixed,
}

impl Class {
    /// The word in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Class::Pic => "pic",
            Class::TextRelocations => "text-relocations",
            Class::Pie => "pie",
            Class::Program => "program",
            Class::Fixed => "fixed",
        }
    }

    /// What it means, in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Class::Pic => "into any output",
            Class::TextRelocations => "into any output, with text relocations that lld refuses",
            Class::Pie => "into programs; into a shared object only with `--exclude-libs`",
            Class::Program => "into programs, never into a shared object",
            Class::Fixed => "into programs linked with `-no-pie`, never into a shared object",
        }
    }

    /// Whether bfd links the whole archive into a shared object as it is.
    #[must_use]
    pub fn goes_into_shared(self) -> bool {
        self <= Class::TextRelocations
    }
}

/// A relocation that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// Name of its type.
    pub relocation: &'static str,
    /// Symbol that it is for; none for one of the object's own.
    pub symbol: Option<&'a str>,
    /// Section that it applies to.
    pub section: &'a str,
    /// Offset in it.
    pub offset: u64,
}

/// The first relocation of each kind that decides something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses<'a> {
    /// Holds an address that does not fit a program loaded anywhere.
    pub fixed: Option<Reference<'a>>,
    /// Holds an offset from the thread pointer that only a program knows.
    pub program: Option<Reference<'a>>,
    /// Would have the loader change read-only bytes.
    pub text: Option<Reference<'a>>,
    /// Distances, the first to each symbol that is not the object's own.
    pub relative: Vec<Reference<'a>>,
}

/// What a type of relocation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// An address of fewer bits than a pointer.
    Fixed,
    /// An offset from the thread pointer.
    Program,
    /// A whole address: fine where the loader may write.
    Address,
    /// A distance.
    Relative,
}

type Row = (u32, &'static str, Rule);

const X86_64: &[Row] = &[
    (1, "R_X86_64_64", Rule::Address),
    (2, "R_X86_64_PC32", Rule::Relative),
    (10, "R_X86_64_32", Rule::Fixed),
    (11, "R_X86_64_32S", Rule::Fixed),
    (12, "R_X86_64_16", Rule::Fixed),
    (13, "R_X86_64_PC16", Rule::Relative),
    (14, "R_X86_64_8", Rule::Fixed),
    (15, "R_X86_64_PC8", Rule::Relative),
    (23, "R_X86_64_TPOFF32", Rule::Program),
];

const I386: &[Row] = &[
    (1, "R_386_32", Rule::Address),
    (2, "R_386_PC32", Rule::Address),
    (17, "R_386_TLS_LE", Rule::Program),
    (34, "R_386_TLS_LE_32", Rule::Program),
];

const ARM: &[Row] = &[
    (2, "R_ARM_ABS32", Rule::Address),
    (3, "R_ARM_REL32", Rule::Relative),
    (43, "R_ARM_MOVW_ABS_NC", Rule::Fixed),
    (44, "R_ARM_MOVT_ABS", Rule::Fixed),
    (45, "R_ARM_MOVW_PREL_NC", Rule::Relative),
    (47, "R_ARM_THM_MOVW_ABS_NC", Rule::Fixed),
    (48, "R_ARM_THM_MOVT_ABS", Rule::Fixed),
    (49, "R_ARM_THM_MOVW_PREL_NC", Rule::Relative),
    (108, "R_ARM_TLS_LE32", Rule::Program),
    (110, "R_ARM_TLS_LE12", Rule::Program),
];

const AARCH64: &[Row] = &[
    (257, "R_AARCH64_ABS64", Rule::Address),
    (258, "R_AARCH64_ABS32", Rule::Fixed),
    (259, "R_AARCH64_ABS16", Rule::Fixed),
    (263, "R_AARCH64_MOVW_UABS_G0", Rule::Fixed),
    (265, "R_AARCH64_MOVW_UABS_G1", Rule::Fixed),
    (267, "R_AARCH64_MOVW_UABS_G2", Rule::Fixed),
    (269, "R_AARCH64_MOVW_UABS_G3", Rule::Fixed),
    (274, "R_AARCH64_ADR_PREL_LO21", Rule::Relative),
    (275, "R_AARCH64_ADR_PREL_PG_HI21", Rule::Relative),
    (276, "R_AARCH64_ADR_PREL_PG_HI21_NC", Rule::Relative),
    (549, "R_AARCH64_TLSLE_ADD_TPREL_HI12", Rule::Program),
    (550, "R_AARCH64_TLSLE_ADD_TPREL_LO12", Rule::Program),
    (551, "R_AARCH64_TLSLE_ADD_TPREL_LO12_NC", Rule::Program),
];

const RISCV: &[Row] = &[
    (1, "R_RISCV_32", Rule::Address),
    (2, "R_RISCV_64", Rule::Address),
    (23, "R_RISCV_PCREL_HI20", Rule::Relative),
    (26, "R_RISCV_HI20", Rule::Fixed),
    (29, "R_RISCV_TPREL_HI20", Rule::Program),
];

/// What is known of each machine, by `e_machine`.
const MACHINES: &[(u16, &[Row])] =
    &[(3, I386), (40, ARM), (62, X86_64), (183, AARCH64), (243, RISCV)];

/// The deciding types of a machine; none if nothing is known of it.
pub(super) fn rules(machine: u16) -> Option<&'static [Row]> {
    MACHINES.iter().find(|(number, _)| *number == machine).map(|(_, rows)| *rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_named_for_their_machine() {
        for (machine, rows) in MACHINES {
            assert!(rows.is_sorted_by_key(|row| row.0), "{machine}");
            let names: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.1).collect();
            assert_eq!(names.len(), rows.len(), "{machine}");
        }
    }

    #[test]
    fn classes_go_from_wide_to_narrow() {
        assert!(Class::Pic < Class::Pie && Class::Pie < Class::Program);
        assert!(Class::TextRelocations.goes_into_shared() && !Class::Pie.goes_into_shared());
    }
}
