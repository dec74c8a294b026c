//! `anymod explain`: what a diagnostic code means.

use anymod_model::{Diagnostic, Diagnostics, codes};
use clap::Args;

use crate::printer::Printer;

/// Explain a diagnostic code, or list all of them
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Code as a diagnostic shows it, for instance `L0101`
    code: Option<String>,
}

pub(crate) fn run(args: &Explain, printer: Printer) -> Result<(), Diagnostics> {
    let Some(id) = &args.code else {
        let list: String =
            codes::all().map(|code| format!("{}  {}\n", code.id, code.title)).collect();
        printer.data(&list);
        return Ok(());
    };
    let Some(code) = codes::find(id) else {
        return Err(Diagnostic::error(
            &codes::manifest::UNKNOWN_CODE,
            format!("there is no diagnostic code `{id}`"),
        )
        .hint("`anymod explain` lists all codes")
        .into());
    };
    printer.data(&format!(
        "{}: {}\n\n{}\n\nexit status: {}\n",
        code.id, code.title, code.text, code.exit
    ));
    Ok(())
}
