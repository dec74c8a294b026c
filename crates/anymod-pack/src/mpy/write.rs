//! Values to bytes: the inverse of `read`.

use anymod_model::mpy::{self, write_uint};
use anymod_model::{Abi, mpy::RELOC_END};

use super::file::{Body, Code, Destination, Header, Mpy, Object, Qstr, QstrText, Relocation};

impl Mpy {
    /// The file's bytes. What was read with [`Mpy::parse`] comes back as it was (but see [`Mpy::overlong`]).
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        header(&mut out, &self.header);
        write_uint(&mut out, self.qstrs.len() as u64);
        write_uint(&mut out, self.objects.len() as u64);
        self.qstrs.iter().for_each(|entry| qstr(&mut out, entry));
        self.objects.iter().for_each(|entry| object(&mut out, entry));
        code(&mut out, &self.code);
        out.extend(&self.trailing);
        out
    }
}

pub(super) fn header(out: &mut Vec<u8>, header: &Header) {
    let follow = if header.arch_flags.is_some() { mpy::ARCH_FLAGS_FOLLOW } else { 0 };
    // The architecture's bit 4 is where the flags' bit lies, so its number has only bits 0 to 3 and 5.
    let feature = (header.arch_number & 0x2f) << 2 | header.sub_version & 3 | follow;
    out.extend([mpy::MAGIC, Abi::VERSION, feature, header.small_int_bits]);
    if let Some(flags) = header.arch_flags {
        write_uint(out, flags);
    }
}

pub(super) fn qstr(out: &mut Vec<u8>, qstr: &Qstr) {
    match &qstr.text {
        QstrText::Static(number) => write_uint(out, number << 1 | 1),
        QstrText::Bytes(bytes) => {
            write_uint(out, (bytes.len() as u64) << 1);
            out.extend(bytes);
            out.push(0);
        }
    }
}

pub(super) fn object(out: &mut Vec<u8>, value: &Object) {
    let (kind, bytes, terminated) = match value {
        Object::FunTable => return out.push(0),
        Object::None => return out.push(1),
        Object::False => return out.push(2),
        Object::True => return out.push(3),
        Object::Ellipsis => return out.push(4),
        Object::Str(bytes) => (5, bytes, true),
        Object::Bytes(bytes) => (6, bytes, true),
        Object::Int(bytes) => (7, bytes, false),
        Object::Float(bytes) => (8, bytes, false),
        Object::Complex(bytes) => (9, bytes, false),
        Object::Tuple(items) => {
            out.push(10);
            write_uint(out, items.len() as u64);
            return items.iter().for_each(|item| object(out, item));
        }
    };
    out.push(kind);
    write_uint(out, bytes.len() as u64);
    out.extend(bytes);
    if terminated {
        out.push(0);
    }
}

pub(super) fn code(out: &mut Vec<u8>, code: &Code) {
    let has_children = u64::from(code.children.is_some()) << 2;
    write_uint(out, (code.data.len() as u64) << 3 | has_children | code.kind() as u64);
    out.extend(&code.data);
    body(out, &code.body);
    if let Some(children) = &code.children {
        write_uint(out, children.len() as u64);
        children.iter().for_each(|child| self::code(out, child));
    }
    if let Some(relocations) = &code.relocations {
        relocations.iter().for_each(|entry| relocation(out, entry));
        out.push(RELOC_END);
    }
}

fn body(out: &mut Vec<u8>, body: &Body) {
    match body {
        Body::Bytecode => {}
        Body::NativePy { prelude_offset } => write_uint(out, *prelude_offset),
        Body::Viper { scope_flags, rodata, bss } => {
            write_uint(out, *scope_flags);
            if scope_flags & mpy::SCOPE_RODATA != 0 {
                write_uint(out, rodata.len() as u64);
            }
            if scope_flags & mpy::SCOPE_BSS != 0 {
                write_uint(out, *bss);
            }
            if scope_flags & mpy::SCOPE_RODATA != 0 {
                out.extend(rodata);
            }
        }
        Body::Asm { scope_flags, n_pos_args, type_sig } => {
            write_uint(out, *scope_flags);
            write_uint(out, *n_pos_args);
            write_uint(out, *type_sig);
        }
    }
}

fn relocation(out: &mut Vec<u8>, relocation: &Relocation) {
    let counted = u8::from(relocation.count.is_some());
    let destination = match relocation.destination {
        Destination::Text => counted,
        Destination::Rodata => 2 + counted,
        Destination::Bss => 4 + counted,
        Destination::QstrTable => mpy::RELOC_QSTR_TABLE,
        Destination::ObjTable => mpy::RELOC_OBJ_TABLE,
        Destination::FunTable => mpy::RELOC_FUN_TABLE,
        Destination::FunTableEntry(index) => mpy::RELOC_FUN_TABLE_ENTRY + index,
    };
    out.push(destination << 1 | u8::from(relocation.address.is_some()));
    if let Some(address) = relocation.address {
        write_uint(out, address.word << 1 | u64::from(address.in_rodata));
    }
    if let (Some(count), 0..=5) = (relocation.count, destination) {
        write_uint(out, count);
    }
}
