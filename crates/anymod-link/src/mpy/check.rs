//! Whether an object belongs into a module of an architecture at all.

use anymod_model::codes::link as code;

use super::options::Options;
use crate::read::Fault;
use crate::read::elf::Object;

/// Refuses an object of another class or machine.
pub(crate) fn object(object: &Object<'_>, options: &Options) -> Result<(), Fault> {
    let arch = options.arch.info();
    let is_64 = arch.word_size == 8;
    if object.machine != arch.elf_machine {
        let message = format!(
            "object for {}, but the module is for {}",
            machine_name(object.machine),
            arch.name
        );
        return Err(Fault::new(&code::WRONG_MACHINE, message)
            .hint("compile it with the target's own compiler and options"));
    }
    if object.is_64 != is_64 {
        let (have, want) = if is_64 { (32, 64) } else { (64, 32) };
        let message = format!("{have}-bit object, but {} modules are {want}-bit", arch.name);
        return Err(Fault::new(&code::WRONG_CLASS, message)
            .hint("compile it with the target's own options"));
    }
    Ok(())
}

/// The names of machines that people are likely to mix up, by `e_machine`.
fn machine_name(machine: u16) -> String {
    let name = match machine {
        3 => "32-bit x86",
        8 => "MIPS",
        40 => "ARM",
        62 => "x86-64",
        83 => "AVR",
        94 => "Xtensa",
        183 => "AArch64",
        243 => "RISC-V",
        _ => return format!("ELF machine {machine}"),
    };
    name.to_string()
}
