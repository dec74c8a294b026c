//! The rules by which a driver's command is rewritten: a table of named functions on the parsed command.
//!
//! Each takes something out of a command or puts something in its place, and says whether it did; the record of the
//! command names it. What every command gets added is the table of `added`. Any rule of both can be turned off.

mod compile;
mod link;
mod paths;

use std::path::Path;

use super::added;
use super::command::Driver;
use super::config::Config;
pub(crate) use paths::HEADERS;

/// What rules know besides the command.
pub(crate) struct Context<'a> {
    pub(crate) config: &'a Config,
    /// Where the command runs.
    pub(crate) directory: &'a Path,
}

/// A rule.
pub(crate) struct Rule {
    /// Its name, to turn it off by.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) what: &'static str,
    /// Why.
    pub(crate) why: &'static str,
    /// Does it; true if the command is another than before, an error if the command is not to be run at all.
    pub(crate) apply: fn(&mut Driver, &Context<'_>) -> Result<bool, String>,
}

/// A command that is not to be run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) rule: &'static str,
    pub(crate) reason: String,
}

/// All rules, in the order in which they are applied.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    compile::RULES.iter().chain(paths::RULES).chain(link::RULES)
}

/// Applies the rules that are on; the names of those that changed something.
pub(crate) fn apply(
    driver: &mut Driver,
    context: &Context<'_>,
) -> Result<Vec<&'static str>, Refusal> {
    let mut fired = Vec::new();
    for rule in all().filter(|rule| context.config.applies(rule.name)) {
        match (rule.apply)(driver, context) {
            Ok(true) => fired.push(rule.name),
            Ok(false) => {}
            Err(reason) => return Err(Refusal { rule: rule.name, reason }),
        }
    }
    Ok(fired)
}

/// True for the name of a rule of either table.
pub(crate) fn is_rule(name: &str) -> bool {
    all().any(|rule| rule.name == name) || added::ADDED.iter().any(|added| added.name == name)
}

#[cfg(test)]
mod tests;
