//! The stored file name: what it may be, and changing it in a finished file.
//!
//! Entry 0 of the qstr table names the source. It is what tracebacks print before the line, what `co_filename` of every
//! function of the file says where the firmware has that attribute, and what a device's `sys.print_exception` shows;
//! `__file__` and `__name__` come from the importer and do not depend on it. It is visible to whoever has the file, so a
//! path of the machine that built it does not belong there.

use anymod_model::codes::pack as codes;
use anymod_model::{Diagnostic, Diagnostics, Place};

use super::bytecode;
use super::file::{Body, Code, Mpy, Offset, Qstr};
use super::opcode::Argument;
use super::{read, write};

/// Longest qstr in bytes that a firmware takes as usually built (`MICROPY_QSTR_BYTES_IN_LEN` is 1).
pub(super) const MAX_LEN: usize = 255;

/// Why `name` must not be stored, if so.
pub(super) fn objection(name: &str) -> Option<&'static str> {
    let drive = matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > MAX_LEN {
        Some("it is longer than the 255 bytes that a firmware takes")
    } else if name.chars().any(char::is_control) {
        Some("it holds a control character")
    } else if name.starts_with('/') || name.starts_with('\\') || drive {
        Some("it is an absolute path, which tells where the file was built")
    } else if name.split(['/', '\\']).any(|part| part == "..") {
        Some("it leads out of its directory with `..`")
    } else if name.contains('\\') {
        Some("it holds a backslash; between directories stands `/`")
    } else {
        None
    }
}

/// The file with another stored name and all else byte by byte as it was; `file` is its name for messages.
///
/// A new name may hold directories (`package/module.py`) but no absolute path and no `..`. If the program itself uses
/// the old name as a string or an identifier, both share one entry; the old text then moves to a new entry at the
/// table's end and the program's indices are changed in place.
///
/// # Errors
/// Those of [`Mpy::parse`]; `NAME` if the new name will not do; `NAME_IN_USE` if the program uses the old name and the
/// table is too long for the move in place.
pub fn rename(bytes: &[u8], file: &str, new_name: &str) -> Result<Vec<u8>, Diagnostics> {
    if let Some(objection) = objection(new_name) {
        return Err(Diagnostic::error(
            &codes::NAME,
            format!("`{new_name}` cannot be stored as the name: {objection}"),
        )
        .hint("give a name such as `module.py` or `package/module.py`")
        .into());
    }
    let mut mpy = Mpy::parse(bytes, file)?;
    let fresh = mpy.qstrs.len() as u64;
    let uses = usage(&mpy.code, true);
    if uses.is_empty() {
        let range = read::name_range(bytes, file)?;
        let mut out = bytes.get(..range.start).unwrap_or_default().to_vec();
        write::qstr(&mut out, &Qstr::new(new_name));
        out.extend(bytes.get(range.end..).unwrap_or_default());
        return Ok(out);
    }
    let Some(index) = u8::try_from(fresh).ok().filter(|index| *index < 0x80) else {
        let old = mpy.qstrs.first().map(Qstr::display).unwrap_or_default();
        return Err(Diagnostic::error(&codes::NAME_IN_USE, format!("the program itself uses the string `{old}`"))
            .at(Place::file(file))
            .note("the stored name and the program's string are one entry of a table that is too long to add another")
            .hint("compile the source again with the new name: `mpy-cross -s NAME`")
            .into());
    };
    patch(&mut mpy.code, true, index);
    if let Some(first) = mpy.qstrs.first_mut() {
        let old = std::mem::replace(first, Qstr::new(new_name));
        mpy.qstrs.push(Qstr { offset: Offset(0), ..old });
    }
    Ok(mpy.write())
}

fn patch(code: &mut Code, outermost: bool, index: u8) {
    for at in usage_of(code, outermost) {
        if let Some(byte) = code.data.get_mut(at) {
            *byte = index;
        }
    }
    for child in code.children.iter_mut().flatten() {
        patch(child, false, index);
    }
}

/// Offsets in all code's data where entry 0 is used by the program and not as the name of the file.
fn usage(code: &Code, outermost: bool) -> Vec<usize> {
    let mut all = usage_of(code, outermost);
    all.extend(code.children().iter().flat_map(|child| usage(child, false)));
    all
}

/// Offsets in one piece of code's data of the single bytes that hold index 0. Machine code is not looked into: what a
/// linker makes never uses entry 0, and the compiler's native code is not decoded here.
fn usage_of(code: &Code, outermost: bool) -> Vec<usize> {
    let prelude_at = match code.body {
        Body::Bytecode => 0,
        Body::NativePy { prelude_offset } => usize::try_from(prelude_offset).unwrap_or(usize::MAX),
        _ => return Vec::new(),
    };
    let Some(prelude) = bytecode::prelude(&code.data, prelude_at) else {
        return Vec::new();
    };
    // The outermost code of a merged file is called by the file's name; that is no use by the program.
    let mut at = prelude.names_at;
    let mut all = Vec::new();
    for (position, name) in prelude.names.iter().enumerate() {
        if *name == 0 && !(outermost && position == 0) {
            all.push(at);
        }
        at = anymod_model::mpy::read_uint(&code.data, at).map_or(at, |(_, end)| end);
    }
    if code.body == Body::Bytecode {
        let instructions = code.data.get(prelude.instructions_at..).unwrap_or_default();
        let decoded = bytecode::instructions(instructions).unwrap_or_default();
        let used =
            decoded.iter().filter(|it| it.argument == Argument::Qstr(0) && it.end == it.at + 2);
        all.extend(used.map(|it| prelude.instructions_at + it.at + 1));
    }
    all
}
