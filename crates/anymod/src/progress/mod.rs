//! A run as people or programs see it, rendered from the event stream alone.
//!
//! On a terminal a board shows how far the run is and what is running; where standard error is no terminal, or `CI` or
//! `TERM=dumb` say that nobody watches, each action that is done is a line. With `--format json` the events themselves
//! go to standard output.

mod board;

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anymod_build::environment::Environment;
use anymod_model::event::{Action, ActionKind, Event, Outcome, Totals};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Format;
use crate::printer::Printer;
use board::{Board, Size};

/// How often the board is drawn while nothing happens, for its clocks.
const TICK: Duration = Duration::from_millis(100);

/// Shows a run's events.
pub(crate) struct Progress {
    format: Format,
    printer: Printer,
    /// The board's content; there is one only where somebody may watch.
    board: Option<Arc<Mutex<Board>>>,
    /// The board on the screen, from the first action on.
    bar: Option<ProgressBar>,
    /// The run's events, if they are asked for.
    recorded: Option<Vec<Event>>,
}

impl Progress {
    pub(crate) fn new(format: Format, printer: Printer) -> Progress {
        let watched = format == Format::Text
            && !printer.is_quiet()
            && std::io::stderr().is_terminal()
            && is_interactive(&Environment::of_process());
        let board = watched.then(|| Arc::new(Mutex::new(Board::new(Instant::now()))));
        Progress { format, printer, board, bar: None, recorded: None }
    }

    /// Keeps all events from now on, for [`take_events`](Progress::take_events).
    pub(crate) fn record(&mut self) {
        self.recorded = Some(Vec::new());
    }

    /// The events kept so far.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        self.recorded.take().unwrap_or_default()
    }

    /// Shows one event.
    pub(crate) fn event(&mut self, event: &Event) {
        if let Some(events) = &mut self.recorded {
            events.push(event.clone());
        }
        match self.format {
            Format::Json => self.printer.data(&json_line(event)),
            Format::Text => self.text(event),
        }
    }

    /// Takes the board away. Safe to call however the run ended.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn text(&mut self, event: &Event) {
        if let Some(board) = &self.board {
            board.lock().unwrap_or_else(PoisonError::into_inner).event(event, Instant::now());
        }
        match event {
            Event::RunStarted { .. } | Event::ActionLeft { .. } | Event::Traffic { .. } => {}
            Event::Waiting { path } => self.line(&format!("waiting for another build in {path}")),
            Event::ActionStarted { .. } => self.show(),
            Event::ActionFinished { action, outcome, command, output, .. } => {
                self.action(action, *outcome, command.as_deref(), output);
            }
            Event::Installed { path, changed: true, .. } => {
                self.line(&format!("installed  {path}"))
            }
            // What is wrong is rendered at the end, with the manifest's lines.
            Event::Installed { .. } | Event::Diagnostic(_) => {}
            Event::RunFinished(totals) => {
                self.finish();
                self.line(&summary(totals));
            }
        }
    }

    /// Puts the board on the screen. Runs that have nothing to do never start the thread that draws it.
    fn show(&mut self) {
        if let (Some(board), None) = (&self.board, &self.bar) {
            self.bar = Some(on_screen(Arc::clone(board)));
        }
    }

    fn action(&self, action: &Action, outcome: Outcome, command: Option<&str>, output: &str) {
        let line = describe(action);
        match outcome {
            Outcome::Failed => self.error(&format!("failed     {line}")),
            Outcome::Ran if self.bar.is_none() => self.line(&line),
            Outcome::Hit if self.bar.is_none() => self.line(&format!("{line}  (store)")),
            Outcome::Ran | Outcome::Hit | Outcome::Fresh => {}
        }
        if let Some(command) = command
            && (outcome == Outcome::Failed || !output.is_empty())
        {
            self.error(command);
        }
        if !output.is_empty() {
            self.error(output.strip_suffix('\n').unwrap_or(output));
        }
    }

    fn line(&self, line: &str) {
        self.above_bar(|printer| printer.status(line));
    }

    fn error(&self, line: &str) {
        self.above_bar(|printer| printer.error(line));
    }

    fn above_bar(&self, print: impl FnOnce(Printer)) {
        match &self.bar {
            Some(bar) => bar.suspend(|| print(self.printer)),
            None => print(self.printer),
        }
    }
}

/// False if what looks like a terminal is one that nobody watches, or that cannot move its cursor.
fn is_interactive(environment: &Environment) -> bool {
    let ci = environment.get("CI").is_some_and(|value| !matches!(value, "" | "0" | "false"));
    !ci && environment.get("TERM") != Some("dumb")
}

/// A bar whose only content is the board, as large as the terminal lets it be at that moment.
fn on_screen(board: Arc<Mutex<Board>>) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{board}") {
        let draw = move |_: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
            let (rows, columns) = console::Term::stderr().size();
            let size = Size { rows: rows.into(), columns: columns.into() };
            let board = board.lock().unwrap_or_else(PoisonError::into_inner);
            // Writing into a string does not fail.
            let _ = text.write_str(&board.draw(size, Instant::now()));
        };
        bar.set_style(style.with_key("board", draw));
    }
    bar.enable_steady_tick(TICK);
    bar
}

/// `compile    crc32  micropython-x64  crc32.c`.
pub(crate) fn describe(action: &Action) -> String {
    let kind = match action.kind {
        ActionKind::CompilePython => "python",
        kind => kind.name(),
    };
    let module = action.module.as_ref().map(|module| format!("{module}  ")).unwrap_or_default();
    format!("{kind:<9}  {module}{}  {}", action.target, action.subject)
}

/// `1 action`, `2 actions`.
pub(crate) fn counted(number: impl TryInto<u64>, thing: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// `1 module in place, 1 changed; 3 actions ran, 2 from the store, 10 fresh (0.12 s)`.
pub(crate) fn summary(totals: &Totals) -> String {
    let seconds = Duration::from_millis(totals.milliseconds).as_secs_f64();
    let mut text = format!(
        "{} in place, {} changed; {} ran",
        counted(totals.installed, "module"),
        totals.changed,
        counted(totals.ran, "action"),
    );
    if totals.remote_ran > 0 {
        text += &format!(" ({} on a remote server)", totals.remote_ran);
    }
    if totals.hits > 0 {
        text += &format!(", {} from the store", totals.hits);
        if totals.remote_hits > 0 {
            text += &format!(" ({} of a remote server)", totals.remote_hits);
        }
    }
    text += &format!(", {} fresh", totals.fresh);
    if totals.failed + totals.skipped > 0 {
        text += &format!(", {} failed, {} not run", totals.failed, totals.skipped);
    }
    text + &format!(" ({seconds:.2} s)")
}

fn json_line(event: &Event) -> String {
    // Events hold no maps with keys that are not strings, the one thing that JSON cannot say.
    serde_json::to_string(event).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_in_words_that_agree() {
        let totals = Totals {
            ran: 3,
            hits: 2,
            fresh: 10,
            installed: 1,
            changed: 1,
            milliseconds: 123,
            ..Totals::default()
        };
        let text =
            "1 module in place, 1 changed; 3 actions ran, 2 from the store, 10 fresh (0.12 s)";
        assert_eq!(summary(&totals), text);
        let failed = Totals { ran: 1, failed: 1, skipped: 2, ..Totals::default() };
        let text =
            "0 modules in place, 0 changed; 1 action ran, 0 fresh, 1 failed, 2 not run (0.00 s)";
        assert_eq!(summary(&failed), text);
    }

    #[test]
    fn nobody_watches_in_ci_or_on_a_dumb_terminal() {
        let plain = Environment::default().with("TERM", "xterm");
        assert!(is_interactive(&plain));
        assert!(is_interactive(&plain.clone().with("CI", "false").with("NO_COLOR", "1")));
        assert!(!is_interactive(&plain.clone().with("CI", "true")));
        assert!(!is_interactive(&plain.with("TERM", "dumb")));
    }
}
