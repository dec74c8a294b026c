//! Several files made one: what `mpy-tool.py --merge` does.
//!
//! A file has one qstr table and one object table, so the tables are put end to end and the indices of every file but
//! the first move up. Machine code cannot be moved that way, so a file with native code comes first, and there can be
//! only one. A stub of bytecode makes a function of each file's outermost code and calls it, in order.

use anymod_model::codes::pack as codes;
use anymod_model::mpy::write_uint;
use anymod_model::{Diagnostic, Diagnostics, Place};

use super::bytecode::{self, Shift};
use super::file::{Body, Code, Mpy};
use super::{name, opcode, write};

/// What a merge can be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergeOptions {
    /// The stored file name of the result; without one it is that of the file that comes first, as `mpy-tool.py` has
    /// it.
    pub source_name: Option<String>,
}

/// One file that does what importing `inputs` one after the other would do, the native one first. A single input is
/// copied. Each input is its name, for messages, and its bytes.
///
/// The bytes are those of `mpy-tool.py --merge` of MicroPython 1.25 and 1.26, but where these are wrong
/// (`docs/formats/mpy.md`, "Merging").
///
/// # Errors
/// Those of [`Mpy::parse`]; `MERGE_EMPTY`; `MERGE_NATIVE` with two native inputs; `MERGE_CODE` if bytecode cannot be
/// moved; those of [`super::rename`].
pub fn merge(inputs: &[(&str, &[u8])], options: &MergeOptions) -> Result<Vec<u8>, Diagnostics> {
    let mut read = Vec::new();
    let mut findings = Vec::new();
    for (file, bytes) in inputs {
        match Mpy::parse(bytes, file) {
            Ok(mpy) => read.push((*file, mpy)),
            Err(errors) => findings.extend(errors.0),
        }
    }
    if !findings.is_empty() {
        return Err(Diagnostics(findings));
    }
    let merged = match inputs {
        [] => return Err(nothing()),
        [(_, bytes)] => bytes.to_vec(),
        _ => concatenated(native_first(read)?)?,
    };
    match &options.source_name {
        Some(source_name) => name::rename(&merged, "the merged file", source_name),
        None => Ok(merged),
    }
}

fn nothing() -> Diagnostics {
    Diagnostic::error(&codes::MERGE_EMPTY, "there is nothing to merge")
        .hint("give at least one `.mpy` file")
        .into()
}

fn native_first(mut read: Vec<(&str, Mpy)>) -> Result<Vec<(&str, Mpy)>, Diagnostics> {
    let native: Vec<usize> = (0..read.len())
        .filter(|at| read.get(*at).is_some_and(|it| it.1.header.is_native()))
        .collect();
    if let [first, second, ..] = native[..] {
        let name = |at: usize| read.get(at).map_or("", |it| it.0);
        let message = format!("`{}` and `{}` both hold native code", name(first), name(second));
        return Err(Diagnostic::error(&codes::MERGE_NATIVE, message)
            .at(Place::file(name(second)))
            .note(
                "machine code is bound to the places of its qstrs, so only one file can keep them",
            )
            .hint("link all native sources into one module, or install the files side by side")
            .into());
    }
    if let [first] = native[..] {
        let main = read.remove(first);
        read.insert(0, main);
    }
    Ok(read)
}

fn concatenated(read: Vec<(&str, Mpy)>) -> Result<Vec<u8>, Diagnostics> {
    let Some((_, main)) = read.first() else {
        return Err(nothing());
    };
    let mut header = main.header;
    if !header.is_native() {
        header.sub_version = 0;
    }
    // `mpy-tool.py` takes the last file's number, which is wrong if another needs more.
    let bits = read.iter().map(|(_, mpy)| mpy.header.small_int_bits);
    header.small_int_bits = bits.max().unwrap_or(header.small_int_bits);

    let mut out = Vec::new();
    write::header(&mut out, &header);
    let total = |len: fn(&Mpy) -> usize| read.iter().map(|it| len(&it.1)).sum::<usize>() as u64;
    write_uint(&mut out, total(|mpy| mpy.qstrs.len()));
    write_uint(&mut out, total(|mpy| mpy.objects.len()));
    for (_, mpy) in &read {
        mpy.qstrs.iter().for_each(|qstr| write::qstr(&mut out, qstr));
    }
    for (_, mpy) in &read {
        mpy.objects.iter().for_each(|object| write::object(&mut out, object));
    }

    let stub = stub(read.len());
    write_uint(&mut out, (stub.len() as u64) << 3 | 1 << 2);
    out.extend(stub);
    write_uint(&mut out, read.len() as u64);
    let mut shift = Shift::default();
    for (file, mpy) in read {
        let counts = (mpy.qstrs.len() as u64, mpy.objects.len() as u64);
        if shift == Shift::default() {
            write::code(&mut out, &mpy.code);
        } else {
            write::code(&mut out, &moved(mpy.code, shift, file)?);
        }
        shift = Shift { qstrs: shift.qstrs + counts.0, objects: shift.objects + counts.1 };
    }
    Ok(out)
}

/// Bytecode of a function without arguments that makes and calls each of its children and returns `None`.
fn stub(children: usize) -> Vec<u8> {
    // Prelude: one slot of state; one byte of names, no cells; the name is qstr 0, the stored file name.
    let mut out = vec![0b0000_0000, 0b0000_0010, 0];
    for index in 0..children {
        out.push(opcode::MAKE_FUNCTION);
        write_uint(&mut out, index as u64);
        out.extend([opcode::CALL_FUNCTION, 0, opcode::POP_TOP]);
    }
    out.extend([opcode::LOAD_CONST_NONE, opcode::RETURN_VALUE]);
    out
}

fn moved(code: Code, shift: Shift, file: &str) -> Result<Code, Diagnostics> {
    let at = |offset: usize| Place::offset(file, offset as u64);
    if code.body != Body::Bytecode {
        let message = "native code in a file whose header has no architecture";
        return Err(Diagnostic::error(&codes::MERGE_CODE, message)
            .at(at(code.offset.0))
            .hint("the header is damaged: make the file again")
            .into());
    }
    let data = bytecode::moved(&code.data, shift).map_err(|fault| {
        Diagnostic::error(&codes::MERGE_CODE, format!("bytecode cannot be moved: {}", fault.what))
            .at(at(code.offset.0 + fault.at))
            .hint("compile the source again; if a function is very long, split it")
    })?;
    let children = code.children.map(|children| {
        children.into_iter().map(|child| moved(child, shift, file)).collect::<Result<Vec<_>, _>>()
    });
    // A head that announces children but has none is written without, as `mpy-tool.py` does.
    let children = children.transpose()?.filter(|children| !children.is_empty());
    Ok(Code { data, children, ..code })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpy::{Header, Offset, Qstr};

    fn module(file: &str, arch_number: u8, bits: u8, qstrs: usize) -> Vec<u8> {
        let header = Header { sub_version: 3, arch_number, small_int_bits: bits, arch_flags: None };
        let names = (1..qstrs).map(|index| Qstr::new(&format!("name{index}")));
        let qstrs = std::iter::once(Qstr::new(file)).chain(names).collect();
        let data = vec![0x00, 0x02, 0x01, 0x16, 0x01, 0x51, 0x63];
        let code = Code {
            data,
            body: Body::Bytecode,
            children: None,
            relocations: None,
            offset: Offset(0),
        };
        Mpy { header, qstrs, objects: vec![], code, trailing: vec![], overlong: None }.write()
    }

    fn merged(inputs: &[(&str, &[u8])]) -> Result<Mpy, Diagnostics> {
        Mpy::parse(&merge(inputs, &MergeOptions::default())?, "merged")
    }

    #[test]
    fn one_input_is_copied() {
        let one = [module("a.py", 0, 31, 2), vec![1, 2, 3]].concat();
        let out = merge(&[("a", &one)], &MergeOptions::default()).unwrap();
        assert_eq!(out, one);
        let named = MergeOptions { source_name: Some("b.py".to_owned()) };
        let out = merge(&[("a", &one)], &named).unwrap();
        assert_eq!(Mpy::parse(&out, "m").unwrap().qstrs[0], Qstr::new("b.py"));
    }

    #[test]
    fn the_native_file_comes_first_and_the_widest_small_integers_count() {
        let (a, b) = (module("a.py", 0, 63, 2), module("b.native", 5, 31, 3));
        let merged = merged(&[("a", &a), ("b", &b)]).unwrap();
        assert_eq!((merged.header.arch_number, merged.header.sub_version), (5, 3));
        assert_eq!(merged.header.small_int_bits, 63);
        assert_eq!(merged.qstrs[0], Qstr::new("b.native"));
        assert_eq!(merged.code.children().len(), 2);
        assert_eq!(merged.code.children()[1].data, [0x00, 0x02, 0x04, 0x16, 0x04, 0x51, 0x63]);
    }

    #[test]
    fn pure_bytecode_has_sub_version_zero() {
        let (a, b) = (module("a.py", 0, 31, 2), module("b.py", 0, 31, 2));
        assert_eq!(merged(&[("a", &a), ("b", &b)]).unwrap().header.sub_version, 0);
    }

    #[test]
    fn two_native_files_are_refused_by_name() {
        let (a, b) = (module("a", 5, 31, 2), module("b", 5, 31, 2));
        let error = merged(&[("one.mpy", &a), ("two.mpy", &b)]).unwrap_err();
        assert_eq!(error.0[0].code.id, "P0102");
        assert!(error.to_string().contains("`one.mpy` and `two.mpy`"), "{error}");
        assert_eq!(merged(&[]).unwrap_err().0[0].code.id, "P0101");
    }

    #[test]
    fn every_broken_input_is_reported() {
        let error = merged(&[("one.mpy", b"x"), ("two.mpy", b"M")]).unwrap_err();
        assert_eq!(error.0.len(), 2);
    }
}
