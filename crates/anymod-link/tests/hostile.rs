//! Inputs that were made to hurt: every field of an object set to every absurd value, and small files that ask for much
//! work or memory. Each is answered with a module or with findings, in time.

use std::time::{Duration, Instant};

use anymod_link::mpy::{Compat, Input, Linked, Options, StaticData, link};
use anymod_model::arch::ARCHES;
use anymod_model::{Arch, Diagnostics};

/// Far more than any of these links takes even unoptimised on a busy machine, far less than one that is quadratic.
const PATIENCE: Duration = Duration::from_secs(20);

/// A section: name, type, flags, what it holds, link, info.
struct Section(&'static str, u32, u64, Held, u32, u32);

/// What a section header points at.
#[derive(Clone)]
enum Held {
    /// Bytes of its own.
    Bytes(Vec<u8>),
    /// The bytes of the section of this number.
    Shared(usize),
    /// Zeroes that the file does not hold.
    Zeroes(u64),
}

/// Writes a 64-bit object; sections are numbered from 1.
fn object64(machine: u16, sections: &[Section]) -> Vec<u8> {
    let mut names = vec![0];
    let mut out = vec![0; 64];
    let mut headers = vec![0; 64];
    let mut places: Vec<(u64, u64)> = vec![(0, 0)];
    let strings = Section(".shstrtab", 3, 0, Held::Bytes(Vec::new()), 0, 0);
    for section in sections.iter().chain([&strings]) {
        let Section(name, kind, flags, held, link, info) = section;
        let name_at = names.len() as u32;
        names.extend(name.as_bytes());
        names.push(0);
        let place = match held {
            Held::Bytes(bytes) => {
                let bytes = if *name == ".shstrtab" { &names } else { bytes };
                out.resize(out.len().next_multiple_of(16), 0);
                out.extend(bytes);
                (out.len() - bytes.len(), bytes.len() as u64)
            }
            Held::Shared(number) => (places[*number].0 as usize, places[*number].1),
            Held::Zeroes(size) => (0, *size),
        };
        places.push((place.0 as u64, place.1));
        headers.extend(name_at.to_le_bytes());
        headers.extend(kind.to_le_bytes());
        for word in [*flags, 0, place.0 as u64, place.1] {
            headers.extend(word.to_le_bytes());
        }
        headers.extend([link.to_le_bytes(), info.to_le_bytes()].concat());
        let entry: u64 = if matches!(kind, 2 | 4) { 24 } else { 0 };
        headers.extend([8u64.to_le_bytes(), entry.to_le_bytes()].concat());
    }
    out.resize(out.len().next_multiple_of(16), 0);
    let count = headers.len() / 64;
    if count >= 0xff00 {
        // The true counts are in the first section's header.
        headers[32..40].copy_from_slice(&(count as u64).to_le_bytes());
        headers[40..44].copy_from_slice(&(count as u32 - 1).to_le_bytes());
    }
    let (number, names_at) = if count >= 0xff00 { (0, 0xffff) } else { (count, count - 1) };
    let at = out.len() as u64;
    out.extend(headers);
    let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0".to_vec();
    head.extend(machine.to_le_bytes());
    head.extend([1, 0, 0, 0]);
    head.extend([[0; 8], [0; 8], at.to_le_bytes()].concat());
    head.extend([0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 64, 0]);
    head.extend((number as u16).to_le_bytes());
    head.extend((names_at as u16).to_le_bytes());
    out[..64].copy_from_slice(&head);
    out
}

fn symbol(name: u32, info: u8, section: u16, value: u64, size: u64) -> Vec<u8> {
    let mut out = name.to_le_bytes().to_vec();
    out.extend([info, 0]);
    out.extend(section.to_le_bytes());
    out.extend([value.to_le_bytes(), size.to_le_bytes()].concat());
    out
}

fn relocation(offset: u64, symbol: u32, kind: u32, addend: i64) -> Vec<u8> {
    let info = u64::from(symbol) << 32 | u64::from(kind);
    [offset.to_le_bytes(), info.to_le_bytes(), addend.to_le_bytes()].concat()
}

/// Names, code with `mpy_init` and a symbol table: sections 1 to 3.
fn entry() -> Vec<Section> {
    let symbols = [symbol(0, 0, 0, 0, 0), symbol(1, 0x12, 2, 0, 4)].concat();
    vec![
        Section(".strtab", 3, 0, Held::Bytes(b"\0mpy_init\0".to_vec()), 0, 0),
        Section(".text", 1, 6, Held::Bytes(vec![0xc3; 64]), 0, 0),
        Section(".symtab", 2, 0, Held::Bytes(symbols), 1, 1),
    ]
}

fn whole(arch: Arch) -> Options {
    Options { gc_sections: false, ..Options::new(arch, "hostile") }
}

fn link_one(data: &[u8], options: &Options) -> Result<Linked, Diagnostics> {
    let clock = Instant::now();
    let result = link(&[Input { name: "hostile.o".to_owned(), data }], &[], options);
    assert!(clock.elapsed() < PATIENCE, "took {:?} for {} bytes", clock.elapsed(), data.len());
    result
}

fn code_of(result: Result<Linked, Diagnostics>) -> Option<&'static str> {
    result.err().map(|findings| findings.0[0].code.id)
}

#[test]
fn relocation_tables_that_share_bytes_do_not_multiply_work() {
    let mut sections = entry();
    sections.push(Section(".data", 1, 3, Held::Bytes(vec![0; 512]), 0, 0));
    let table: Vec<u8> = (0..20_000).flat_map(|at| relocation(8 * (at % 64), 1, 1, 1)).collect();
    sections.push(Section(".rela", 4, 0, Held::Bytes(table), 3, 4));
    for _ in 0..5_000 {
        sections.push(Section(".data", 1, 3, Held::Shared(4), 0, 0));
        let target = sections.len() as u32;
        sections.push(Section(".rela", 4, 0, Held::Shared(5), 3, target));
    }
    assert_eq!(code_of(link_one(&object64(62, &sections), &whole(Arch::X64))), Some("L0002"));
}

#[test]
fn archive_members_that_share_bytes_do_not_multiply_memory() {
    // Each symbol of the index leads to a header of its own, whose member is all the rest of the file.
    let count = 3_000usize;
    let names: String = (0..count).map(|number| format!("u{number}\0")).collect();
    let header = |name: &str, size: usize| {
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644)
    };
    let index_size = (4 + 4 * count + names.len()).next_multiple_of(2);
    let members_at = 8 + 60 + index_size;
    let mut sections = entry();
    sections[2] = Section(".symtab", 2, 0, Held::Bytes(vec![0; 24 * 10_000]), 1, 10_000);
    let object = object64(62, &sections);
    let member_size = object.len();
    // Headers 124 bytes apart, each followed by an ELF header whose tables are in what follows.
    let mut body = Vec::new();
    for number in 0..count {
        body.extend(header("m.o/", member_size).as_bytes());
        body.extend(&object[..64]);
        debug_assert_eq!(body.len(), 124 * (number + 1));
    }
    body.extend(&object[64..]);
    body.extend(vec![0; member_size]);
    let mut file = b"!<arch>\n".to_vec();
    file.extend(header("/", index_size).as_bytes());
    file.extend((count as u32).to_be_bytes());
    for number in 0..count {
        file.extend(((members_at + 124 * number) as u32).to_be_bytes());
    }
    file.extend(names.as_bytes());
    file.resize(members_at, b'\n');
    file.extend(body);
    let mut strings = b"\0mpy_init\0".to_vec();
    let mut symbols = [symbol(0, 0, 0, 0, 0), symbol(1, 0x12, 2, 0, 4)].concat();
    for number in 0..count {
        symbols.extend(symbol(strings.len() as u32, 0x10, 0, 0, 0));
        strings.extend(format!("u{number}\0").as_bytes());
    }
    let mut sections = entry();
    sections[0] = Section(".strtab", 3, 0, Held::Bytes(strings), 0, 0);
    sections[2] = Section(".symtab", 2, 0, Held::Bytes(symbols), 1, 1);
    let (object, archive) = (object64(62, &sections), file);
    let clock = Instant::now();
    let object = Input { name: "a.o".to_owned(), data: &object };
    let archive = Input { name: "a.a".to_owned(), data: &archive };
    let result = link(&[object], &[archive], &Options::new(Arch::X64, "hostile"));
    assert!(clock.elapsed() < PATIENCE, "{:?}", clock.elapsed());
    assert!(result.is_err());
}

#[test]
fn a_cyclic_index_comes_to_an_end() {
    // The index says that the one member defines what that member only needs.
    let mut sections = entry();
    let symbols = [symbol(0, 0, 0, 0, 0), symbol(1, 0x10, 0, 0, 0)].concat();
    sections[2] = Section(".symtab", 2, 0, Held::Bytes(symbols), 1, 1);
    let object = object64(62, &sections);
    let header = |name: &str, size: usize| {
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644)
    };
    let mut file = b"!<arch>\n".to_vec();
    file.extend(header("/", 18).as_bytes());
    file.extend([0, 0, 0, 1, 0, 0, 0, 86]);
    file.extend(b"mpy_init\0\n");
    file.extend(header("m.o/", object.len()).as_bytes());
    file.extend(object);
    let archive = Input { name: "a.a".to_owned(), data: &file };
    let result = link(&[], &[archive], &Options::new(Arch::X64, "hostile"));
    assert_eq!(code_of(result), Some("L0103"));
}

#[test]
fn a_hundred_thousand_sections_link() {
    let mut sections = entry();
    for _ in 0..100_000 {
        sections.push(Section(".text.x", 1, 6, Held::Bytes(vec![0x90]), 0, 0));
    }
    let linked = link_one(&object64(62, &sections), &whole(Arch::X64)).unwrap();
    assert!(linked.sizes.text > 100_000);
}

#[test]
fn as_many_veneers_as_branches_link() {
    let count = 40_000u32;
    let mut strings = b"\0mpy_init\0".to_vec();
    let mut symbols = [symbol(0, 0, 0, 0, 0), symbol(1, 0x12, 2, 0, 4)].concat();
    let mut relocations = Vec::new();
    for number in 0..count {
        symbols.extend(symbol(strings.len() as u32, 0x12, 0xfff1, u64::from(number) * 4, 0));
        strings.extend(format!("a{number}\0").as_bytes());
        relocations.extend(relocation(u64::from(number) * 5 + 1, number + 2, 4, -4));
    }
    let mut sections = entry();
    sections[0] = Section(".strtab", 3, 0, Held::Bytes(strings), 0, 0);
    let code = [0xe8, 0, 0, 0, 0].repeat(count as usize);
    sections[1] = Section(".text", 1, 6, Held::Bytes(code), 0, 0);
    sections[2] = Section(".symtab", 2, 0, Held::Bytes(symbols), 1, 1);
    sections.push(Section(".rela.text", 4, 0, Held::Bytes(relocations), 3, 2));
    let linked = link_one(&object64(62, &sections), &Options::new(Arch::X64, "hostile")).unwrap();
    assert!(linked.sizes.synthetic >= u64::from(count) * 8);
}

#[test]
fn zeroes_beyond_any_memory_are_refused() {
    for size in [1 << 40, 1 << 62, 1 << 63, u64::MAX] {
        let mut sections = entry();
        sections.push(Section(".bss", 8, 3, Held::Zeroes(size), 0, 0));
        sections.push(Section(".bss.2", 8, 3, Held::Zeroes(size), 0, 0));
        let code = code_of(link_one(&object64(62, &sections), &whole(Arch::X64)));
        assert_eq!(code, Some("L0205"), "{size:#x}");
    }
}

/// An object of the architecture's machine with a relocation of every kind from 0 to 63, in both code and data.
fn every_relocation(machine: u16) -> Vec<u8> {
    let mut strings = b"\0mpy_init\0word\0mp_fun_table\0memset\0maybe\0here\0".to_vec();
    strings.push(0);
    let symbols = [
        symbol(0, 0, 0, 0, 0),
        symbol(0, 0x03, 2, 0, 0),
        symbol(1, 0x12, 2, 0, 4),
        symbol(10, 0x11, 4, 8, 8),
        symbol(15, 0x10, 0, 0, 0),
        symbol(28, 0x10, 0, 0, 0),
        symbol(35, 0x20, 0, 0, 0),
        symbol(41, 0x22, 2, 32, 0),
    ];
    let table = |section_size: u64| -> Vec<u8> {
        let entry = |kind: u32| relocation(u64::from(kind) * 4 % section_size, kind % 8, kind, -4);
        (0..64).flat_map(entry).collect()
    };
    let mut sections = entry();
    sections[0] = Section(".strtab", 3, 0, Held::Bytes(strings), 0, 0);
    sections[1] = Section(".text", 1, 6, Held::Bytes(vec![0x17; 128]), 0, 0);
    sections[2] = Section(".symtab", 2, 0, Held::Bytes(symbols.concat()), 1, 2);
    sections.push(Section(".data", 1, 3, Held::Bytes(vec![1; 64]), 0, 0));
    sections.push(Section(".rela.text", 4, 0, Held::Bytes(table(128)), 3, 2));
    sections.push(Section(".rela.data", 4, 0, Held::Bytes(table(64)), 3, 4));
    sections.push(Section(".bss", 8, 3, Held::Zeroes(64), 0, 0));
    object64(machine, &sections)
}

/// Every word of an object set to every value that has ever broken a linker.
#[test]
fn every_field_may_be_absurd() {
    let absurd = [0u64, 0xff, 0x7fff_ffff, 0x8000_0000, u64::MAX >> 1, u64::MAX];
    for row in &ARCHES {
        // 32-bit architectures refuse the class after the header, so those with 64 bits do the work.
        let step = if row.word_size == 8 { 4 } else { 64 };
        let object = every_relocation(row.elf_machine);
        let options = [
            Options { static_data: StaticData::InText, ..whole(row.arch) },
            Options { compat: Some(Compat::V1_25), ..whole(row.arch) },
        ];
        for at in (0..object.len() - 8).step_by(step) {
            for value in absurd {
                // Words of 8 bytes are aligned to them.
                for width in [4, 8].into_iter().filter(|width| at % width == 0) {
                    let mut damaged = object.clone();
                    damaged[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
                    let _ = link_one(&damaged, &options[at / step % 2]);
                }
            }
        }
    }
}
