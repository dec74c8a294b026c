//! Objects to link, written with the `object` crate.

use anymod_link::mpy::{Input, Linked, Options, link};
use anymod_model::{Arch, Diagnostics};
use object::write::{Comdat, Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, ComdatKind, Endianness, RelocationFlags, SectionKind, SymbolFlags,
    SymbolKind, SymbolScope, elf,
};

/// An object under construction.
pub(crate) struct Maker(pub(crate) Object<'static>);

pub(crate) fn architecture(arch: Arch) -> Architecture {
    match arch {
        Arch::X86 => Architecture::I386,
        Arch::X64 => Architecture::X86_64,
        Arch::Armv6m | Arch::Armv7m | Arch::Armv7emsp | Arch::Armv7emdp => Architecture::Arm,
        Arch::Xtensa | Arch::Xtensawin => Architecture::Xtensa,
        Arch::Rv32imc => Architecture::Riscv32,
        Arch::Rv64imc => Architecture::Riscv64,
    }
}

/// A function that returns at once.
pub(crate) fn return_code(arch: Arch) -> &'static [u8] {
    match arch {
        Arch::X86 | Arch::X64 => &[0xc3, 0x90, 0x90, 0x90],
        Arch::Armv6m | Arch::Armv7m | Arch::Armv7emsp | Arch::Armv7emdp => &[0x70, 0x47, 0, 0xbf],
        Arch::Xtensa => &[0x0d, 0xf0, 0, 0],
        Arch::Xtensawin => &[0x1d, 0xf0, 0, 0],
        Arch::Rv32imc | Arch::Rv64imc => &[0x82, 0x80, 0x01, 0x00],
    }
}

impl Maker {
    pub(crate) fn new(arch: Arch) -> Maker {
        Maker(Object::new(BinaryFormat::Elf, architecture(arch), Endianness::Little))
    }

    /// With `mpy_init` in `.text.mpy_init`, which returns at once.
    pub(crate) fn with_entry(arch: Arch) -> Maker {
        let mut maker = Maker::new(arch);
        let text = maker.text(".text.mpy_init", return_code(arch));
        maker.function("mpy_init", text, 0);
        maker
    }

    pub(crate) fn section(
        &mut self,
        name: &str,
        kind: SectionKind,
        data: &[u8],
        align: u64,
    ) -> SectionId {
        let id = self.0.add_section(Vec::new(), name.into(), kind);
        if kind.is_bss() {
            self.0.append_section_bss(id, data.len() as u64, align);
        } else {
            self.0.append_section_data(id, data, align);
        }
        id
    }

    pub(crate) fn text(&mut self, name: &str, code: &[u8]) -> SectionId {
        self.section(name, SectionKind::Text, code, 4)
    }

    pub(crate) fn symbol(&mut self, name: &str, section: SymbolSection, value: u64) -> Symbol {
        Symbol {
            name: name.into(),
            value,
            size: 0,
            kind: SymbolKind::Data,
            scope: SymbolScope::Linkage,
            weak: false,
            section,
            flags: SymbolFlags::None,
        }
    }

    pub(crate) fn function(&mut self, name: &str, section: SectionId, value: u64) -> SymbolId {
        let symbol = self.symbol(name, SymbolSection::Section(section), value);
        self.0.add_symbol(Symbol { kind: SymbolKind::Text, ..symbol })
    }

    pub(crate) fn weak(&mut self, name: &str, section: SectionId, value: u64) -> SymbolId {
        let symbol = self.symbol(name, SymbolSection::Section(section), value);
        self.0.add_symbol(Symbol { weak: true, ..symbol })
    }

    pub(crate) fn data(&mut self, name: &str, section: SectionId, value: u64) -> SymbolId {
        let symbol = self.symbol(name, SymbolSection::Section(section), value);
        self.0.add_symbol(symbol)
    }

    pub(crate) fn local(&mut self, name: &str, section: SectionId, value: u64) -> SymbolId {
        let symbol = self.symbol(name, SymbolSection::Section(section), value);
        self.0.add_symbol(Symbol { scope: SymbolScope::Compilation, ..symbol })
    }

    pub(crate) fn undefined(&mut self, name: &str) -> SymbolId {
        let symbol = self.symbol(name, SymbolSection::Undefined, 0);
        self.0.add_symbol(Symbol { kind: SymbolKind::Unknown, ..symbol })
    }

    pub(crate) fn undefined_weak(&mut self, name: &str) -> SymbolId {
        let symbol = self.symbol(name, SymbolSection::Undefined, 0);
        self.0.add_symbol(Symbol { kind: SymbolKind::Unknown, weak: true, ..symbol })
    }

    pub(crate) fn common(&mut self, name: &str, size: u64, align: u64) -> SymbolId {
        let symbol = self.symbol(name, SymbolSection::Common, 0);
        self.0.add_common_symbol(symbol, size, align)
    }

    pub(crate) fn comdat(&mut self, signature: SymbolId, section: SectionId) {
        let comdat = Comdat { kind: ComdatKind::Any, symbol: signature, sections: vec![section] };
        self.0.add_comdat(comdat);
    }

    pub(crate) fn relocation(
        &mut self,
        at: (SectionId, u64),
        kind: u32,
        symbol: SymbolId,
        addend: i64,
    ) {
        let flags = RelocationFlags::Elf { r_type: elf::RelocationType(kind) };
        let (section, offset) = at;
        let relocation = Relocation { offset, symbol, addend, flags };
        self.0.add_relocation(section, relocation).unwrap();
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.write().unwrap()
    }
}

/// The entry and one function-sized section that calls or names `symbol` from `mpy_init`'s own section.
pub(crate) fn entry_naming(
    arch: Arch,
    kind: u32,
    symbol: &str,
    code: &[u8],
    offset: u64,
    addend: i64,
) -> Maker {
    let mut maker = Maker::new(arch);
    let text = maker.text(".text.mpy_init", code);
    maker.function("mpy_init", text, 0);
    let target = maker.undefined(symbol);
    maker.relocation((text, offset), kind, target, addend);
    maker
}

pub(crate) fn options(arch: Arch) -> Options {
    Options::new(arch, "test.mpy")
}

pub(crate) fn inputs<'a>(files: &'a [(&str, Vec<u8>)]) -> Vec<Input<'a>> {
    let input = |(name, data): &'a (&str, Vec<u8>)| Input { name: (*name).into(), data };
    files.iter().map(input).collect()
}

/// Links objects alone.
pub(crate) fn link_objects(makers: &[Maker], options: &Options) -> Result<Linked, Diagnostics> {
    let names = ["a.o", "b.o", "c.o", "d.o"];
    let files: Vec<(&str, Vec<u8>)> =
        names.into_iter().zip(makers.iter().map(Maker::bytes)).collect();
    link(&inputs(&files), &[], options)
}

pub(crate) fn codes(result: Result<Linked, Diagnostics>) -> Vec<&'static str> {
    match result {
        Ok(_) => Vec::new(),
        Err(findings) => findings.0.iter().map(|finding| finding.code.id).collect(),
    }
}

/// The code blob of a module whose names are fixed and few: what follows the first length.
pub(crate) fn text(linked: &Linked) -> Vec<u8> {
    use anymod_model::mpy::read_uint;
    let file = &linked.mpy;
    let mut at = 4;
    let next = |at: &mut usize| {
        let (value, end) = read_uint(file, *at).unwrap();
        *at = end;
        value
    };
    let names = next(&mut at);
    next(&mut at);
    for _ in 0..names {
        let length = next(&mut at);
        if length & 1 == 0 {
            at += (length >> 1) as usize + 1;
        }
    }
    let length = (next(&mut at) >> 3) as usize;
    file[at..at + length].to_vec()
}
