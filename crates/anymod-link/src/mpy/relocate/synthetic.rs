//! Fills what the linker makes itself: global offset table, literals, veneers, shims, the constructors' calls.

use anymod_model::Diagnostic;
use anymod_model::codes::link as code;

use super::Linker;
use crate::mpy::arch::Transfer;
use crate::mpy::layout::{Address, Memory};
use crate::mpy::program::{Definition, Role, Runtime};
use crate::mpy::resolve::ENTRY;
use crate::mpy::shim;

impl Linker<'_, '_> {
    /// Fills the global offset table, grouped by destination so that neighbours share an entry.
    pub(super) fn slots(&mut self) {
        let needs = self.needs;
        let mut order: Vec<usize> = (0..needs.slots.list.len()).collect();
        order.sort_by_key(|index| {
            needs.slots.list.get(*index).map(|slot| self.group(slot.definition))
        });
        self.image.slot_positions = vec![0; order.len()];
        for (position, index) in order.into_iter().enumerate() {
            let offset = self.layout.got + position as u64 * self.word;
            let Some(slot) = needs.slots.list.get(index) else { continue };
            if let Some(entry) = self.image.slot_positions.get_mut(index) {
                *entry = offset;
            }
            let thumb = self.program.is_thumb && slot.is_function;
            let at = Address { memory: Memory::Text, offset };
            self.store_address(at, slot.definition, thumb, slot.addend);
        }
    }

    /// The order of slots: outside the module, code, constants, zeroed memory.
    fn group(&self, definition: Definition) -> u8 {
        let Definition::Section(id, _) = definition else { return 1 };
        let Some(section) = self.program.section(id) else { return 0 };
        match section.role {
            Role::Text => 2,
            Role::Rodata | Role::RelocatedRodata => 3,
            Role::Bss => 4,
            _ => 0,
        }
    }

    /// Fills the literals that are plain values.
    pub(super) fn literals(&mut self) {
        let needs = self.needs;
        for (value, number) in needs.literals.values.iter().zip(0..) {
            let offset = self.layout.literals + number * self.word;
            self.write_word(Address { memory: Memory::Text, offset }, u64::from(*value));
        }
    }

    pub(super) fn veneer(&mut self, offset: u64, definition: Definition) {
        let Some(veneer) = &self.isa.veneer else { return };
        self.write(Address { memory: Memory::Text, offset }, veneer.code);
        let offset = offset + veneer.code.len() as u64;
        // What is called on an M-profile core is Thumb code, even if a list of ROM addresses leaves the bit out.
        let definition = match definition {
            Definition::Absolute(address) if self.program.is_thumb => {
                Definition::Absolute(address | 1)
            }
            other => other,
        };
        self.store_address(Address { memory: Memory::Text, offset }, definition, false, 0);
    }

    pub(super) fn shim(&mut self, offset: u64, number: u32) {
        let shim = self.needs.shims.get(number as usize).and_then(|number| shim::get(*number));
        let Some(shim) = shim else { return };
        self.write(Address { memory: Memory::Text, offset }, shim.code);
        if let Some(entry) = shim.then {
            let definition = Definition::Runtime(Runtime::FunTableEntry(entry));
            self.veneer(offset + shim.code.len() as u64, definition);
        }
    }

    /// Calls every constructor, then goes on to `mpy_init`.
    pub(super) fn starter(&mut self, start: u64) {
        let Some(starter) = &self.isa.starter else { return };
        let entry = self.program.global(ENTRY).map(|global| global.definition);
        let mut bytes = starter.open.to_vec();
        let mut reaches = true;
        let mut go = |bytes: &mut Vec<u8>, to: Option<Definition>, encode: Transfer| {
            let from = start + bytes.len() as u64;
            let to = to.and_then(|to| self.layout.address(to, self.needs));
            match to.and_then(|to| encode(from, to.offset)) {
                Some(code) => bytes.extend(code),
                None => reaches = false,
            }
        };
        for constructor in self.constructors {
            go(&mut bytes, Some(*constructor), starter.call);
        }
        bytes.extend(starter.close);
        go(&mut bytes, entry, starter.enter);
        bytes.extend(starter.tail);
        if !reaches {
            let message = "the entry code does not reach a constructor or `mpy_init`";
            self.findings.push(Diagnostic::error(&code::OUT_OF_RANGE, message));
        }
        self.write(Address { memory: Memory::Text, offset: start }, &bytes);
    }
}
