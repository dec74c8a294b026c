//! A tree of 1,000 modules for two targets, in which nothing or one header has changed.

use std::cell::Cell;

use super::project::{self, Project, SHARED};
use super::{Engine, NO_STORE, graphs, nothing, quietly, row};
use crate::measure::{Entrant, turns};

const MODULES: usize = 1000;
const NINJA: &str = "ninja";
const MAKE: &str = "make";

/// Nothing changed: ours, ninja, and make with one makefile for each module and target.
pub(super) fn noop(engine: &Engine) -> Result<(), String> {
    let tree = built_tree(engine)?;
    graphs::write_makefiles(engine, &tree, MAKE)?;
    quietly(graphs::make(&tree, MAKE, "-s"))?;
    let ours = || vec![engine.build(&tree.root, NO_STORE)];
    let name = format!("no-op, {MODULES} modules x 2 targets, {} actions", MODULES * 2 * 3);
    for (incumbent, runs, theirs) in [
        ("ninja", 15, graphs::ninja(&tree, NINJA, &[])),
        ("make, a makefile each", 3, graphs::make(&tree, MAKE, "-q")),
    ] {
        let entrant = |step| Entrant { step, before: &nothing };
        let costs = turns(1, runs, &mut [entrant(ours()), entrant(vec![theirs])])?;
        row(&name, costs[0], incumbent, costs[1]);
    }
    Ok(())
}

/// One header changed, which so and so many modules include. Its text is another in every run, so that nobody has ever
/// compiled it.
pub(super) fn header(engine: &Engine) -> Result<(), String> {
    let tree = built_tree(engine)?;
    let value = Cell::new(0);
    for (name, users) in SHARED {
        let change = || {
            value.set(value.get() + 1);
            project::set_header(&tree.root, name, 3, value.get())
        };
        let ours = vec![engine.build(&tree.root, NO_STORE)];
        let theirs = vec![graphs::ninja(&tree, NINJA, &[])];
        let entrant = |step| Entrant { step, before: &change };
        let costs = turns(1, 7, &mut [entrant(ours), entrant(theirs)])?;
        row(&format!("header of {users} changed"), costs[0], "ninja", costs[1]);
    }
    Ok(())
}

/// The tree, built by us and by ninja.
fn built_tree(engine: &Engine) -> Result<Project, String> {
    let tree = project::tree(&engine.directory, MODULES)?;
    quietly(engine.build(&tree.root, NO_STORE))?;
    graphs::write_ninja(engine, &tree, NINJA, "")?;
    quietly(graphs::ninja(&tree, NINJA, &[]))?;
    Ok(tree)
}
