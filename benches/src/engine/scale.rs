//! How memory and the cost of planning grow with the number of actions.

use super::project;
use super::{Engine, NO_STORE, graphs, nothing, row};
use crate::files::remove_dir;
use crate::measure::{self, Cost, Entrant, turns};

/// Modules of the trees; each is two targets of three actions.
const SIZES: [usize; 3] = [167, 834, 3334];
const ACTIONS_EACH: usize = 6;
const NINJA: &str = "ninja";

/// Plans three trees of which nothing is built, then builds the largest, and does nothing in it.
pub(super) fn scale(engine: &Engine) -> Result<(), String> {
    let mut points = Vec::new();
    let mut planned = Vec::new();
    for modules in SIZES {
        let tree = project::tree(&engine.directory.join("unbuilt"), modules)?;
        let step = vec![engine.build(&tree.root, &["--no-store", "--dry-run"])];
        let costs = turns(1, 7, &mut [Entrant { step, before: &nothing }])?;
        points.push(((modules * ACTIONS_EACH) as f64 / 1e3, costs[0].wall));
        planned.push((modules * ACTIONS_EACH, costs[0]));
    }
    let tree = project::tree(&engine.directory, SIZES[2])?;
    let actions = SIZES[2] * ACTIONS_EACH;
    for directory in ["build", "dist", NINJA] {
        remove_dir(&tree.root.join(directory))?;
    }
    let full = measure::once(&mut vec![engine.build(&tree.root, NO_STORE)])?;
    graphs::write_ninja(engine, &tree, NINJA, "")?;
    let their_full = measure::once(&mut vec![graphs::ninja(&tree, NINJA, &[])])?;
    row(&format!("all of {actions} actions, one run"), full, "ninja", their_full);
    let entrant = |step| Entrant { step, before: &nothing };
    let ours = vec![engine.build(&tree.root, NO_STORE)];
    let theirs = vec![graphs::ninja(&tree, NINJA, &[])];
    let costs = turns(1, 7, &mut [entrant(ours), entrant(theirs)])?;
    row(&format!("no-op, {actions} actions"), costs[0], "ninja", costs[1]);
    print_fit(&planned, &points);
    Ok(())
}

fn print_fit(planned: &[(usize, Cost)], points: &[(f64, f64)]) {
    println!();
    for (actions, cost) in planned {
        let (wall, memory) = (cost.wall, cost.memory as f64 / 1024.0);
        println!("planning {actions} actions: {wall:.1} ms, {memory:.1} MiB");
    }
    let fit = Fit::of(points);
    println!(
        "least squares: {:.2} ms per 1,000 actions + {:.1} ms, R² = {:.5}",
        fit.slope, fit.start, fit.determination
    );
}

/// A line through points by least squares.
struct Fit {
    slope: f64,
    start: f64,
    /// The coefficient of determination: 1 if every point is on the line.
    determination: f64,
}

impl Fit {
    fn of(points: &[(f64, f64)]) -> Fit {
        let count = points.len() as f64;
        let mean =
            |value: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / count;
        let (x, y) = (mean(&|point| point.0), mean(&|point| point.1));
        let covariance = mean(&|point| (point.0 - x) * (point.1 - y));
        let (spread, variance) =
            (mean(&|point| (point.0 - x).powi(2)), mean(&|point| (point.1 - y).powi(2)));
        let slope = covariance / spread;
        let determination = covariance.powi(2) / (spread * variance);
        Fit { slope, start: y - slope * x, determination }
    }
}

#[cfg(test)]
mod tests {
    use super::Fit;

    #[test]
    fn a_line_is_found() {
        let fit = Fit::of(&[(1.0, 5.0), (5.0, 13.0), (20.0, 43.0)]);
        assert!((fit.slope - 2.0).abs() < 1e-9 && (fit.start - 3.0).abs() < 1e-9);
        assert!((fit.determination - 1.0).abs() < 1e-9);
    }
}
