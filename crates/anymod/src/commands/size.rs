//! Pending.
#[derive(Debug, clap::Args)]
pub(crate) struct Size {}
pub(crate) fn run(_: &Size, _: crate::printer::Printer) -> Result<(), anymod_model::Diagnostics> {
    Ok(())
}
