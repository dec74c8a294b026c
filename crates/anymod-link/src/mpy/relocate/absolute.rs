//! Performs what `crate::mpy::absolute` planned for a section's absolute addresses (RISC-V).

use anymod_model::codes::link as code;

use super::{Failure, Linker, Site};
use crate::mpy::absolute::{High, Low, THUNK_SIZE};
use crate::mpy::arch::patch::{HighForm, Trouble};
use crate::mpy::arch::riscv;
use crate::mpy::layout::{Address, Memory};
use crate::mpy::program::{Definition, SectionId};
use crate::read::elf::Relocation;

impl Linker<'_, '_> {
    /// The high part of an absolute address (RISC-V), with its thunk if it has one.
    pub(super) fn absolute_high(
        &mut self,
        id: SectionId,
        site: &Site<'_, '_>,
    ) -> Result<(), Failure> {
        let offset = site.relocation.offset;
        let place = site.base.offset.wrapping_add(offset) as i64;
        let plan = self.needs.absolute.get(&id).and_then(|plan| plan.highs.get(&offset));
        let (number, addend) = match plan.ok_or(Trouble::Unpaired)? {
            High::Fixed => return self.relocation_as(site, Some(HighForm::Fixed)),
            High::Direct => return self.relocation_as(site, Some(HighForm::Direct)),
            High::Thunk(number, addend) => (*number, *addend),
        };
        let start = self.layout.thunks.get(&id).ok_or(Trouble::Unpaired)?;
        let at = start + u64::from(number) * THUNK_SIZE;
        let value = match self.layout.address(site.target.definition, self.needs) {
            Some(address) if address.memory != Memory::Text => {
                let why = "the symbol is loaded into other memory than the place";
                return Err(Failure::Finding(&code::CROSS_MEMORY, why.into()));
            }
            Some(address) => riscv::Yield::Address(address.offset as i64 + addend - at as i64),
            None => {
                let slot = self.slot(&site.target) as i64;
                riscv::Yield::Word(slot - at as i64, self.word == 8)
            }
        };
        let tail = site.section.header.data.get(offset as usize..).unwrap_or(&[]);
        let word = tail.first_chunk::<4>().map(|word| u32::from_le_bytes(*word));
        let code = riscv::thunk(word.ok_or(Trouble::Outside)?, value, place + 4 - at as i64)?;
        self.write(Address { memory: Memory::Text, offset: at }, &code);
        self.relocation_as(site, Some(HighForm::Jump(at as i64 - place)))
    }

    /// What a low part of an absolute address holds (RISC-V).
    pub(super) fn absolute_low(
        &self,
        id: SectionId,
        base: Address,
        relocation: &Relocation,
        definition: Definition,
    ) -> Option<i64> {
        let address = match definition {
            Definition::Absolute(address) => address,
            _ => self.layout.address(definition, self.needs).map_or(0, |address| address.offset),
        };
        let value = (address as i64).wrapping_add(relocation.addend.unwrap_or(0));
        match self.needs.absolute.get(&id)?.lows.get(&relocation.offset)? {
            Low::Fixed => Some(value),
            Low::Plain(number) => Some(*number),
            Low::With(high) => Some(value.wrapping_sub(base.offset.wrapping_add(*high) as i64)),
        }
    }
}
