//! Pending.
#[derive(Debug, clap::Args)]
pub(crate) struct Init {}
pub(crate) fn run(_: &Init, _: crate::printer::Printer) -> Result<(), anymod_model::Diagnostics> {
    Ok(())
}
