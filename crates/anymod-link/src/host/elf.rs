//! ELF files of both classes and byte orders as one view: headers of sections, symbols, relocations.
//!
//! Layout and names: System V gABI, chapters 4 and 5. What differs between the classes ends here.

use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{
    FileHeader, Rel as _, Rela as _, SectionHeader as _, SectionTable, Sym as _, SymbolTable,
};
use object::{Endianness, SectionIndex, SymbolIndex};

use super::Fault;

/// What a file is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine {
    /// `e_machine`.
    pub number: u16,
    /// ELFCLASS64.
    pub is_64: bool,
    /// ELFDATA2MSB.
    pub is_big_endian: bool,
}

/// The machines that the messages know by name, as `e_machine`.
const MACHINES: &[(u16, &str)] = &[
    (3, "i386"),
    (8, "mips"),
    (20, "ppc"),
    (21, "ppc64"),
    (22, "s390x"),
    (40, "arm"),
    (62, "x86-64"),
    (183, "aarch64"),
    (243, "riscv"),
    (258, "loongarch"),
];

impl std::fmt::Display for Machine {
    /// For instance `x86-64`, `ppc64, big-endian` or `machine 94, 32-bit`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = MACHINES.iter().find(|(number, _)| *number == self.number);
        match name {
            Some((_, name)) => f.write_str(name)?,
            None => write!(f, "machine {}", self.number)?,
        }
        if !self.is_64 {
            f.write_str(", 32-bit")?;
        }
        if self.is_big_endian {
            f.write_str(", big-endian")?;
        }
        Ok(())
    }
}

/// `STB_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Seen in its own object only.
    Local,
    /// One definition in a program.
    Strong,
    /// A definition that gives way, or a reference that may stay without one.
    Weak,
    /// One in the whole process, whoever loads it.
    Unique,
}

/// `STV_*`, from the widest to the narrowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Visibility {
    /// Offered to others, and can be replaced by one of theirs.
    Default,
    /// Offered to others; the file itself uses its own.
    Protected,
    /// For the file alone.
    Hidden,
    /// For the file alone, and never called from outside even by address.
    Internal,
}

impl Visibility {
    /// The name in assembly.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Visibility::Default => "default",
            Visibility::Protected => "protected",
            Visibility::Hidden => "hidden",
            Visibility::Internal => "internal",
        }
    }

    /// Whether a linker can put the symbol into `.dynsym`.
    #[must_use]
    pub fn is_exportable(self) -> bool {
        self <= Visibility::Protected
    }
}

/// `STT_*`, as far as it matters to a linker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// A function, also one that is picked when the program starts.
    Function,
    /// A variable or constant.
    Object,
    /// A variable of which each thread has its own.
    ThreadLocal,
    /// The source of the local symbols that follow; without a name, of none.
    Source,
    /// Nothing is said.
    Other,
}

/// Where a symbol is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// Elsewhere.
    Undefined,
    /// At a fixed address.
    Absolute,
    /// Nowhere yet: a tentative definition of C.
    Common,
    /// In a section, by its index.
    Section(u32),
}

/// A named symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Name, without a version.
    pub name: &'a str,
    /// Binding.
    pub binding: Binding,
    /// Visibility.
    pub visibility: Visibility,
    /// Kind.
    pub kind: SymbolKind,
    /// Where it is.
    pub home: Home,
    /// Bytes, 0 if nothing is said.
    pub size: u64,
    /// Index in its table.
    pub index: u32,
}

impl Symbol<'_> {
    /// Whether it is used here and has to come from elsewhere.
    #[must_use]
    pub fn is_undefined(&self) -> bool {
        self.home == Home::Undefined
    }
}

/// A section's header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section<'a> {
    pub(crate) name: &'a str,
    /// `SHT_*`.
    pub(crate) kind: u32,
    /// `SHF_*`.
    pub(crate) flags: u64,
    /// Bytes in memory.
    pub(crate) size: u64,
    /// Offset in the file.
    pub(crate) offset: u64,
    /// What the address is a multiple of.
    pub(crate) align: u64,
}

impl Section<'_> {
    /// Whether it is part of the running program.
    pub(crate) fn is_loaded(&self) -> bool {
        self.flags & elf::SHF_ALLOC.0 != 0
    }

    pub(crate) fn is_writable(&self) -> bool {
        self.flags & elf::SHF_WRITE.0 != 0
    }

    /// Whether it stays writable for the program: not thread-local, and not made read-only once relocated.
    pub(crate) fn is_state(&self) -> bool {
        /// Sections that linkers cover with `PT_GNU_RELRO`.
        const RELRO: [&str; 6] =
            [".data.rel.ro", ".init_array", ".fini_array", ".preinit_array", ".ctors", ".dtors"];
        /// Those of finished files.
        const TABLES: [&str; 3] = [".dynamic", ".got", ".got.plt"];
        let covered = |start: &str| {
            let rest = self.name.strip_prefix(start);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.is_loaded()
            && self.is_writable()
            && self.flags & elf::SHF_TLS.0 == 0
            && !RELRO.iter().any(|start| covered(start))
            && !TABLES.contains(&self.name)
    }
}

/// Bytes that cannot change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constants<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// What their address is a multiple of.
    pub align: u64,
}

/// One relocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relocation {
    /// Offset in the section that it applies to.
    pub(crate) offset: u64,
    /// Type, numbered by the machine's psABI.
    pub(crate) kind: u32,
    /// Index of the symbol, 0 for none.
    pub(crate) symbol: u32,
}

/// A file of one class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File<'a, E: FileHeader<Endian = Endianness>> {
    pub(crate) header: &'a E,
    pub(crate) endian: Endianness,
    pub(crate) sections: SectionTable<'a, E>,
    pub(crate) data: &'a [u8],
}

/// A symbol table, `SHT_SYMTAB` or `SHT_DYNSYM`; without an entry if the file has none.
pub(crate) struct Symbols<'a, E: FileHeader<Endian = Endianness>> {
    table: SymbolTable<'a, E>,
    endian: Endianness,
    /// All names in one, if they are text, so that not each of them has to be looked through for what is none.
    text: Option<&'a str>,
    /// Where it is in the file.
    offset: u64,
}

/// The class of a file: what its fifth byte says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Elf32,
    Elf64,
}

/// A file header of 32 bits, of either byte order.
pub(crate) type Elf32 = FileHeader32<Endianness>;
/// The same of 64 bits.
pub(crate) type Elf64 = FileHeader64<Endianness>;

/// The class of bytes that begin like an ELF file.
pub(crate) fn class(data: &[u8]) -> Result<Class, Fault> {
    match data.get(4) {
        Some(1) => Ok(Class::Elf32),
        Some(2) => Ok(Class::Elf64),
        Some(_) => Err(Fault::new("the ELF header names no known class", 4)),
        None => Err(Fault::new("the ELF header is cut off", data.len() as u64)),
    }
}

/// What a file is made for, as its header says.
pub(crate) fn machine(data: &[u8]) -> Option<Machine> {
    fn of<E: FileHeader<Endian = Endianness>>(data: &[u8]) -> Option<Machine> {
        let header = E::parse(data).ok()?;
        Some(Machine {
            number: header.e_machine(header.endian().ok()?).0,
            is_64: header.is_class_64(),
            is_big_endian: header.is_big_endian(),
        })
    }
    match class(data).ok()? {
        Class::Elf32 => of::<Elf32>(data),
        Class::Elf64 => of::<Elf64>(data),
    }
}

/// Opens a file: its header and those of its sections.
pub(crate) fn open<E: FileHeader<Endian = Endianness>>(data: &[u8]) -> Result<File<'_, E>, Fault> {
    let fault = |error: object::read::Error, offset: u64| {
        Fault::new(format!("damaged ELF file: {}", error.to_string().to_lowercase()), offset)
    };
    let header = E::parse(data).map_err(|error| fault(error, 0))?;
    let endian = header.endian().map_err(|error| fault(error, 5))?;
    let table = header.e_shoff(endian).into();
    let sections = header.sections(endian, data).map_err(|error| fault(error, table))?;
    Ok(File { header, endian, sections, data })
}

impl<'a, E: FileHeader<Endian = Endianness>> File<'a, E> {
    pub(crate) fn machine(&self) -> Machine {
        Machine {
            number: self.header.e_machine(self.endian).0,
            is_64: self.header.is_class_64(),
            is_big_endian: self.header.is_big_endian(),
        }
    }

    /// An error of the format library as a fault at an offset.
    pub(crate) fn fault(what: &str, error: object::read::Error, offset: u64) -> Fault {
        Fault::new(format!("damaged {what}: {}", error.to_string().to_lowercase()), offset)
    }

    /// All section headers, the null section included.
    pub(crate) fn headers(&self) -> Result<Vec<Section<'a>>, Fault> {
        let table: u64 = self.header.e_shoff(self.endian).into();
        let rows = self.sections.iter().map(|header| {
            let name = self.sections.section_name(self.endian, header);
            let name = name.map_err(|error| Self::fault("section header", error, table))?;
            Ok(Section {
                name: std::str::from_utf8(name).unwrap_or("?"),
                kind: header.sh_type(self.endian).0,
                flags: header.sh_flags(self.endian).0,
                size: header.sh_size(self.endian).into(),
                offset: header.sh_offset(self.endian).into(),
                align: header.sh_addralign(self.endian).into(),
            })
        });
        rows.collect()
    }

    /// The bytes of a section that cannot change.
    pub(crate) fn constants(
        &self,
        index: usize,
        section: &Section<'_>,
    ) -> Result<Constants<'a>, Fault> {
        let bytes = self.bytes(index)?;
        Ok(Constants { bytes, align: section.align })
    }

    /// A section's bytes; none for one without any in the file.
    pub(crate) fn bytes(&self, index: usize) -> Result<&'a [u8], Fault> {
        let section = self.sections.section(SectionIndex(index));
        let section = section.map_err(|error| Self::fault("section table", error, 0))?;
        let offset = section.sh_offset(self.endian).into();
        section.data(self.endian, self.data).map_err(|error| Self::fault("section", error, offset))
    }

    /// The first symbol table of a kind.
    pub(crate) fn symbols(&self, kind: elf::SectionType) -> Result<Symbols<'a, E>, Fault> {
        let mut header = self.sections.iter().filter(|s| s.sh_type(self.endian) == kind);
        let offset = header.next().map_or(0, |header| header.sh_offset(self.endian).into());
        let table = self.sections.symbols(self.endian, self.data, kind);
        let table = table.map_err(|error| Self::fault("symbol table", error, offset))?;
        let names = self.bytes(table.string_section().0).unwrap_or_default();
        let text = std::str::from_utf8(names).ok();
        Ok(Symbols { table, endian: self.endian, text, offset })
    }

    /// Calls `take` for every relocation of an object that applies to a wanted section, with that section's index.
    pub(crate) fn relocations(
        &self,
        mut wanted: impl FnMut(usize) -> bool,
        mut take: impl FnMut(usize, Relocation),
    ) -> Result<(), Fault> {
        for header in self.sections.iter() {
            let kind = header.sh_type(self.endian);
            let target = header.sh_info(self.endian) as usize;
            if (kind == elf::SHT_REL || kind == elf::SHT_RELA) && wanted(target) {
                self.relocations_of(header, |relocation| take(target, relocation))?;
            }
        }
        Ok(())
    }

    /// Calls `take` for every relocation of one section of them.
    pub(crate) fn relocations_of(
        &self,
        header: &E::SectionHeader,
        mut take: impl FnMut(Relocation),
    ) -> Result<(), Fault> {
        let is_mips64el = self.header.is_mips64el(self.endian);
        let offset = header.sh_offset(self.endian).into();
        let fault = |error| Self::fault("relocations", error, offset);
        if let Some((rows, _)) = header.rel(self.endian, self.data).map_err(fault)? {
            for row in rows {
                take(Relocation {
                    offset: row.r_offset(self.endian).into(),
                    kind: row.r_type(self.endian).0,
                    symbol: row.r_sym(self.endian),
                });
            }
        }
        if let Some((rows, _)) = header.rela(self.endian, self.data).map_err(fault)? {
            for row in rows {
                take(Relocation {
                    offset: row.r_offset(self.endian).into(),
                    kind: row.r_type(self.endian, is_mips64el).0,
                    symbol: row.r_sym(self.endian, is_mips64el),
                });
            }
        }
        Ok(())
    }
}

impl<'a, E: FileHeader<Endian = Endianness>> Symbols<'a, E> {
    /// How many of the symbols have a name, or name a source, and are wanted: before a list is made of them, as of large
    /// libraries these lists are most of the memory.
    pub(crate) fn count(&self, wanted: impl Fn(&E::Sym) -> bool) -> usize {
        self.table.symbols().iter().filter(|entry| self.is_named(entry) && wanted(entry)).count()
    }

    /// Calls `take` for each of them.
    pub(crate) fn each(
        &self,
        wanted: impl Fn(&E::Sym) -> bool,
        mut take: impl FnMut(Symbol<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        for (index, entry) in self.table.enumerate() {
            if self.is_named(entry) && wanted(entry) {
                take(self.symbol(index, entry)?)?;
            }
        }
        Ok(())
    }

    /// A list of them.
    pub(crate) fn list(&self, wanted: impl Fn(&E::Sym) -> bool) -> Result<Vec<Symbol<'a>>, Fault> {
        let mut symbols = Vec::with_capacity(self.count(&wanted));
        self.each(wanted, |symbol| {
            symbols.push(symbol);
            Ok(())
        })?;
        Ok(symbols)
    }

    fn is_named(&self, entry: &E::Sym) -> bool {
        entry.st_name(self.endian) != 0 || entry.st_type() == elf::STT_FILE
    }

    fn symbol(&self, index: SymbolIndex, entry: &E::Sym) -> Result<Symbol<'a>, Fault> {
        let bytes = self.table.symbol_name(self.endian, entry);
        let bytes = bytes.map_err(|error| File::<E>::fault("symbol table", error, self.offset))?;
        let start = entry.st_name(self.endian) as usize;
        let known = self.text.and_then(|text| text.get(start..start.saturating_add(bytes.len())));
        let name = known.map_or_else(|| std::str::from_utf8(bytes), Ok).map_err(|_| {
            let at = self.offset.saturating_add((index.0 * size_of::<E::Sym>()) as u64);
            Fault::new("the name of a symbol is no text", at)
        })?;
        Ok(Symbol {
            name,
            binding: match entry.st_bind() {
                elf::STB_LOCAL => Binding::Local,
                elf::STB_WEAK => Binding::Weak,
                elf::STB_GNU_UNIQUE => Binding::Unique,
                _ => Binding::Strong,
            },
            visibility: match entry.st_visibility() {
                elf::STV_HIDDEN => Visibility::Hidden,
                elf::STV_INTERNAL => Visibility::Internal,
                elf::STV_PROTECTED => Visibility::Protected,
                _ => Visibility::Default,
            },
            kind: match entry.st_type() {
                elf::STT_FUNC | elf::STT_GNU_IFUNC => SymbolKind::Function,
                elf::STT_OBJECT | elf::STT_COMMON => SymbolKind::Object,
                elf::STT_TLS => SymbolKind::ThreadLocal,
                elf::STT_FILE => SymbolKind::Source,
                _ => SymbolKind::Other,
            },
            home: match entry.st_shndx(self.endian) {
                elf::SHN_UNDEF => Home::Undefined,
                elf::SHN_ABS => Home::Absolute,
                elf::SHN_COMMON => Home::Common,
                elf::SHN_XINDEX => {
                    Home::Section(self.table.shndx(self.endian, index).unwrap_or_default())
                }
                section => Home::Section(section.0.into()),
            },
            size: entry.st_size(self.endian).into(),
            // Relocations have no wider one.
            index: u32::try_from(index.0).unwrap_or(u32::MAX),
        })
    }
}
