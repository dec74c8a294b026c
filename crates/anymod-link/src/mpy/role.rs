//! What a section is for, from its type, flags and name.
//!
//! Types and flags: gABI, "Sections". The names of unwind tables come from the ARM EHABI and the x86-64 psABI.

use object::elf as constants;

use super::arch::isa;
use super::options::Options;
use super::program::Role;
use crate::read::elf::Section;

/// Sections that are loaded in other systems but serve only unwinders, debuggers and profilers.
const UNLOADED: [&str; 7] = [
    ".eh_frame",
    ".ARM.exidx",
    ".ARM.extab",
    ".gcc_except_table",
    ".note",
    ".stack_sizes",
    ".fini",
];

/// The role of a section.
pub(crate) fn of(section: &Section<'_>, options: &Options) -> Role {
    let has_literals = isa(options.arch).has_literals;
    match options.compat {
        Some(_) => compatible(section, has_literals),
        None => role(section, has_literals),
    }
}

fn role(section: &Section<'_>, has_literals: bool) -> Role {
    let has = |flag: constants::SectionFlags| section.flags & flag.0 != 0;
    let kind = constants::SectionType(section.kind);
    if !has(constants::SHF_ALLOC) || kind == constants::SHT_NOTE {
        Role::Ignored
    } else if has(constants::SHF_TLS) {
        Role::ThreadLocal
    } else if kind == constants::SHT_INIT_ARRAY
        || kind == constants::SHT_PREINIT_ARRAY
        || section.name.starts_with(".init_array")
        || section.name.starts_with(".preinit_array")
        || section.name.starts_with(".ctors")
    {
        Role::Constructors
    } else if kind == constants::SHT_FINI_ARRAY
        || section.name.starts_with(".dtors")
        || UNLOADED.iter().any(|prefix| section.name.starts_with(prefix))
    {
        Role::Ignored
    } else if has_literals && section.name.starts_with(".literal") {
        Role::Literal
    } else if has(constants::SHF_EXECINSTR) {
        Role::Text
    } else if kind == constants::SHT_NOBITS {
        Role::Bss
    } else if !has(constants::SHF_WRITE) {
        Role::Rodata
    } else if section.name.starts_with(".data.rel.ro") {
        Role::RelocatedRodata
    } else {
        Role::Data
    }
}

/// The same as MicroPython's linker sees it: by the name alone.
fn compatible(section: &Section<'_>, has_literals: bool) -> Role {
    let kind = constants::SectionType(section.kind);
    let starts = |prefix: &str| section.name.starts_with(prefix);
    if kind != constants::SHT_PROGBITS && kind != constants::SHT_NOBITS {
        match role(section, has_literals) {
            Role::Constructors => Role::Constructors,
            _ => Role::Ignored,
        }
    } else if section.size == 0 {
        Role::Ignored
    } else if has_literals && starts(".literal") {
        Role::Literal
    } else if starts(".text") {
        Role::Text
    } else if starts(".rodata") {
        Role::Rodata
    } else if starts(".data.rel.ro") {
        Role::RelocatedRodata
    } else if starts(".bss") {
        Role::Bss
    } else if starts(".data") {
        Role::Data
    } else {
        Role::Ignored
    }
}
