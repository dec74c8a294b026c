//! A `.mpy` file as plain values. Owns the types and what can be read off one of them; reading and writing bytes is
//! `read` and `write`.

use anymod_model::{Abi, Arch, mpy};

/// A whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mpy {
    /// The fixed head.
    pub header: Header,
    /// The qstr table; entry 0 is the stored file name. Never empty in a file that was read.
    pub qstrs: Vec<Qstr>,
    /// The table of constant objects.
    pub objects: Vec<Object>,
    /// The outermost code, which the import runs.
    pub code: Code,
    /// Bytes after the end, which loaders never read.
    pub trailing: Vec<u8>,
    /// The first integer that the file spells longer than needed, if any. No known writer makes such files; writing
    /// this value back gives the short spelling, so only then do the bytes differ from those read.
    pub overlong: Option<Offset>,
}

/// Where a value stood in the file that it was read from, 0 in a value made by hand.
///
/// Two offsets always compare equal: a place is not part of what a value says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offset(pub usize);

impl PartialEq for Offset {
    fn eq(&self, _: &Offset) -> bool {
        true
    }
}

impl Eq for Offset {}

/// The head of a version 6 file, as it stands in the file.
///
/// Unlike [`mpy::Header`], which only says what anymod writes, this can hold every head that a loader accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Sub-version, 0 to 3. Meaningless without native code.
    pub sub_version: u8,
    /// Number of the native architecture, 0 for none.
    pub arch_number: u8,
    /// Bits of a small integer that the code was compiled for.
    pub small_int_bits: u8,
    /// Instruction-set extensions, if the head announces them.
    pub arch_flags: Option<u64>,
}

impl Header {
    /// The architecture, if it is one that anymod builds for.
    #[must_use]
    pub fn arch(&self) -> Option<Arch> {
        Arch::from_number(self.arch_number)
    }

    /// True if the head announces native code.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.arch_number != 0
    }

    /// The ABI of the native code.
    #[must_use]
    pub fn abi(&self) -> Option<Abi> {
        Abi::from_sub_version(self.sub_version)
    }

    /// The architecture's name as `mpy-cross -march` spells it; `none` without native code.
    #[must_use]
    pub fn arch_name(&self) -> String {
        arch_name(self.arch_number)
    }
}

/// The name of an architecture number, whatever it is.
pub(crate) fn arch_name(number: u8) -> String {
    match (number, Arch::number_name(number)) {
        (_, Some(name)) => name.to_owned(),
        (0, None) => "none".to_owned(),
        (_, None) => format!("unknown architecture {number}"),
    }
}

/// One entry of the qstr table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qstr {
    /// What it says.
    pub text: QstrText,
    /// Where its length stood.
    pub offset: Offset,
}

/// How a qstr is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QstrText {
    /// By its number among those that every firmware has, from 1.
    Static(u64),
    /// By its bytes, usually UTF-8.
    Bytes(Vec<u8>),
}

impl Qstr {
    /// A qstr in the form that compilers write: by number if it is static, else by its bytes.
    #[must_use]
    pub fn new(text: &str) -> Qstr {
        let position = mpy::STATIC_QSTRS.iter().position(|known| *known == text);
        let text = match position {
            Some(index) => QstrText::Static(index as u64 + 1),
            None => QstrText::Bytes(text.as_bytes().to_vec()),
        };
        Qstr { text, offset: Offset(0) }
    }

    /// Its bytes; empty for a number that no firmware knows.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.text {
            QstrText::Static(number) => mpy::static_qstr(*number).unwrap_or_default().as_bytes(),
            QstrText::Bytes(bytes) => bytes,
        }
    }

    /// Its text, with replacement characters where the bytes are no UTF-8.
    #[must_use]
    pub fn display(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.bytes())
    }
}

/// One constant object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// `mp_fun_table`, which viper code of old compilers asks for.
    FunTable,
    /// `None`.
    None,
    /// `False`.
    False,
    /// `True`.
    True,
    /// `...`.
    Ellipsis,
    /// A string, in UTF-8.
    Str(Vec<u8>),
    /// A bytes object.
    Bytes(Vec<u8>),
    /// An integer, in decimal digits.
    Int(Vec<u8>),
    /// A floating point number, as Python prints it.
    Float(Vec<u8>),
    /// A complex number, as Python prints it.
    Complex(Vec<u8>),
    /// A tuple.
    Tuple(Vec<Object>),
}

/// A piece of code and the pieces that it makes functions of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Bytecode with its prelude, or machine code.
    pub data: Vec<u8>,
    /// What the data is, with the fields that only that kind has.
    pub body: Body,
    /// The pieces inside; `None` if the head of the code says that it has none, which is not the same as no pieces.
    pub children: Option<Vec<Code>>,
    /// Relocations; present exactly if the scope flags say so ([`Code::scope_flags`]).
    pub relocations: Option<Vec<Relocation>>,
    /// Where the data began.
    pub offset: Offset,
}

/// What a piece of code is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Bytecode.
    Bytecode,
    /// Python compiled to machine code, with a bytecode prelude somewhere in the data.
    NativePy {
        /// Offset of the prelude in the data.
        prelude_offset: u64,
    },
    /// Viper code, and every module that a native linker makes.
    Viper {
        /// Scope flags; they decide which of the next two fields the file has.
        scope_flags: u64,
        /// Read-only data of its own, if [`mpy::SCOPE_RODATA`] is set.
        rodata: Vec<u8>,
        /// Bytes of zeroed memory of its own, if [`mpy::SCOPE_BSS`] is set.
        bss: u64,
    },
    /// Inline assembler.
    Asm {
        /// Scope flags.
        scope_flags: u64,
        /// Number of arguments.
        n_pos_args: u64,
        /// Types of the arguments and the result, four bits each.
        type_sig: u64,
    },
}

impl Code {
    /// The kind, as the head of the code holds it.
    #[must_use]
    pub fn kind(&self) -> mpy::Kind {
        match self.body {
            Body::Bytecode => mpy::Kind::Bytecode,
            Body::NativePy { .. } => mpy::Kind::NativePy,
            Body::Viper { .. } => mpy::Kind::NativeViper,
            Body::Asm { .. } => mpy::Kind::NativeAsm,
        }
    }

    /// The scope flags that the loader acts on: read from the prelude for [`Body::NativePy`], 0 for bytecode.
    #[must_use]
    pub fn scope_flags(&self) -> u64 {
        match self.body {
            Body::Bytecode => 0,
            Body::NativePy { prelude_offset } => usize::try_from(prelude_offset)
                .ok()
                .and_then(|at| super::bytecode::signature(&self.data, at))
                .map_or(0, |(signature, _)| signature.scope_flags),
            Body::Viper { scope_flags, .. } | Body::Asm { scope_flags, .. } => scope_flags,
        }
    }

    /// The pieces inside, none if there are none.
    #[must_use]
    pub fn children(&self) -> &[Code] {
        self.children.as_deref().unwrap_or_default()
    }

    /// This piece and all inside it, outer before inner.
    pub fn walk(&self) -> impl Iterator<Item = &Code> {
        let mut pending = vec![self];
        std::iter::from_fn(move || {
            let code = pending.pop()?;
            pending.extend(code.children().iter().rev());
            Some(code)
        })
    }

    /// The relocations with the place that each one changes, as the loader would go through them.
    ///
    /// A relocation without an address goes on where the one before it ended; `None` if there is none before it.
    pub fn relocated(&self) -> impl Iterator<Item = (Option<Address>, &Relocation)> {
        let mut next: Option<Address> = None;
        self.relocations.iter().flatten().map(move |relocation| {
            let place = relocation.address.or(next);
            next = place.map(|place| Address {
                word: place.word.saturating_add(relocation.words()),
                ..place
            });
            (place, relocation)
        })
    }
}

/// One relocation: words that the loader adds an address to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// What is added.
    pub destination: Destination,
    /// The first word changed; `None` to go on after the relocation before.
    pub address: Option<Address>,
    /// How many words in a row, if the file says; only for [`Destination::Text`], `Rodata` and `Bss`.
    pub count: Option<u64>,
    /// Where its first byte stood.
    pub offset: Offset,
}

impl Relocation {
    /// Number of words changed.
    #[must_use]
    pub fn words(&self) -> u64 {
        self.count.unwrap_or(1)
    }
}

/// A word in native code or in its read-only data, counted in words of the architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The word is in the read-only data, not in the code.
    pub in_rodata: bool,
    /// Its index.
    pub word: u64,
}

/// What a relocation adds to a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Address of the code.
    Text,
    /// Address of its read-only data.
    Rodata,
    /// Address of its zeroed memory.
    Bss,
    /// Address of the qstr table, 16 bits an entry.
    QstrTable,
    /// Address of the object table.
    ObjTable,
    /// Address of `mp_fun_table`.
    FunTable,
    /// The content of an entry of `mp_fun_table`: a function's or object's address.
    FunTableEntry(u8),
}
