//! Finds the constructors that must run before `mpy_init`.

use anymod_model::Diagnostic;
use anymod_model::codes::link as code;

use super::arch::isa;
use super::findings::Findings;
use super::options::Options;
use super::program::{Definition, Program, Role, SectionId};

/// The constructors in the order in which they run: by the priority in the section's name, then in input order.
pub(crate) fn find(
    program: &Program<'_>,
    options: &Options,
    findings: &mut Findings,
) -> Vec<Definition> {
    let mut arrays: Vec<(u32, SectionId)> = program
        .ids()
        .filter(|(_, section)| section.role == Role::Constructors && section.header.size > 0)
        .map(|(id, section)| (priority(section.header.name), id))
        .collect();
    arrays.sort_by_key(|(priority, _)| *priority);
    if let Some((_, first)) = arrays.first() {
        let refusal = match options.compat {
            Some(_) => {
                Some((&code::COMPAT_REFUSED, "MicroPython's linker never runs constructors"))
            }
            None if isa(options.arch).starter.is_none() => {
                Some((&code::CONSTRUCTORS, "this architecture cannot run constructors"))
            }
            None => None,
        };
        if let Some((code, message)) = refusal {
            let mut finding = Diagnostic::error(code, message);
            finding.place = program.place(*first, None);
            findings.push(finding);
            return Vec::new();
        }
    }
    let mut constructors = Vec::new();
    for (_, id) in arrays {
        let Some(section) = program.section(id) else { continue };
        let mut entries: Vec<_> = section.header.relocations.iter().collect();
        entries.sort_by_key(|entry| entry.offset);
        for entry in entries {
            let Some(target) = program.target(section.unit, entry.symbol) else { continue };
            // A section symbol names the function by the addend; with REL it is in the bytes, on Xtensa in both.
            let stored = section.header.data.get(entry.offset as usize..).unwrap_or(&[]);
            let stored = stored.first_chunk::<4>().map_or(0, |word| u32::from_le_bytes(*word));
            let addend = match entry.addend {
                None => u64::from(stored),
                Some(addend) if isa(options.arch).has_stored_addends => {
                    (addend as u64).wrapping_add(stored.into())
                }
                Some(addend) => addend as u64,
            };
            if let Definition::Section(id, value) = target.definition {
                let value = value.wrapping_add(addend);
                let value = if program.is_thumb { value & !1 } else { value };
                constructors.push(Definition::Section(id, value));
            }
        }
    }
    constructors
}

/// `.init_array.00101` runs before `.init_array`. In `.ctors` the order is the other way round, so that 100 is written as
/// 65435 (GCC, `default_asm_out_constructor`).
fn priority(name: &str) -> u32 {
    let number = name.rsplit('.').next().and_then(|tail| tail.parse().ok());
    match number {
        Some(number) if name.starts_with(".ctors.") => 65_535_u32.saturating_sub(number),
        Some(number) => number,
        None => u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::priority;

    #[test]
    fn both_spellings_have_one_order() {
        assert_eq!(priority(".init_array.00101"), 101);
        assert_eq!(priority(".ctors.65434"), 101);
        assert_eq!(priority(".init_array"), u32::MAX);
        assert_eq!(priority(".ctors"), u32::MAX);
    }
}
