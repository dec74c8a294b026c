//! Putting a wheel together.

use anymod_model::codes::wheel as code;
use anymod_model::{Diagnostic, Diagnostics};

use super::{Wheel, record};
use crate::zip::{self, Member};

impl Wheel {
    /// The wheel's bytes: files in the order of their names, those of `*.dist-info` behind them and a new `RECORD` last;
    /// every time is `epoch` (seconds since 1970, as in `SOURCE_DATE_EPOCH`).
    ///
    /// # Errors
    /// `W0007` if the wheel has no `*.dist-info`, `W0009` if a name cannot be in a wheel, `W0005` if it gets too large.
    pub fn write(&self, epoch: u64) -> Result<Vec<u8>, Diagnostics> {
        let dist_info = self.dist_info()?;
        self.check_names()?;
        let record_path = format!("{dist_info}/RECORD");
        let described = |path: &str| path.split_once('/').is_some_and(|(top, _)| top == dist_info);
        let (last, first): (Vec<_>, Vec<_>) = self
            .files
            .iter()
            .filter(|(path, _)| **path != record_path)
            .partition(|(path, _)| described(path));
        let files = || first.iter().chain(&last).map(|(path, file)| (path.as_str(), *file));
        let record = record::record(files(), &record_path);
        let mut members: Vec<Member<'_>> = files()
            .map(|(name, file)| Member { name, bytes: &file.bytes, executable: file.executable })
            .collect();
        members.push(Member { name: &record_path, bytes: record.as_bytes(), executable: false });
        Ok(zip::write(&members, epoch, &self.file_name())?)
    }

    fn check_names(&self) -> Result<(), Diagnostics> {
        let names = || self.files.keys().map(String::as_str);
        let faults = names().filter_map(|name| Some((name, zip::name_fault(name)?)));
        let clashes = zip::name_clashes(names());
        let finding = |(name, fault): (&str, &str)| {
            Diagnostic::error(&code::LAYOUT, fault)
                .at(self.place(name))
                .hint("rename the file, or leave it out")
        };
        let findings: Vec<Diagnostic> = faults.chain(clashes).map(finding).collect();
        if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
    }
}
