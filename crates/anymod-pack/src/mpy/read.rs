//! Bytes to values, with the offset of the first thing that is wrong.
//!
//! Every length is held against what is left of the file before anything is allocated, and nesting is bounded, so that
//! a hostile file costs no more than its own size.

use anymod_model::codes::pack as codes;
use anymod_model::{Abi, Code as DiagnosticCode, Diagnostic, Diagnostics, Place, mpy};

use super::bytecode;
use super::file::{
    Address, Body, Code, Destination, Header, Mpy, Object, Offset, Qstr, QstrText, Relocation,
};

/// How deep tuples and pieces of code may nest. Loaders recurse on a small stack; no compiler goes near this.
pub const MAX_DEPTH: usize = 100;

impl Mpy {
    /// Reads a file; `file` is its name for messages.
    ///
    /// # Errors
    /// `NOT_MPY`, `MPY_VERSION`, `MPY_TRUNCATED`, `MPY_MALFORMED` or `MPY_TOO_DEEP`, at the offset of the field.
    pub fn parse(bytes: &[u8], file: &str) -> Result<Mpy, Diagnostics> {
        let mut reader = Reader::new(bytes, file);
        let header = reader.header()?;
        let n_qstrs = reader.uint("the number of qstrs")?;
        let n_objects = reader.uint("the number of objects")?;
        if n_qstrs == 0 {
            return Err(
                reader.malformed(reader.at, "the qstr table is empty, so there is no file name")
            );
        }
        let qstrs = reader.repeat(n_qstrs, Reader::qstr)?;
        let objects = reader.repeat(n_objects, |reader| reader.object(0))?;
        let code = reader.code(0)?;
        let trailing = bytes.get(reader.at..).unwrap_or_default().to_vec();
        Ok(Mpy { header, qstrs, objects, code, trailing, overlong: reader.overlong.map(Offset) })
    }
}

/// The byte range of the stored file name's qstr.
pub(super) fn name_range(bytes: &[u8], file: &str) -> Result<std::ops::Range<usize>, Diagnostics> {
    let mut reader = Reader::new(bytes, file);
    reader.header()?;
    reader.uint("the number of qstrs")?;
    reader.uint("the number of objects")?;
    let start = reader.at;
    reader.qstr()?;
    Ok(start..reader.at)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    file: &'a str,
    overlong: Option<usize>,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], file: &'a str) -> Reader<'a> {
        Reader { bytes, at: 0, file, overlong: None }
    }

    #[cold]
    fn error(
        &self,
        code: &'static DiagnosticCode,
        at: usize,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::error(code, message).at(Place::offset(self.file, at as u64))
    }

    #[cold]
    fn malformed(&self, at: usize, message: impl Into<String>) -> Diagnostics {
        self.error(&codes::MPY_MALFORMED, at, message)
            .hint("the file is damaged, or another program wrote it wrongly: make it again")
            .into()
    }

    #[cold]
    fn truncated(&self, at: usize, what: &str) -> Diagnostics {
        self.error(&codes::MPY_TRUNCATED, at, format!("the file ends inside {what}"))
            .note(format!("the file has {} bytes", self.bytes.len()))
            .hint("the file was cut short or damaged: make or copy it again")
            .into()
    }

    fn byte(&mut self, what: &str) -> Result<u8, Diagnostics> {
        let Some(byte) = self.bytes.get(self.at) else {
            return Err(self.truncated(self.at, what));
        };
        self.at += 1;
        Ok(*byte)
    }

    fn uint(&mut self, what: &str) -> Result<u64, Diagnostics> {
        let start = self.at;
        let Some((value, end)) = mpy::read_uint(self.bytes, start) else {
            let rest = self.bytes.get(start..).unwrap_or_default();
            if rest.iter().all(|byte| byte & 0x80 != 0) {
                return Err(self.truncated(start, what));
            }
            return Err(self.malformed(start, format!("{what} does not fit 64 bits")));
        };
        self.at = end;
        if self.bytes.get(start) == Some(&0x80) {
            self.overlong.get_or_insert(start);
        }
        Ok(value)
    }

    fn take(&mut self, len: u64, what: &str) -> Result<&'a [u8], Diagnostics> {
        let end = usize::try_from(len).ok().and_then(|len| self.at.checked_add(len));
        let Some(taken) = end.and_then(|end| self.bytes.get(self.at..end)) else {
            return Err(self.truncated(self.at, what));
        };
        self.at += taken.len();
        Ok(taken)
    }

    /// Reads `count` things, each of at least one byte, so that the file's end bounds the allocation.
    fn repeat<T>(
        &mut self,
        count: u64,
        mut one: impl FnMut(&mut Self) -> Result<T, Diagnostics>,
    ) -> Result<Vec<T>, Diagnostics> {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn header(&mut self) -> Result<Header, Diagnostics> {
        let what = "the header";
        if self.byte(what)? != mpy::MAGIC {
            return Err(self.not_mpy());
        }
        let version = self.byte(what)?;
        if version != Abi::VERSION {
            return Err(self.other_version(version));
        }
        let feature = self.byte(what)?;
        let small_int_bits = self.byte(what)?;
        let arch_flags = match feature & mpy::ARCH_FLAGS_FOLLOW {
            0 => None,
            _ => Some(self.uint("the architecture flags")?),
        };
        Ok(Header {
            sub_version: feature & 3,
            arch_number: feature >> 2 & 0x2f,
            small_int_bits,
            arch_flags,
        })
    }

    #[cold]
    fn not_mpy(&self) -> Diagnostics {
        let error =
            self.error(&codes::NOT_MPY, 0, "this is not a `.mpy` file: it does not begin with `M`");
        match self.bytes {
            [b'C', 0..=9, ..] => error
                .note("it looks like a file for CircuitPython, whose format is another")
                .hint("build the module with MicroPython's tools"),
            _ => error.hint("give a file that `mpy-cross`, `mpy_ld.py` or `anymod` made"),
        }
        .into()
    }

    #[cold]
    fn other_version(&self, version: u8) -> Diagnostics {
        let message = match old_releases(version) {
            Some(releases) => format!("`.mpy` version {version} is for MicroPython {releases}"),
            None => format!("`.mpy` version {version} is not known"),
        };
        self.error(&codes::MPY_VERSION, 1, message)
            .note("only version 6 is read, which MicroPython 1.19 and later load")
            .hint("make the file again with the `mpy-cross` or linker of the firmware's release")
            .into()
    }

    fn qstr(&mut self) -> Result<Qstr, Diagnostics> {
        let offset = Offset(self.at);
        let len = self.uint("a qstr's length")?;
        if len & 1 != 0 {
            return Ok(Qstr { text: QstrText::Static(len >> 1), offset });
        }
        let bytes = self.take(len >> 1, "a qstr")?.to_vec();
        self.nul("a qstr")?;
        Ok(Qstr { text: QstrText::Bytes(bytes), offset })
    }

    fn nul(&mut self, what: &str) -> Result<(), Diagnostics> {
        let at = self.at;
        match self.byte(what)? {
            0 => Ok(()),
            other => {
                Err(self.malformed(at, format!("{what} ends with byte {other:#04x}, not with NUL")))
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Object, Diagnostics> {
        let at = self.at;
        let kind = self.byte("an object")?;
        match kind {
            0 => return Ok(Object::FunTable),
            1 => return Ok(Object::None),
            2 => return Ok(Object::False),
            3 => return Ok(Object::True),
            4 => return Ok(Object::Ellipsis),
            5..=10 => {}
            _ => return Err(self.malformed(at, format!("object kind {kind} is not known"))),
        }
        let len = self.uint("an object's length")?;
        if kind == 10 {
            self.bound(depth, at, "tuples")?;
            return Ok(Object::Tuple(self.repeat(len, |reader| reader.object(depth + 1))?));
        }
        let bytes = self.take(len, "an object")?.to_vec();
        if kind <= 6 {
            self.nul("a string object")?;
        }
        Ok(match kind {
            5 => Object::Str(bytes),
            6 => Object::Bytes(bytes),
            7 => Object::Int(bytes),
            8 => Object::Float(bytes),
            _ => Object::Complex(bytes),
        })
    }

    fn bound(&self, depth: usize, at: usize, what: &str) -> Result<(), Diagnostics> {
        if depth < MAX_DEPTH {
            return Ok(());
        }
        let error =
            self.error(&codes::MPY_TOO_DEEP, at, format!("{what} nest deeper than {MAX_DEPTH}"));
        Err(error.hint("the file is damaged: a device would run out of stack on it").into())
    }

    fn code(&mut self, depth: usize) -> Result<Code, Diagnostics> {
        self.bound(depth, self.at, "pieces of code")?;
        let kind_len = self.uint("the head of a piece of code")?;
        let offset = Offset(self.at);
        let data = self.take(kind_len >> 3, "a piece of code")?.to_vec();
        let body = self.body(mpy::Kind::from_kind_len(kind_len), &data)?;
        let mut code = Code { data, body, children: None, relocations: None, offset };
        if kind_len & 4 != 0 {
            let count = self.uint("the number of pieces of code")?;
            code.children = Some(self.repeat(count, |reader| reader.code(depth + 1))?);
        }
        // Loaders take relocations after the children (`load_raw_code`), whatever other readers do.
        if code.scope_flags() & mpy::SCOPE_RELOC != 0 {
            code.relocations = Some(self.relocations()?);
        }
        Ok(code)
    }

    fn body(&mut self, kind: mpy::Kind, data: &[u8]) -> Result<Body, Diagnostics> {
        let flags = "scope flags";
        match kind {
            mpy::Kind::Bytecode => match bytecode::signature(data, 0) {
                Some(_) => Ok(Body::Bytecode),
                None => Err(self.malformed(self.at, "bytecode ends inside its prelude")),
            },
            mpy::Kind::NativePy => {
                let at = self.at;
                let prelude_offset = self.uint("a prelude's offset")?;
                let prelude = usize::try_from(prelude_offset).ok();
                match prelude.and_then(|prelude| bytecode::signature(data, prelude)) {
                    Some(_) => Ok(Body::NativePy { prelude_offset }),
                    None => {
                        Err(self
                            .malformed(at, "the prelude of native code lies outside of the code"))
                    }
                }
            }
            mpy::Kind::NativeViper => {
                let scope_flags = self.uint(flags)?;
                let has = |flag| scope_flags & flag != 0;
                let len = if has(mpy::SCOPE_RODATA) { self.uint("the rodata's size")? } else { 0 };
                let bss = if has(mpy::SCOPE_BSS) { self.uint("the bss' size")? } else { 0 };
                let rodata = self.take(len, "the rodata")?.to_vec();
                Ok(Body::Viper { scope_flags, rodata, bss })
            }
            mpy::Kind::NativeAsm => Ok(Body::Asm {
                scope_flags: self.uint(flags)?,
                n_pos_args: self.uint("a number of arguments")?,
                type_sig: self.uint("a type signature")?,
            }),
        }
    }

    fn relocations(&mut self) -> Result<Vec<Relocation>, Diagnostics> {
        let what = "the relocations";
        let mut all = Vec::new();
        loop {
            let offset = Offset(self.at);
            let op = self.byte(what)?;
            if op == mpy::RELOC_END {
                return Ok(all);
            }
            let address = match op & 1 {
                0 => None,
                _ => {
                    let packed = self.uint(what)?;
                    Some(Address { in_rodata: packed & 1 != 0, word: packed >> 1 })
                }
            };
            let kind = op >> 1;
            let count = if kind <= 5 && kind & 1 != 0 { Some(self.uint(what)?) } else { None };
            let destination = match kind {
                0 | 1 => Destination::Text,
                2 | 3 => Destination::Rodata,
                4 | 5 => Destination::Bss,
                mpy::RELOC_QSTR_TABLE => Destination::QstrTable,
                mpy::RELOC_OBJ_TABLE => Destination::ObjTable,
                mpy::RELOC_FUN_TABLE => Destination::FunTable,
                entry => Destination::FunTableEntry(entry - mpy::RELOC_FUN_TABLE_ENTRY),
            };
            all.push(Relocation { destination, address, count, offset });
        }
    }
}

/// The releases of an older major version: the release table of MicroPython's `docs/reference/mpyfiles.rst`.
fn old_releases(version: u8) -> Option<&'static str> {
    match version {
        0 => Some("1.5.1 to 1.8.7"),
        1 => Some("between 1.8.7 and 1.9 (never released)"),
        2 => Some("1.9 to 1.9.2"),
        3 => Some("1.9.3 to 1.10"),
        4 => Some("1.11"),
        5 => Some("1.12 to 1.18"),
        _ => None,
    }
}
