//! The stage that puts finished modules where the user has them, beside what is there and renamed.

use std::collections::BTreeSet;
use std::path::Path;

use anymod_model::Diagnostic;
use anymod_model::event::{Event, Outcome};
use anymod_store::Digest;
use rustc_hash::FxHashMap;

use crate::install;
use crate::log::Log;
use crate::plan::{Plan, Product};
use crate::project::Project;
use crate::request::Output;
use crate::run::Ran;
use crate::snapshot::Remembered;
use crate::way::{Sink, tell};
use crate::work::{self, Made};

/// Installs what was built, and says what could not be. The modules that `before` knows and that were not gone through are
/// as they were.
pub(crate) fn install_all(
    plan: &Plan,
    ran: &Ran,
    before: Option<&Remembered>,
    project: &Project,
    log: &mut Log,
    sink: Sink<'_>,
) -> (Vec<Output>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let mut outputs = Vec::new();
    let directories =
        plan.products.iter().filter_map(|product| Path::new(&product.installed).parent());
    for directory in directories.collect::<BTreeSet<_>>() {
        install::clear_leftovers(&project.root.join(directory));
    }
    let makers: FxHashMap<&str, Option<Outcome>> = plan
        .actions
        .iter()
        .zip(&ran.outcomes)
        .map(|(action, outcome)| (action.name(), *outcome))
        .collect();
    let left: BTreeSet<&str> = ran
        .left
        .iter()
        .filter_map(|index| plan.actions.get(*index))
        .flat_map(|action| &action.outputs)
        .map(String::as_str)
        .collect();
    let done = |product: &&Product| {
        let outcome = makers.get(product.built.as_str()).copied().flatten();
        matches!(outcome, Some(Outcome::Fresh | Outcome::Hit | Outcome::Ran))
            && !left.contains(product.built.as_str())
    };
    // What is used where it is built has no other place to be compared with.
    let made_in_place = |product: &Product| {
        let outcome = makers.get(product.built.as_str()).copied().flatten();
        product.built == product.installed && outcome != Some(Outcome::Fresh)
    };
    let products: Vec<&Product> = plan.products.iter().filter(done).collect();
    let stale = |product: &&&Product| {
        let built = log.digest(&product.built);
        built.is_none() || log.digest(&product.installed) != built
    };
    let stale: Vec<&Product> = products.iter().filter(stale).copied().collect();
    let mut put = at_once(&stale, |product| install_one(product, project)).into_iter();
    let mut next = stale.iter().peekable();
    for product in products {
        let result = match next.next_if(|stale| std::ptr::eq(**stale, product)) {
            None => Ok(None),
            Some(_) => put.next().unwrap_or(Ok(None)),
        };
        match result {
            Ok(put) => {
                if let Some((made, _)) = put {
                    let id = log.id(&product.installed);
                    log.wrote(id, made.stat, made.digest);
                }
                outputs.push(Output {
                    module: product.module.clone(),
                    target: product.target,
                    build_type: product.build_type.clone(),
                    path: product.installed.clone(),
                    changed: put.is_some_and(|(_, changed)| changed) || made_in_place(product),
                    sizes: product.sizes.clone(),
                });
            }
            Err(finding) => findings.push(finding),
        }
    }
    if let Some(before) = before {
        outputs = joined(before, outputs);
    }
    for output in &outputs {
        sink(installed(output));
    }
    tell(&findings, sink);
    (outputs, findings)
}

/// The outputs of the build before, with those that were gone through this time in the place of theirs.
fn joined(before: &Remembered, outputs: Vec<Output>) -> Vec<Output> {
    let mut now: FxHashMap<String, Output> =
        outputs.into_iter().map(|output| (output.path.clone(), output)).collect();
    let outputs = (0..).zip(&before.outputs);
    let joined = outputs.filter_map(|(number, output)| {
        if before.affected.contains(&number) {
            now.remove(&output.path)
        } else {
            Some(output.clone())
        }
    });
    joined.collect()
}

/// How many files are written at once: they wait for the disk, not for a processor.
const WRITERS: usize = 8;

/// What `work` makes of each item, in order, several at once.
fn at_once<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = items.len().div_ceil(WRITERS).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let start = |items| scope.spawn(move || Vec::from_iter(<[T]>::iter(items).map(work)));
        let threads: Vec<_> = items.chunks(share).map(start).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}

/// Installs one module; what is there now, and true if that changed its file.
fn install_one(product: &Product, project: &Project) -> Result<Option<(Made, bool)>, Diagnostic> {
    let bytes = install::read(&project.root.join(&product.built))?;
    let path = project.root.join(&product.installed);
    project.fence.make_way(&path)?;
    let changed = install::write_if_changed(&path, &bytes)?;
    Ok(Some((work::made(&path, Digest::of(&bytes))?, changed)))
}

/// The event of a module in its place.
pub(crate) fn installed(output: &Output) -> Event {
    Event::Installed {
        module: output.module.clone(),
        target: output.target.to_string(),
        path: output.path.clone(),
        changed: output.changed,
    }
}
