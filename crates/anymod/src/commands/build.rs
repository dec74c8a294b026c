//! Pending.
#[derive(Debug, clap::Args)]
pub(crate) struct Build {}
pub(crate) fn run(_: &Build, _: crate::printer::Printer) -> Result<(), anymod_model::Diagnostics> {
    Ok(())
}
