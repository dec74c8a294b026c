//! One place in the output that a relocation changes, and what can go wrong there.

/// Everything a relocation may depend on. Addresses are offsets in the memory that the place is in.
#[derive(Debug)]
pub(crate) struct Patch<'a> {
    /// The section's bytes in the output.
    pub(crate) bytes: &'a mut [u8],
    /// Offset of the place in the section.
    pub(crate) offset: usize,
    /// Address of the place (`P`).
    pub(crate) place: i64,
    /// Address of the symbol (`S`), without the Thumb bit.
    pub(crate) symbol: i64,
    /// The symbol is a Thumb function: its address as data has bit 0 set (`T`).
    pub(crate) is_thumb: bool,
    /// Explicit addend (`A`); `None` if it is in the bytes.
    pub(crate) addend: Option<i64>,
    /// Address of the symbol's slot in the global offset table.
    pub(crate) slot: i64,
    /// The symbol is in the code's memory and named without its slot.
    pub(crate) skips_table: bool,
    /// Address of the global offset table.
    pub(crate) got: i64,
    /// For a low part: the whole value whose high part is elsewhere.
    pub(crate) paired: Option<i64>,
    /// The first term of a difference whose second term follows at the same place.
    pub(crate) minuend: Option<i64>,
    /// Address of the literal that the symbol and addend name (Xtensa).
    pub(crate) literal: Option<i64>,
    /// For the high part of an absolute address: what becomes of it.
    pub(crate) thunk: Option<HighForm>,
    /// MicroPython's own linker is to be reproduced.
    pub(crate) is_compat: bool,
}

/// What an instruction with the high part of an absolute address becomes (RISC-V).
#[derive(Clone, Copy, Debug)]
pub(crate) enum HighForm {
    /// It stays absolute.
    Fixed,
    /// It becomes relative to the place.
    Direct,
    /// It becomes a jump over this distance.
    Jump(i64),
}

/// Why a relocation cannot be performed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The place is outside the section.
    Outside,
    /// The value does not fit.
    Range {
        /// The value.
        value: i64,
        /// The least that fits.
        min: i64,
        /// The greatest that fits.
        max: i64,
    },
    /// The value must be a multiple.
    Misaligned {
        /// The value.
        value: i64,
        /// Of this.
        unit: i64,
    },
    /// The bytes are not the instruction that the relocation is for.
    Instruction(&'static str),
    /// MicroPython's own linker gets this one wrong.
    Compat,
    /// A low part without its high part.
    Unpaired,
    /// Cannot be done at load time.
    NotPositionIndependent,
}

impl Patch<'_> {
    fn get<const N: usize>(&self, at: usize) -> Result<[u8; N], Trouble> {
        let start = self.offset.checked_add(at).ok_or(Trouble::Outside)?;
        self.bytes
            .get(start..)
            .and_then(|tail| tail.first_chunk::<N>())
            .copied()
            .ok_or(Trouble::Outside)
    }

    fn put<const N: usize>(&mut self, at: usize, value: [u8; N]) -> Result<(), Trouble> {
        let start = self.offset.checked_add(at).ok_or(Trouble::Outside)?;
        let slot = self
            .bytes
            .get_mut(start..)
            .and_then(|tail| tail.first_chunk_mut::<N>())
            .ok_or(Trouble::Outside)?;
        *slot = value;
        Ok(())
    }

    /// The byte before the place, counted backwards from 1.
    pub(crate) fn before(&self, back: usize) -> Option<u8> {
        self.bytes.get(self.offset.checked_sub(back)?).copied()
    }

    /// Changes a byte before the place.
    pub(crate) fn set_before(&mut self, back: usize, value: u8) {
        if let Some(at) = self.offset.checked_sub(back)
            && let Some(byte) = self.bytes.get_mut(at)
        {
            *byte = value;
        }
    }

    /// Reads a byte.
    pub(crate) fn u8(&self, at: usize) -> Result<u8, Trouble> {
        Ok(u8::from_le_bytes(self.get(at)?))
    }

    /// Reads a half-word.
    pub(crate) fn u16(&self, at: usize) -> Result<u16, Trouble> {
        Ok(u16::from_le_bytes(self.get(at)?))
    }

    /// Reads a word.
    pub(crate) fn u32(&self, at: usize) -> Result<u32, Trouble> {
        Ok(u32::from_le_bytes(self.get(at)?))
    }

    /// Reads a double word.
    pub(crate) fn u64(&self, at: usize) -> Result<u64, Trouble> {
        Ok(u64::from_le_bytes(self.get(at)?))
    }

    /// Writes a byte.
    pub(crate) fn set_u8(&mut self, at: usize, value: u8) -> Result<(), Trouble> {
        self.put(at, value.to_le_bytes())
    }

    /// Writes a half-word.
    pub(crate) fn set_u16(&mut self, at: usize, value: u16) -> Result<(), Trouble> {
        self.put(at, value.to_le_bytes())
    }

    /// Writes a word.
    pub(crate) fn set_u32(&mut self, at: usize, value: u32) -> Result<(), Trouble> {
        self.put(at, value.to_le_bytes())
    }

    /// Writes a double word.
    pub(crate) fn set_u64(&mut self, at: usize, value: u64) -> Result<(), Trouble> {
        self.put(at, value.to_le_bytes())
    }

    /// The addend: explicit, or the signed word at the place.
    pub(crate) fn addend32(&self) -> Result<i64, Trouble> {
        match self.addend {
            Some(addend) => Ok(addend),
            None => Ok(i64::from(self.u32(0)? as i32)),
        }
    }

    /// The addend: explicit, or the signed double word at the place.
    pub(crate) fn addend64(&self) -> Result<i64, Trouble> {
        match self.addend {
            Some(addend) => Ok(addend),
            None => Ok(self.u64(0)? as i64),
        }
    }

    /// The symbol's address as data sees it: with the Thumb bit, `(S + A) | T`.
    pub(crate) fn address(&self, addend: i64) -> i64 {
        self.symbol.wrapping_add(addend) | i64::from(self.is_thumb)
    }

    /// Stores a signed 32-bit value.
    pub(crate) fn store32(&mut self, value: i64) -> Result<(), Trouble> {
        let value = signed(value, 32)?;
        self.set_u32(0, value as u32)
    }
}

/// Checks that a value fits in a number of bits as a signed integer.
pub(crate) fn signed(value: i64, bits: u32) -> Result<i64, Trouble> {
    let (min, max) = (-1 << (bits - 1), (1 << (bits - 1)) - 1);
    match (min..=max).contains(&value) {
        true => Ok(value),
        false => Err(Trouble::Range { value, min, max }),
    }
}

/// Checks that a value is a multiple of `unit`, a power of two.
pub(crate) fn multiple(value: i64, unit: i64) -> Result<i64, Trouble> {
    match value & (unit - 1) {
        0 => Ok(value),
        _ => Err(Trouble::Misaligned { value, unit }),
    }
}
