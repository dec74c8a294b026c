//! A recorded run as one HTML page: a timeline of the job slots, the critical path, what took how long and why it ran.
//!
//! Events in, text out. The page needs nothing but itself: no other file, no network. What can be read without a script
//! is in the text; the script draws the timeline from the data that stands in the page as JSON.

mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anymod_build::install;
use anymod_model::Diagnostic;
use anymod_model::event::Event;
use clap::Args;
use serde::Serialize;

use crate::printer::Printer;
use run::{Run, Timed, time};

/// The page around the data; its places to fill are `<!--SUMMARY-->`, `<!--TABLES-->` and `<!--DATA-->`.
const TEMPLATE: &str = include_str!("page.html");

/// How many of the slowest actions are listed.
const SLOWEST: usize = 10;

/// How many rows of the critical path are listed; it is as deep as the graph, and not with every graph that is little.
const MAX_PATH: usize = 100;

// Whether to write the page, and where.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TimingsArgs {
    /// Write a page about how long everything took [default file: build/timings.html]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    timings: Option<Option<PathBuf>>,
}

impl TimingsArgs {
    /// True if a page is asked for.
    pub(crate) fn wanted(&self) -> bool {
        self.timings.is_some()
    }

    /// Writes the page, if it is asked for, about a run of the project whose manifest is at or above a path, and says where
    /// it is.
    pub(crate) fn write(
        &self,
        manifest: &Path,
        events: &[Event],
        printer: Printer,
    ) -> Result<(), Diagnostic> {
        let Some(file) = &self.timings else { return Ok(()) };
        if !events.iter().any(|event| matches!(event, Event::RunStarted { .. })) {
            // It was over before it began, and the last page may still be of use.
            return Ok(());
        }
        let shown = match file {
            Some(file) => file.clone(),
            None => {
                let root = anymod_build::settings::project_root(manifest).unwrap_or_default();
                let current = Path::new(".").canonicalize().unwrap_or_default();
                let usual = root.join("build").join("timings.html");
                usual.strip_prefix(&current).map(Path::to_owned).unwrap_or(usual)
            }
        };
        install::write_if_changed(&shown, page(events).as_bytes())?;
        printer.status(&format!("wrote      {}", shown.display()));
        Ok(())
    }
}

/// The page about a run.
pub(crate) fn page(events: &[Event]) -> String {
    let run = Run::of(events);
    let data = Data { end: run.end(), slots: run.slots(), busy: run.busy(), actions: &run.actions };
    // Numbers and strings only: nothing that JSON cannot say. A `<` could end the script that the data stands in.
    let data = serde_json::to_string(&data).unwrap_or_default().replace('<', "\\u003c");
    // The data comes last, so that nothing in it is taken for a place to fill.
    TEMPLATE
        .replace("<!--SUMMARY-->", &summary(&run))
        .replace("<!--TABLES-->", &tables(&run))
        .replace("<!--DATA-->", &data)
}

#[derive(Serialize)]
struct Data<'a> {
    end: u64,
    slots: usize,
    busy: BTreeMap<usize, u64>,
    actions: &'a [Timed],
}

/// The numbers at the top.
fn summary(run: &Run) -> String {
    let mut cells = String::new();
    let mut cell = |number: String, meaning: String| {
        _ = write!(cells, "<div><b>{}</b><span>{}</span></div>", escape(&number), escape(&meaning));
    };
    let wall = run.totals.map_or(run.end(), |totals| totals.milliseconds.saturating_mul(1_000));
    cell(time(wall.max(run.end())), "in all".to_owned());
    let outcomes = [
        ("ran", "ran"),
        ("hit", "from the store"),
        ("left", "left to others"),
        ("failed", "failed"),
        ("unfinished", "cut off"),
    ];
    for (outcome, meaning) in outcomes {
        let count = run.count(outcome);
        if count > 0 || outcome == "ran" {
            cell(count.to_string(), meaning.to_owned());
        }
    }
    if let Some(totals) = run.totals {
        cell(totals.fresh.to_string(), "fresh".to_owned());
        let remote = [(totals.remote_hits, "from the server"), (totals.remote_ran, "done there")];
        for (count, meaning) in remote.into_iter().filter(|(count, _)| *count > 0) {
            cell(count.to_string(), meaning.to_owned());
        }
        if let Some(each) = totals.remote_queued.checked_div(totals.remote_ran as u64) {
            cell(time(each), "queued there on average".to_owned());
        }
        let moved = [(totals.uploaded, "up"), (totals.downloaded, "down")];
        for (bytes, way) in moved.into_iter().filter(|(bytes, _)| *bytes > 0) {
            cell(format!("{:.1} MB", bytes as f64 / 1e6), way.to_owned());
        }
        if totals.skipped > 0 {
            cell(totals.skipped.to_string(), "not run".to_owned());
        }
    }
    if let Some(first) = run.actions.first().filter(|_| run.end() > 0) {
        cell(time(first.start), "until the first action".to_owned());
        let busy: u64 = run.busy().values().sum();
        let parallel = tenths(busy, run.end());
        cell(parallel, format!("busy on average, of {} slots", run.jobs.max(run.slots())));
        let critical: u64 = run.critical().map(Timed::duration).sum();
        let share = format!("critical path, {} % of the run", percent(critical, run.end()));
        cell(time(critical), share);
    }
    let (version, planned) = (escape(&run.anymod), run.planned);
    format!(
        "<p class=\"quiet\">anymod {version}, {planned} actions planned</p><div class=\"cells\">{cells}</div>"
    )
}

/// A quotient with one digit after the point.
fn tenths(number: u64, of: u64) -> String {
    let tenths = number.saturating_mul(10).saturating_add(of / 2).checked_div(of).unwrap_or(0);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn percent(number: u64, of: u64) -> u64 {
    number.saturating_mul(100).checked_div(of).unwrap_or(0)
}

/// The tables below the timeline.
fn tables(run: &Run) -> String {
    if run.actions.is_empty() {
        return "<p>Nothing had to run.</p>".to_owned();
    }
    let mut slowest: Vec<&Timed> = run.actions.iter().collect();
    slowest.sort_by_key(|timed| (std::cmp::Reverse(timed.duration()), timed.id));
    slowest.truncate(SLOWEST);
    let mut text = String::from("<section><h2>Slowest actions</h2>");
    listing(&mut text, slowest.iter().copied());
    text += "</section><section><h2>Critical path</h2><p class=\"quiet\">The chain of actions waiting for each other that \
             takes longest. More slots cannot make the run shorter than this.</p>";
    listing(&mut text, run.critical().take(MAX_PATH));
    let hidden = run.critical().count().saturating_sub(MAX_PATH);
    if hidden > 0 {
        _ = write!(text, "<p class=\"quiet\">and {hidden} more</p>");
    }
    text += "</section><section><h2>Kinds of action</h2>";
    kinds(&mut text, run);
    text + "</section>"
}

fn listing<'a>(text: &mut String, actions: impl Iterator<Item = &'a Timed>) {
    *text += "<table><thead><tr><th class=\"number\">time</th><th class=\"number\">start</th><th>action</th>\
              <th>target</th><th>outcome</th><th>server</th><th>why</th></tr></thead><tbody>";
    for timed in actions {
        _ = write!(
            text,
            "<tr data-id=\"{}\"><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td><i class=\"key {}\"></i>{} {}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            timed.id,
            time(timed.duration()),
            time(timed.start),
            colour(timed),
            timed.kind,
            escape(&timed.what),
            escape(&timed.target),
            timed.outcome,
            escape(&timed.remote),
            escape(&timed.reasons.join("; ")),
        );
    }
    *text += "</tbody></table>";
}

/// A row for each kind of action and way of ending.
fn kinds(text: &mut String, run: &Run) {
    let mut rows: BTreeMap<(&str, &str, &str), (u64, u64)> = BTreeMap::new();
    for timed in &run.actions {
        let row = rows.entry((timed.kind, timed.outcome, colour(timed))).or_default();
        *row = (row.0 + 1, row.1 + timed.duration());
    }
    *text += "<table><thead><tr><th>kind</th><th>outcome</th><th class=\"number\">actions</th>\
              <th class=\"number\">time</th><th class=\"number\">mean</th></tr></thead><tbody>";
    for ((kind, outcome, colour), (count, sum)) in rows {
        _ = write!(
            text,
            "<tr><td><i class=\"key {colour}\"></i>{kind}</td><td>{outcome}</td><td class=\"number\">{count}</td>\
             <td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
            time(sum),
            time(sum.checked_div(count).unwrap_or(0)),
        );
    }
    *text += "</tbody></table>";
}

/// The class whose colour an action has: that of its end if it is special, else of its kind. The script does the same.
fn colour(timed: &Timed) -> &'static str {
    match timed.outcome {
        "hit" | "failed" | "left" | "unfinished" => timed.outcome,
        _ => timed.kind,
    }
}

/// Text for HTML, in an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
