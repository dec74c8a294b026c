//! ELF relocatable objects, 32 and 64 bits, as one borrowed view.
//!
//! Layout and names: the System V gABI, chapters 4 and 5. Nothing is copied but section headers: symbols and
//! relocations are decoded when asked for, so that an object costs little more memory than its bytes.

use anymod_model::codes::link as code;
use object::elf;
use object::read::elf::{FileHeader, SectionHeader as _};
use object::{LittleEndian as LE, U32};

use super::Fault;

/// A parsed object. All indices are those of the file.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    /// True for ELFCLASS64.
    pub(crate) is_64: bool,
    /// `e_machine`.
    pub(crate) machine: u16,
    /// `e_flags`.
    pub(crate) flags: u32,
    /// Sections by index, the null section included.
    pub(crate) sections: Vec<Section<'a>>,
    /// The symbol table; empty if the object has none.
    pub(crate) symbols: Symbols<'a>,
    /// COMDAT groups.
    pub(crate) groups: Vec<Group<'a>>,
}

/// A section header with its bytes and relocations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section<'a> {
    /// Name.
    pub(crate) name: &'a str,
    /// `sh_type`.
    pub(crate) kind: u32,
    /// `sh_flags`.
    pub(crate) flags: u64,
    /// Size in memory, in bytes.
    pub(crate) size: u64,
    /// Alignment in bytes, a power of two.
    pub(crate) align: u64,
    /// Bytes in the file; empty for `SHT_NOBITS`.
    pub(crate) data: &'a [u8],
    /// Relocations that apply to this section.
    pub(crate) relocations: Relocations<'a>,
}

/// A COMDAT group: of all groups with one signature a program keeps one.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    /// Name of the group's signature symbol.
    pub(crate) signature: &'a str,
    /// Section indices of the members.
    pub(crate) members: Vec<u32>,
}

/// Relocations of one section, in file order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Relocations<'a> {
    /// None.
    None,
    /// ELF32, addends in the section's bytes.
    Rel32(&'a [elf::Rel32<LE>]),
    /// ELF32, explicit addends.
    Rela32(&'a [elf::Rela32<LE>]),
    /// ELF64, addends in the section's bytes.
    Rel64(&'a [elf::Rel64<LE>]),
    /// ELF64, explicit addends.
    Rela64(&'a [elf::Rela64<LE>]),
}

/// One relocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relocation {
    /// Offset in the section.
    pub(crate) offset: u64,
    /// Type, numbered by the machine's psABI.
    pub(crate) kind: u32,
    /// Symbol index; 0 for none.
    pub(crate) symbol: u32,
    /// Explicit addend, `None` if it is in the section's bytes.
    pub(crate) addend: Option<i64>,
}

impl<'a> Relocations<'a> {
    /// How many there are.
    pub(crate) fn len(self) -> usize {
        match self {
            Relocations::None => 0,
            Relocations::Rel32(table) => table.len(),
            Relocations::Rela32(table) => table.len(),
            Relocations::Rel64(table) => table.len(),
            Relocations::Rela64(table) => table.len(),
        }
    }

    /// The relocation at an index.
    pub(crate) fn get(self, index: usize) -> Option<Relocation> {
        Some(match self {
            Relocations::None => return None,
            Relocations::Rel32(table) => {
                let entry = table.get(index)?;
                Relocation {
                    offset: entry.r_offset.get(LE).into(),
                    kind: entry.r_type(LE).0,
                    symbol: entry.r_sym(LE),
                    addend: None,
                }
            }
            Relocations::Rela32(table) => {
                let entry = table.get(index)?;
                Relocation {
                    offset: entry.r_offset.get(LE).into(),
                    kind: entry.r_type(LE).0,
                    symbol: entry.r_sym(LE),
                    addend: Some(entry.r_addend.get(LE).into()),
                }
            }
            Relocations::Rel64(table) => {
                let entry = table.get(index)?;
                Relocation {
                    offset: entry.r_offset.get(LE),
                    kind: entry.r_type(LE).0,
                    symbol: entry.r_sym(LE),
                    addend: None,
                }
            }
            Relocations::Rela64(table) => {
                let entry = table.get(index)?;
                Relocation {
                    offset: entry.r_offset.get(LE),
                    kind: entry.r_type(LE, false).0,
                    symbol: entry.r_sym(LE, false),
                    addend: Some(entry.r_addend.get(LE)),
                }
            }
        })
    }

    /// All of them in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = Relocation> + 'a {
        (0..self.len()).filter_map(move |index| self.get(index))
    }
}

/// Where a symbol is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// Elsewhere.
    Undefined,
    /// At a fixed address.
    Absolute,
    /// Nowhere yet: a tentative definition; the value is its alignment.
    Common,
    /// In a section of the object.
    Section(u32),
}

/// One symbol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symbol {
    name: u32,
    /// Value: offset in the section.
    pub(crate) value: u64,
    /// Size in bytes.
    pub(crate) size: u64,
    /// Where it is defined.
    pub(crate) home: Home,
    /// `STT_*`.
    pub(crate) kind: u8,
    /// `STB_*`.
    pub(crate) binding: u8,
}

impl Symbol {
    /// True for `STB_WEAK`.
    pub(crate) fn is_weak(&self) -> bool {
        self.binding == elf::STB_WEAK.0
    }

    /// True for `STB_LOCAL`.
    pub(crate) fn is_local(&self) -> bool {
        self.binding == elf::STB_LOCAL.0
    }

    /// True for functions.
    pub(crate) fn is_function(&self) -> bool {
        self.kind == elf::STT_FUNC.0
    }

    /// True for functions that another function picks when they are first needed.
    pub(crate) fn is_indirect(&self) -> bool {
        self.kind == elf::STT_GNU_IFUNC.0 && self.home != Home::Undefined
    }
}

/// A symbol table.
#[derive(Debug)]
pub(crate) struct Symbols<'a> {
    table: Table<'a>,
    strings: &'a [u8],
    extended: &'a [U32<LE>],
    /// Index of the first symbol that is not local.
    pub(crate) first_global: u32,
}

#[derive(Debug)]
enum Table<'a> {
    Elf32(&'a [elf::Sym32<LE>]),
    Elf64(&'a [elf::Sym64<LE>]),
}

impl<'a> Symbols<'a> {
    /// How many there are, the null symbol included.
    pub(crate) fn len(&self) -> u32 {
        let length = match self.table {
            Table::Elf32(table) => table.len(),
            Table::Elf64(table) => table.len(),
        };
        u32::try_from(length).unwrap_or(u32::MAX)
    }

    /// The symbol at an index.
    pub(crate) fn get(&self, index: u32) -> Option<Symbol> {
        match self.table {
            Table::Elf32(table) => Some(self.decode(table.get(index as usize)?, index)),
            Table::Elf64(table) => Some(self.decode(table.get(index as usize)?, index)),
        }
    }

    fn decode<S: object::read::elf::Sym<Endian = LE>>(&self, entry: &S, index: u32) -> Symbol
    where
        S::Word: Into<u64>,
    {
        let section = entry.st_shndx(LE);
        let home = if section == elf::SHN_UNDEF {
            Home::Undefined
        } else if section == elf::SHN_ABS {
            Home::Absolute
        } else if section == elf::SHN_COMMON {
            Home::Common
        } else if section == elf::SHN_XINDEX {
            self.extended
                .get(index as usize)
                .map_or(Home::Undefined, |section| Home::Section(section.get(LE)))
        } else {
            Home::Section(section.0.into())
        };
        Symbol {
            name: entry.st_name(LE),
            value: entry.st_value(LE).into(),
            size: entry.st_size(LE).into(),
            home,
            kind: entry.st_type().0,
            binding: entry.st_bind().0,
        }
    }

    /// A symbol's name, `None` if the string table does not hold it.
    pub(crate) fn name(&self, symbol: &Symbol) -> Option<&'a str> {
        string_at(self.strings, symbol.name)
    }
}

/// Longer names than any compiler makes; without a limit a table of overlapping names could cost hours.
const NAME_LIMIT: usize = 16 << 10;

fn string_at(strings: &[u8], offset: u32) -> Option<&str> {
    let tail = strings.get(offset as usize..)?;
    let tail = tail.get(..NAME_LIMIT).unwrap_or(tail);
    let length = tail.iter().position(|byte| *byte == 0)?;
    std::str::from_utf8(tail.get(..length)?).ok()
}

/// Reads a relocatable object.
pub(crate) fn read(data: &[u8]) -> Result<Object<'_>, Fault> {
    match (data.get(4).copied(), data.get(5).copied()) {
        (Some(1 | 2), Some(2)) => Err(Fault::new(&code::WRONG_ENDIAN, "big-endian object")
            .hint("compile for the little-endian target")),
        (Some(1), Some(1)) => read_class::<elf::FileHeader32<LE>>(data),
        (Some(2), Some(1)) => read_class::<elf::FileHeader64<LE>>(data),
        _ => Err(malformed("the ELF header is cut off or names no known class")),
    }
}

/// What differs between the two ELF classes once headers are read.
trait Class: FileHeader<Endian = LE> {
    fn table(entries: &[Self::Sym]) -> Table<'_>;
    fn rel(entries: &[Self::Rel]) -> Relocations<'_>;
    fn rela(entries: &[Self::Rela]) -> Relocations<'_>;
}

impl Class for elf::FileHeader32<LE> {
    fn table(entries: &[Self::Sym]) -> Table<'_> {
        Table::Elf32(entries)
    }
    fn rel(entries: &[Self::Rel]) -> Relocations<'_> {
        Relocations::Rel32(entries)
    }
    fn rela(entries: &[Self::Rela]) -> Relocations<'_> {
        Relocations::Rela32(entries)
    }
}

impl Class for elf::FileHeader64<LE> {
    fn table(entries: &[Self::Sym]) -> Table<'_> {
        Table::Elf64(entries)
    }
    fn rel(entries: &[Self::Rel]) -> Relocations<'_> {
        Relocations::Rel64(entries)
    }
    fn rela(entries: &[Self::Rela]) -> Relocations<'_> {
        Relocations::Rela64(entries)
    }
}

fn malformed(message: impl Into<String>) -> Fault {
    Fault::new(&code::MALFORMED, message).hint("the file is damaged or cut off; build it again")
}

fn from_object(error: object::read::Error) -> Fault {
    malformed(error.to_string().to_lowercase())
}

fn read_class<E: Class>(data: &[u8]) -> Result<Object<'_>, Fault> {
    let header = E::parse(data).map_err(from_object)?;
    if header.e_type(LE) != elf::ET_REL {
        let what = match header.e_type(LE) {
            elf::ET_EXEC => "executable",
            elf::ET_DYN => "shared library or position-independent executable",
            elf::ET_CORE => "core file",
            _ => "ELF file of an unknown type",
        };
        return Err(Fault::new(
            &code::NOT_RELOCATABLE,
            format!("{what}, not a relocatable object"),
        )
        .hint("compile with `-c` and pass the object"));
    }
    let headers = header.section_headers(LE, data).map_err(from_object)?;
    let names = match headers.is_empty() {
        true => &[],
        false => {
            let index = header.section_strings_index(LE, data).map_err(from_object)?;
            let strings = headers.get(index.0).ok_or_else(|| malformed("no section names"))?;
            strings.data(LE, data).map_err(from_object)?
        }
    };
    let mut sections = Vec::with_capacity(headers.len());
    for (index, section) in headers.iter().enumerate() {
        sections.push(read_section::<E>(section, names, data, index)?);
    }
    let symbols = read_symbols::<E>(headers, data)?;
    attach_relocations::<E>(headers, data, &mut sections)?;
    let groups = read_groups::<E>(headers, data, &symbols)?;
    Ok(Object {
        is_64: header.is_class_64(),
        machine: header.e_machine(LE).0,
        flags: header.e_flags(LE).0,
        sections,
        symbols,
        groups,
    })
}

fn read_section<'a, E: Class>(
    header: &'a E::SectionHeader,
    names: &'a [u8],
    data: &'a [u8],
    index: usize,
) -> Result<Section<'a>, Fault> {
    let name = string_at(names, header.sh_name(LE))
        .ok_or_else(|| malformed(format!("the name of section {index} is cut off")))?;
    let align = header.sh_addralign(LE).into().max(1);
    if !align.is_power_of_two() {
        return Err(malformed(format!(
            "section `{name}` is aligned to {align}, not a power of two"
        )));
    }
    let bytes = match index {
        0 => &[],
        _ => header
            .data(LE, data)
            .map_err(|_| malformed(format!("section `{name}` ends past the end of the file")))?,
    };
    Ok(Section {
        name,
        kind: header.sh_type(LE).0,
        flags: header.sh_flags(LE).0,
        size: header.sh_size(LE).into(),
        align,
        data: bytes,
        relocations: Relocations::None,
    })
}

fn read_symbols<'a, E: Class>(
    headers: &'a [E::SectionHeader],
    data: &'a [u8],
) -> Result<Symbols<'a>, Fault> {
    let mut symbols =
        Symbols { table: E::table(&[]), strings: &[], extended: &[], first_global: 0 };
    for header in headers {
        if header.sh_type(LE) == elf::SHT_SYMTAB_SHNDX {
            symbols.extended = header.data_as_array(LE, data).map_err(from_object)?;
        }
        if header.sh_type(LE) != elf::SHT_SYMTAB {
            continue;
        }
        symbols.table = E::table(header.data_as_array(LE, data).map_err(from_object)?);
        let strings = headers
            .get(header.link(LE).0)
            .ok_or_else(|| malformed("the symbol table has no string table"))?;
        symbols.strings = strings.data(LE, data).map_err(from_object)?;
        symbols.first_global = header.sh_info(LE);
    }
    if symbols.first_global > symbols.len() {
        return Err(malformed("the symbol table counts more local symbols than it has"));
    }
    Ok(symbols)
}

/// Tables of one kind lie apart, so together they are no larger than the file.
fn add_size(total: u64, size: u64, data: &[u8]) -> Result<u64, Fault> {
    match total.checked_add(size) {
        Some(total) if total <= data.len() as u64 => Ok(total),
        _ => Err(malformed("tables overlap")),
    }
}

fn attach_relocations<'a, E: Class>(
    headers: &'a [E::SectionHeader],
    data: &'a [u8],
    sections: &mut [Section<'a>],
) -> Result<(), Fault> {
    let mut total = 0;
    for header in headers {
        if matches!(header.sh_type(LE), elf::SHT_REL | elf::SHT_RELA) {
            total = add_size(total, header.sh_size(LE).into(), data)?;
        }
        let table = match header.sh_type(LE) {
            elf::SHT_REL => E::rel(header.data_as_array(LE, data).map_err(from_object)?),
            elf::SHT_RELA => E::rela(header.data_as_array(LE, data).map_err(from_object)?),
            elf::SHT_CREL => {
                return Err(Fault::new(
                    &code::UNSUPPORTED_RELOCATION,
                    "compact relocations (CREL)",
                )
                .hint("compile without `-Wa,--crel`"));
            }
            _ => continue,
        };
        let target = sections
            .get_mut(header.info_link(LE).0)
            .ok_or_else(|| malformed("relocations for a section that does not exist"))?;
        if target.relocations.len() > 0 && table.len() > 0 {
            return Err(malformed(format!("section `{}` has two relocation tables", target.name)));
        }
        if table.len() > 0 {
            target.relocations = table;
        }
    }
    Ok(())
}

fn read_groups<'a, E: Class>(
    headers: &'a [E::SectionHeader],
    data: &'a [u8],
    symbols: &Symbols<'a>,
) -> Result<Vec<Group<'a>>, Fault> {
    let mut groups = Vec::new();
    let mut total = 0;
    for header in headers {
        if header.sh_type(LE) == elf::SHT_GROUP {
            total = add_size(total, header.sh_size(LE).into(), data)?;
        }
        let Some((flags, members)) = header.group(LE, data).map_err(from_object)? else {
            continue;
        };
        if !flags.contains(elf::GRP_COMDAT) {
            continue;
        }
        let signature = symbols
            .get(header.sh_info(LE))
            .and_then(|symbol| symbols.name(&symbol))
            .ok_or_else(|| malformed("a section group has no signature"))?;
        let members = members.iter().map(|member| member.get(LE)).collect();
        groups.push(Group { signature, members });
    }
    Ok(groups)
}
