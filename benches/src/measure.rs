//! Runs commands in turn and compares what the kernel accounted to each.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use wait4::Wait4;

/// What one command cost: the median of several runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Wall time in milliseconds.
    pub(crate) wall: f64,
    /// Processor time in milliseconds, with that of the processes it started.
    pub(crate) processor: f64,
    /// Peak resident memory of the largest process in KiB.
    pub(crate) memory: u64,
}

/// The interpreter behind `python3`. What chooses among several by that name costs more than many a script.
pub(crate) fn interpreter() -> Result<PathBuf, String> {
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let asked = asked.map_err(|error| format!("cannot run python3: {error}"))?.stdout;
    Ok(PathBuf::from(String::from_utf8_lossy(&asked).trim()))
}

/// A step is one or more commands, run one after the other.
pub(crate) type Step = Vec<Command>;

/// One of those that run in turn.
pub(crate) struct Entrant<'a> {
    /// What is measured.
    pub(crate) step: Step,
    /// What comes before every run and is not.
    pub(crate) before: &'a dyn Fn() -> Result<(), String>,
}

/// Runs all in turn, `runs` times after `warm_ups` times that do not count; the medians, in the order given.
pub(crate) fn turns(
    warm_ups: usize,
    runs: usize,
    entrants: &mut [Entrant<'_>],
) -> Result<Vec<Cost>, String> {
    let mut costs = vec![Vec::new(); entrants.len()];
    for run in 0..warm_ups + runs {
        for (entrant, costs) in entrants.iter_mut().zip(&mut costs) {
            (entrant.before)()?;
            let cost = once(&mut entrant.step)?;
            if run >= warm_ups {
                costs.push(cost);
            }
        }
    }
    Ok(costs.iter().map(|costs| median(costs)).collect())
}

/// Runs ours and theirs in turn, `runs` times after one warm-up of each; `before` comes before every run.
pub(crate) fn pair(
    runs: usize,
    ours: Step,
    theirs: Step,
    before: &dyn Fn(),
) -> Result<(Cost, Cost), String> {
    let before = || {
        before();
        Ok(())
    };
    let entrant = |step| Entrant { step, before: &before };
    let costs = turns(1, runs, &mut [entrant(ours), entrant(theirs)])?;
    Ok((costs[0], costs[1]))
}

/// Runs a step once.
pub(crate) fn once(step: &mut Step) -> Result<Cost, String> {
    let mut total = Cost { wall: 0.0, processor: 0.0, memory: 0 };
    for command in step {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let start = Instant::now();
        let mut child =
            command.spawn().map_err(|error| format!("cannot run {command:?}: {error}"))?;
        let errors = child.stderr.take().map(std::io::read_to_string);
        let usage =
            child.wait4().map_err(|error| format!("cannot wait for {command:?}: {error}"))?;
        total.wall += start.elapsed().as_secs_f64() * 1e3;
        let processor = usage.rusage.utime + usage.rusage.stime;
        total.processor += processor.as_secs_f64() * 1e3;
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

fn median(costs: &[Cost]) -> Cost {
    let middle = costs.len() / 2;
    let of = |figure: fn(&Cost) -> f64| {
        let mut figures: Vec<f64> = costs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[middle]
    };
    let mut memory: Vec<u64> = costs.iter().map(|cost| cost.memory).collect();
    memory.sort_unstable();
    Cost {
        wall: of(|cost| cost.wall),
        processor: of(|cost| cost.processor),
        memory: memory[middle],
    }
}
