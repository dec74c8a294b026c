//! MicroPython native modules: objects and archives in, one `.mpy` file out.
//!
//! [`link`] names the phases in order; each is a module and hands a named type to the next. The linker never reads a
//! file, prints or keeps state between calls, and its output is a function of its arguments alone.

mod absolute;
mod arch;
mod check;
mod compat;
mod constructors;
pub mod externs;
mod findings;
mod gc;
mod hint;
mod layout;
mod literals;
mod map;
mod options;
mod program;
pub mod qstr;
mod relax;
mod relocate;
mod report;
mod resolve;
mod role;
mod scan;
mod shim;
mod validate;
mod write;

use anymod_model::codes::link as code;
use anymod_model::{Diagnostic, Diagnostics};

pub use layout::Memory;
pub use map::{Entry, Map, Symbol};
pub use options::{Compat, Discarded, Input, Linked, Options, Sizes, StaticData};

use findings::Findings;

/// Links objects, with archives to resolve what they leave open, into a module.
///
/// # Errors
///
/// Everything that is wrong with the inputs, as far as it can be seen at once; never empty.
pub fn link(
    objects: &[Input<'_>],
    archives: &[Input<'_>],
    options: &Options,
) -> Result<Linked, Diagnostics> {
    let mut findings = Findings::default();
    check::names(options, &mut findings);
    let program = resolve::load(objects, archives, options, &mut findings);
    if program.is_incomplete {
        return Err(fail(findings));
    }
    let live = gc::live(&program, options);
    let needs = scan::scan(&program, &live, options, &mut findings);
    let constructors = constructors::find(&program, options, &mut findings);
    let layout = layout::place(&program, &live, &needs, constructors.len(), options, &mut findings);
    let Some(layout) = layout else { return Err(fail(findings)) };
    layout::check_alignment(&program, &layout, options, &mut findings);
    let image = relocate::run(&program, &needs, &layout, &constructors, options, &mut findings);
    let warnings = findings.finish()?;
    let (mpy, relocations) = write::mpy(&image, options);
    if let Err(difference) = validate::check(&mpy, &image, options) {
        let message = format!("the module does not read back: {difference}");
        return Err(Diagnostic::error(&code::SELF_CHECK, message).into());
    }
    Ok(Linked {
        mpy,
        sizes: report::sizes(&program, &needs, &layout, relocations, options),
        map: map::make(&program, &layout, &needs),
        discarded: report::discarded(&program, &live),
        warnings,
    })
}

/// The findings as a failure, even if a phase gave up without saying why.
fn fail(findings: Findings) -> Diagnostics {
    match findings.finish() {
        Err(diagnostics) => diagnostics,
        Ok(_) => Diagnostic::error(&code::TOO_LARGE, "the module's addresses overflow").into(),
    }
}
