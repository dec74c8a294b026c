//! Writes the `.mpy` file: header, names, code, read-only data, what the loader must adjust.
//!
//! Layout: `docs/formats/mpy.md`; loader: `py/persistentcode.c`, `load_raw_code` and `mp_native_relocate`.

use anymod_model::mpy::{self as format, Header, Kind};

use super::layout::Memory;
use super::options::Options;
use super::relocate::{Image, LoadRelocation};

/// The file's bytes, and how many of them are relocations.
pub(crate) fn mpy(image: &Image, options: &Options) -> (Vec<u8>, u64) {
    let names: usize = options.qstrs.iter().map(|name| name.len() + 3).sum();
    let relocations = image.relocations.len() * 5;
    let mut out =
        Vec::with_capacity(image.text.len() + image.rodata.len() + names + relocations + 64);
    Header::native(options.arch, options.abi, options.arch_flags).write(&mut out);
    format::write_uint(&mut out, 1 + options.qstrs.len() as u64);
    format::write_uint(&mut out, 0);
    format::write_qstr(&mut out, options.source_name.as_bytes());
    for name in &options.qstrs {
        format::write_qstr(&mut out, name.as_bytes());
    }
    format::write_uint(&mut out, (image.text.len() as u64) << 3 | Kind::NativeViper as u64);
    out.extend(&image.text);
    let mut flags = format::SCOPE_RELOC;
    if !image.rodata.is_empty() {
        flags |= format::SCOPE_RODATA;
    }
    if image.bss > 0 {
        flags |= format::SCOPE_BSS;
    }
    format::write_uint(&mut out, flags);
    if !image.rodata.is_empty() {
        format::write_uint(&mut out, image.rodata.len() as u64);
    }
    if image.bss > 0 {
        format::write_uint(&mut out, image.bss);
    }
    out.extend(&image.rodata);
    let before = out.len();
    let word = u64::from(options.arch.info().word_size);
    write_relocations(&mut out, &image.relocations, word, options.compat.is_some());
    let size = (out.len() - before) as u64;
    (out, size)
}

/// Writes runs of neighbouring words with one destination; `word` is the size of a word in bytes.
///
/// A run that begins where the last one ended may leave its address out. MicroPython's linker never does, because it
/// forgets to note the memory of the last run.
fn write_relocations(out: &mut Vec<u8>, relocations: &[LoadRelocation], word: u64, compat: bool) {
    let mut expected = None;
    let mut rest = relocations;
    while let Some(first) = rest.first() {
        let run = run_length(rest, word);
        let is_new = compat || expected != Some((first.memory, first.offset));
        let is_memory = first.destination <= Memory::Bss as u8;
        let destination = match is_memory {
            true => first.destination << 1 | u8::from(run > 1),
            false => first.destination,
        };
        out.push(destination << 1 | u8::from(is_new));
        if is_new {
            let is_rodata = u64::from(first.memory == Memory::Rodata);
            format::write_uint(out, (first.offset / word) << 1 | is_rodata);
        }
        if run > 1 {
            format::write_uint(out, run as u64);
        }
        expected = Some((first.memory, first.offset + run as u64 * word));
        rest = rest.get(run..).unwrap_or(&[]);
    }
    out.push(format::RELOC_END);
}

/// How many relocations from the front one entry can hold: only those against a memory carry a count.
fn run_length(relocations: &[LoadRelocation], word: u64) -> usize {
    let Some(first) = relocations.first() else { return 0 };
    if first.destination > Memory::Bss as u8 {
        return 1;
    }
    let follows = |(index, next): (usize, &LoadRelocation)| {
        next.memory == first.memory
            && next.destination == first.destination
            && next.offset == first.offset + index as u64 * word
    };
    relocations.iter().enumerate().take_while(|pair| follows(*pair)).count()
}
