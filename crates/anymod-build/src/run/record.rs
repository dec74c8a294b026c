//! The part of a run that writes into the log what actions read and made.

use std::collections::BTreeSet;
use std::time::SystemTime;

use anymod_store::Explanation;

use super::Run;
use crate::action::Action;
use crate::cached::Discovered;
use crate::check;
use crate::disk;
use crate::log::{Record, VersionId};
use crate::stat::Stat;
use crate::work::Made;

impl Run<'_> {
    /// Tells the log what is in an action's outputs now.
    pub(super) fn outputs(&mut self, action: &Action, made: &[Made]) -> Option<Vec<VersionId>> {
        let mut made = made.iter();
        let versions = action.outputs.iter().map(|output| {
            let id = self.log.id(output);
            match made.next() {
                Some(made) => Some(self.log.wrote(id, made.stat, made.digest)),
                None => {
                    self.log.forget(id);
                    self.log.now(id)
                }
            }
        });
        versions.collect()
    }

    /// The files that an action read, declared and discovered, if they are what it read: one that was written since it
    /// started may not be.
    pub(super) fn inputs(
        &mut self,
        action: &Action,
        discovered: &[String],
        sought: &BTreeSet<String>,
        started: SystemTime,
    ) -> Option<(Vec<VersionId>, Discovered)> {
        let (mut inputs, mut ids, mut found) = (Vec::new(), Vec::new(), Vec::new());
        for path in action.inputs.iter().chain(discovered).chain(sought) {
            let id = self.log.id(path);
            if ids.contains(&id) {
                continue;
            }
            if sought.contains(path) && !self.log.location(id).is_file() {
                ids.push(id);
                inputs.push(self.log.now_or_absent(id));
                found.push((self.way.locations.portable(path).into_owned(), disk::absent()));
                continue;
            }
            let stat = Stat::of(&std::fs::metadata(self.log.location(id)).ok()?);
            if stat.is_after(started) {
                return None;
            }
            let mut version = self.log.now(id)?;
            let known = *self.log.version(version)?;
            if known.stat != Some(stat) {
                // Looked at earlier in this run; it may have been changed before the action began.
                self.log.forget(id);
                version = self.log.now(id)?;
                if self.log.version(version)?.digest != known.digest {
                    return None;
                }
            }
            if !action.inputs.contains(path) {
                let digest = self.log.version(version)?.digest;
                found.push((self.way.locations.portable(path).into_owned(), digest));
            }
            ids.push(id);
            inputs.push(version);
        }
        let passed = check::passed_over(action, &ids, self.log);
        let portable = |path: &String| self.way.locations.portable(path).into_owned();
        let passed = passed.iter().map(portable).collect();
        Some((inputs, Discovered { found, passed }))
    }

    /// Writes into the log what an action that succeeded used and made.
    pub(super) fn record(
        &mut self,
        action: &Action,
        inputs: Vec<VersionId>,
        outputs: Option<Vec<VersionId>>,
        passed: &[String],
    ) {
        let Some(outputs) = outputs else { return };
        let mut walk = Explanation::default();
        action.walk_command(self.way.locations, &mut walk);
        let command = walk.key();
        let log = &mut *self.log;
        let walk = walk.0.iter().map(|field| (log.id(&field.name), log.id(&field.value))).collect();
        let passed = passed.iter().map(|path| log.id(path)).collect();
        log.record(action.name(), Record { command, walk, inputs, outputs, passed });
    }
}
