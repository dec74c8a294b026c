//! Runs two commands in turn and compares what the kernel accounted to each.

use std::process::{Command, Stdio};
use std::time::Instant;

use wait4::Wait4;

/// What one command cost: the median of several runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Wall time in milliseconds.
    pub(crate) wall: f64,
    /// Peak resident memory of the largest process in KiB.
    pub(crate) memory: u64,
}

/// A step is one or more commands, run one after the other.
pub(crate) type Step = Vec<Command>;

/// Runs ours and theirs in turn, `runs` times after one warm-up of each; `before` comes before every run.
pub(crate) fn pair(
    runs: usize,
    mut ours: Step,
    mut theirs: Step,
    before: &dyn Fn(),
) -> Result<(Cost, Cost), String> {
    let mut costs = (Vec::new(), Vec::new());
    for run in 0..=runs {
        before();
        let our_cost = once(&mut ours)?;
        before();
        let their_cost = once(&mut theirs)?;
        if run > 0 {
            costs.0.push(our_cost);
            costs.1.push(their_cost);
        }
    }
    Ok((median(&mut costs.0), median(&mut costs.1)))
}

/// Runs a step once.
pub(crate) fn once(step: &mut Step) -> Result<Cost, String> {
    let mut total = Cost { wall: 0.0, memory: 0 };
    for command in step {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let start = Instant::now();
        let mut child =
            command.spawn().map_err(|error| format!("cannot run {command:?}: {error}"))?;
        let errors = child.stderr.take().map(std::io::read_to_string);
        let usage =
            child.wait4().map_err(|error| format!("cannot wait for {command:?}: {error}"))?;
        total.wall += start.elapsed().as_secs_f64() * 1e3;
        total.memory = total.memory.max(usage.rusage.maxrss / 1024);
        if !usage.status.success() {
            let errors = errors.and_then(Result::ok).unwrap_or_default();
            return Err(format!("{command:?} failed: {}\n{errors}", usage.status));
        }
    }
    Ok(total)
}

/// Wall time in milliseconds of a step whose exit status does not matter.
pub(crate) fn attempt(step: &mut Step) -> f64 {
    let start = Instant::now();
    for command in step {
        let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
    start.elapsed().as_secs_f64() * 1e3
}

fn median(costs: &mut [Cost]) -> Cost {
    let middle = costs.len() / 2;
    let mut memory: Vec<u64> = costs.iter().map(|cost| cost.memory).collect();
    memory.sort_unstable();
    costs.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    Cost { wall: costs[middle].wall, memory: memory[middle] }
}
