//! The stage between plan and run: which actions are fresh, and why the others are not.
//!
//! An action is fresh, and not run, iff nothing that can change its bytes changed since the log last saw it run: its
//! command line, environment and tool; the content of every file it read, headers included; files that would be found
//! before those; and its outputs as it left them. Content decides, never a time alone.

use std::collections::BTreeMap;

use anymod_model::event::{ActionKind, Reason};
use anymod_store::{Explanation, Field};
use rustc_hash::FxHashMap;

use crate::action::{Action, Work};
use crate::disk;
use crate::locations::Locations;
use crate::log::{Log, Record, TextId};
use crate::shadow;

/// How an action stands before anything is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It need not run.
    Fresh,
    /// It has to run; the reasons are never none.
    Stale(Vec<Reason>),
    /// It is to be looked at again after the maker of this file.
    Waits(String),
}

/// How each action of a plan stands.
pub(crate) fn check(actions: &[Action], locations: &Locations, log: &mut Log) -> Vec<Status> {
    log.end_look_ahead();
    let mut makers: FxHashMap<&str, usize> = FxHashMap::default();
    let mut statuses: Vec<Status> = Vec::with_capacity(actions.len());
    for (index, action) in actions.iter().enumerate() {
        let not_fresh = |input: &str| {
            let maker = makers.get(input).and_then(|maker| statuses.get(*maker));
            maker.is_some_and(|status| *status != Status::Fresh)
        };
        let mut reasons = reasons(action, locations, log);
        // What is about to be made again may become what it was.
        reasons.retain(|reason| match reason {
            Reason::Input { path } | Reason::Missing { path } => !not_fresh(path),
            _ => true,
        });
        let status = match action.inputs.iter().find(|input| not_fresh(input)) {
            _ if !reasons.is_empty() => Status::Stale(reasons),
            Some(path) => Status::Waits(path.clone()),
            None => Status::Fresh,
        };
        statuses.push(status);
        makers.extend(action.outputs.iter().map(|output| (output.as_str(), index)));
    }
    statuses
}

/// Why an action is not fresh; none if it is.
pub(crate) fn reasons(action: &Action, locations: &Locations, log: &mut Log) -> Vec<Reason> {
    let Some(record) = log.action(action.name()) else { return vec![Reason::New] };
    if record.command != action.command_digest(locations) {
        let mut now = Explanation::default();
        action.walk_command(locations, &mut now);
        return differences(&log.walk(&record), &now.0);
    }
    let mut reasons = Vec::new();
    for id in &record.inputs {
        let Some(version) = log.version(*id).copied() else { continue };
        let now = log.now(version.path);
        let path = || log.text(version.path).to_owned();
        match now.and_then(|now| log.version(now)) {
            None if version.digest == disk::absent() => {}
            Some(_) if version.digest == disk::absent() => {
                reasons.push(Reason::Appeared { path: path() });
            }
            None => reasons.push(Reason::Missing { path: path() }),
            Some(now) if now.digest != version.digest => {
                reasons.push(Reason::Input { path: path() });
            }
            Some(_) => {}
        }
    }
    for path in appeared(action, &record, log) {
        reasons.push(Reason::Appeared { path });
    }
    for id in &record.outputs {
        let Some(version) = log.version(*id).copied() else { continue };
        let now = log.now(version.path).and_then(|now| log.version(now));
        if now.is_none_or(|now| now.digest != version.digest) {
            reasons.push(Reason::Output { path: log.text(version.path).to_owned() });
        }
    }
    reasons
}

/// Files that have come to be where a compiler looks before it finds a header that the action used.
fn appeared(action: &Action, record: &Record, log: &mut Log) -> Vec<String> {
    let headers: Vec<TextId> =
        record.inputs.iter().filter_map(|id| Some(log.version(*id)?.path)).collect();
    let mut found = passed_over(action, &headers, log);
    found.retain(|path| !record.passed.iter().any(|passed| log.text(*passed) == path));
    found
}

/// Files at places where a compiler looks before it finds `headers`.
pub(crate) fn passed_over(action: &Action, headers: &[TextId], log: &mut Log) -> Vec<String> {
    let (Work::Command(details), Some(source)) = (&action.work, action.inputs.first()) else {
        return Vec::new();
    };
    if action.kind != ActionKind::Compile {
        return Vec::new();
    }
    shadow::found(source, headers, &details.search, log).into_iter().collect()
}

/// What is different between two walks.
fn differences(before: &[Field], now: &[Field]) -> Vec<Reason> {
    let mut names: BTreeMap<&str, [Vec<&str>; 2]> = BTreeMap::new();
    for (side, fields) in [before, now].into_iter().enumerate() {
        for field in fields {
            if let Some(values) = names.entry(&field.name).or_default().get_mut(side) {
                values.push(&field.value);
            }
        }
    }
    let mut reasons = Vec::new();
    for (name, [before, now]) in names {
        if before == now {
            continue;
        }
        let gone: Vec<&&str> = before.iter().filter(|value| !now.contains(value)).collect();
        let new: Vec<&&str> = now.iter().filter(|value| !before.contains(value)).collect();
        let reason = |before: Option<&&&str>, now: Option<&&&str>| Reason::Command {
            field: name.to_owned(),
            before: before.map(|value| (**value).to_owned()),
            now: now.map(|value| (**value).to_owned()),
        };
        if gone.is_empty() && new.is_empty() {
            reasons.push(Reason::Command {
                field: format!("order of `{name}`"),
                before: None,
                now: None,
            });
        }
        for index in 0..gone.len().max(new.len()) {
            reasons.push(reason(gone.get(index), new.get(index)));
        }
    }
    // A new meaning of the walk itself has no field to name.
    if reasons.is_empty() { vec![Reason::New] } else { reasons }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(fields: &[(&str, &str)]) -> Vec<Field> {
        let field = |(name, value): &(&str, &str)| Field {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        };
        fields.iter().map(field).collect()
    }

    fn told(before: &[(&str, &str)], now: &[(&str, &str)]) -> Vec<String> {
        differences(&fields(before), &fields(now)).iter().map(Reason::to_string).collect()
    }

    #[test]
    fn differences_name_the_field_and_both_values() {
        let before = [("argument", "-O2"), ("argument", "-c"), ("tool", "1")];
        assert_eq!(
            told(&before, &[("argument", "-Os"), ("argument", "-c"), ("tool", "1")]),
            ["argument was `-O2` and is `-Os`"]
        );
        assert_eq!(
            told(
                &before,
                &[("argument", "-O2"), ("argument", "-c"), ("argument", "-g"), ("tool", "2")]
            ),
            ["argument `-g` is new", "tool was `1` and is `2`"]
        );
        assert_eq!(
            told(&before, &[("argument", "-c"), ("argument", "-O2"), ("tool", "1")]),
            ["order of `argument` changed"]
        );
        assert_eq!(told(&before, &before), ["never built here"]);
    }
}
