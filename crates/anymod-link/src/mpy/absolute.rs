//! Makes RISC-V's absolute addresses relative to the place.
//!
//! Code for the medium-low model (picolibc, libgcc) builds addresses with `lui` and a low part in some later
//! instruction; no loader can adjust that. Two ways out, for each `lui`:
//!
//! - **Direct.** Where `riscv_flow` proves which low parts belong to it, the `lui` becomes an `auipc` and the low parts
//!   the rest of the distance from there.
//! - **Through a thunk.** Otherwise the `lui` becomes a jump to a few instructions behind the section, which put the whole
//!   address into the register and jump back. Low parts then only hold what their addend differs. As every `lui` of a
//!   symbol yields the same address, it does not matter which of them a low part gets its register from.
//!
//! The address of something outside the module is loaded from the global offset table by the thunk.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::arch::Usage;
use super::arch::riscv_flow::{Targets, follow};
use super::program::{Definition, Program, SectionId, Target};
use super::scan::ADDEND;

/// What becomes of a `lui`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum High {
    /// It stays: the address is the same wherever the module is loaded.
    Fixed,
    /// It becomes an `auipc`.
    Direct,
    /// It becomes a jump to the thunk of this number, which yields the symbol plus the addend.
    Thunk(u32, i64),
}

/// What becomes of a low part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Low {
    /// It stays the low part of the address.
    Fixed,
    /// It is the rest of the distance from the `auipc` at this offset.
    With(u64),
    /// It is this number.
    Plain(i64),
}

/// What becomes of the absolute addresses of a section.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// By offset of the `lui`.
    pub(crate) highs: FxHashMap<u64, High>,
    /// By offset of the low part.
    pub(crate) lows: FxHashMap<u64, Low>,
    /// How many thunks there are.
    pub(crate) thunks: u32,
}

/// Size of a thunk: `auipc`, `addi` or load, `jal`.
pub(crate) const THUNK_SIZE: u64 = 12;

/// The immediates of one low part: 0 to 2047 above its high part's address.
const REACH: i64 = 2047;

/// Two `lui` nearer than this might serve each other's low parts, as a compiler that knows an alignment may share them.
const SHARED: i64 = 16;

/// One absolute part before it is decided.
#[derive(Clone, Copy, Debug)]
struct Part {
    offset: u64,
    addend: i64,
    target: Target,
}

/// Plans a section, or returns the offset of a low part that has no high part.
pub(crate) fn plan(
    program: &Program<'_>,
    id: SectionId,
    mentioned: &Mentioned,
    is_64: bool,
) -> Result<Plan, u64> {
    let mut plan = Plan::default();
    let Some(section) = program.section(id) else { return Ok(plan) };
    // By symbol: sorted, so that thunks are numbered alike in every run.
    let mut highs: BTreeMap<u32, Vec<Part>> = BTreeMap::new();
    let mut lows: BTreeMap<u32, Vec<Part>> = BTreeMap::new();
    for relocation in section.header.relocations.iter() {
        let parts = match super::arch::riscv::usage(relocation.kind) {
            Some(Usage::AbsoluteHigh) => &mut highs,
            Some(Usage::AbsoluteLow) => &mut lows,
            _ => continue,
        };
        let Some(target) = program.target(section.unit, relocation.symbol) else { continue };
        let addend = relocation.addend.unwrap_or(0);
        if addend.unsigned_abs() > ADDEND {
            continue;
        }
        let part = Part { offset: relocation.offset, addend, target };
        parts.entry(relocation.symbol).or_default().push(part);
    }
    let mut targets = Targets::of(section.header.data, is_64);
    for offset in mentioned.offsets.get(&id).into_iter().flatten() {
        targets.add(*offset);
    }
    for (symbol, mut lows) in lows {
        let mut highs = highs.remove(&symbol).unwrap_or_default();
        let first = highs.first().or(lows.first()).map(|part| part.target.definition);
        if matches!(first, Some(Definition::Absolute(_) | Definition::Null)) {
            plan.highs.extend(highs.iter().map(|high| (high.offset, High::Fixed)));
            plan.lows.extend(lows.iter().map(|low| (low.offset, Low::Fixed)));
            continue;
        }
        let is_inside = matches!(first, Some(Definition::Section(..)));
        if is_inside {
            pair_directly(&mut plan, section.header.data, &targets, is_64, &mut highs, &mut lows);
        }
        through_thunks(&mut plan, &mut highs, &lows, is_inside)?;
    }
    // A high part without any low part: nothing can be wrong about its low bits.
    for high in highs.into_values().flatten() {
        let form = match high.target.definition {
            Definition::Absolute(_) | Definition::Null => High::Fixed,
            Definition::Section(..) => High::Thunk(plan.thunks, high.addend),
            _ => High::Thunk(plan.thunks, 0),
        };
        plan.thunks += u32::from(form != High::Fixed);
        plan.highs.insert(high.offset, form);
    }
    Ok(plan)
}

/// Decides what can be told for certain, and takes it out of the lists.
fn pair_directly(
    plan: &mut Plan,
    code: &[u8],
    targets: &Targets,
    is_64: bool,
    highs: &mut Vec<Part>,
    lows: &mut Vec<Part>,
) {
    let offsets: FxHashMap<u64, i64> = lows.iter().map(|low| (low.offset, low.addend)).collect();
    highs.retain(|high| {
        let is_low = |at: usize| offsets.contains_key(&(at as u64));
        let Some(found) = follow(code, high.offset as usize, targets, is_64, is_low) else {
            return true;
        };
        let fits = |at: &usize| offsets.get(&(*at as u64)) == Some(&high.addend);
        if !found.iter().all(fits) {
            return true;
        }
        plan.highs.insert(high.offset, High::Direct);
        for at in found {
            plan.lows.insert(at as u64, Low::With(high.offset));
        }
        false
    });
    lows.retain(|low| !plan.lows.contains_key(&low.offset));
}

/// Groups the rest by addends that one base address can serve.
fn through_thunks(
    plan: &mut Plan,
    highs: &mut [Part],
    lows: &[Part],
    is_inside: bool,
) -> Result<(), u64> {
    highs.sort_by_key(|high| high.addend);
    // The greatest addend of the low parts of each high part: those up to the next one.
    let mut reach: Vec<i64> = highs.iter().map(|high| high.addend).collect();
    let owner = |addend: i64| highs.partition_point(|high| high.addend <= addend).checked_sub(1);
    for low in lows {
        let slot = owner(low.addend).and_then(|owner| reach.get_mut(owner)).ok_or(low.offset)?;
        *slot = (*slot).max(low.addend);
    }
    let mut bases = Vec::with_capacity(highs.len());
    let mut base = None;
    for (index, (high, reach)) in highs.iter().zip(&reach).enumerate() {
        let start = match base {
            Some(base) if reach - base <= REACH => base,
            _ if !is_inside => 0,
            _ => high.addend,
        };
        let previous = index.checked_sub(1).and_then(|index| highs.get(index));
        let is_torn = base.is_some_and(|base| base != start)
            && previous.is_some_and(|previous| high.addend - previous.addend < SHARED);
        if is_torn || !(-REACH..=REACH).contains(&(reach - start)) {
            return Err(high.offset);
        }
        base = Some(start);
        bases.push(start);
        plan.highs.insert(high.offset, High::Thunk(plan.thunks, start));
        plan.thunks += 1;
    }
    for low in lows {
        let base = owner(low.addend).and_then(|owner| bases.get(owner)).ok_or(low.offset)?;
        plan.lows.insert(low.offset, Low::Plain(low.addend - base));
    }
    Ok(())
}

/// Every place in an object's sections that its symbols and relocations name: what something might jump to.
#[derive(Debug, Default)]
pub(crate) struct Mentioned {
    offsets: FxHashMap<SectionId, Vec<i64>>,
}

impl Mentioned {
    /// Collects the places of one object.
    pub(crate) fn of(program: &Program<'_>, number: u32) -> Mentioned {
        let mut mentioned = Mentioned::default();
        let Some(unit) = program.units.get(number as usize) else { return mentioned };
        for index in 1..unit.symbols.len() {
            mentioned.add(program.target(number, index), 0);
        }
        let sections = unit.first_section..unit.first_section + unit.section_count;
        for section in sections.filter_map(|at| program.section(SectionId(at))) {
            for relocation in section.header.relocations.iter() {
                let target = program.target(number, relocation.symbol);
                mentioned.add(target, relocation.addend.unwrap_or(0));
            }
        }
        mentioned
    }

    fn add(&mut self, target: Option<Target>, addend: i64) {
        if let Some(Definition::Section(to, value)) = target.map(|target| target.definition) {
            let offset = (value as i64).wrapping_add(addend);
            self.offsets.entry(to).or_default().push(offset);
        }
    }
}
