//! A run as people or programs see it, rendered from the event stream alone.

use std::io::IsTerminal;
use std::time::Duration;

use anymod_model::event::{Action, ActionKind, Event, Outcome, Totals};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Format;
use crate::printer::Printer;

/// Shows a run's events: JSON lines, plain lines, or a bar where standard error is a terminal.
pub(crate) struct Progress {
    format: Format,
    printer: Printer,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(format: Format, printer: Printer) -> Progress {
        let on_terminal =
            format == Format::Text && !printer.is_quiet() && std::io::stderr().is_terminal();
        Progress { format, printer, bar: on_terminal.then(bar) }
    }

    /// Shows one event.
    pub(crate) fn event(&mut self, event: &Event) {
        match self.format {
            Format::Json => self.printer.data(&json_line(event)),
            Format::Text => self.text(event),
        }
    }

    /// Takes the bar away. Safe to call however the run ended.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn text(&mut self, event: &Event) {
        match event {
            Event::RunStarted { actions, .. } => {
                if let Some(bar) = &self.bar {
                    bar.set_length(*actions as u64);
                }
            }
            Event::Waiting { path } => self.line(&format!("waiting for another build in {path}")),
            Event::ActionStarted { action, .. } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(describe(action));
                }
            }
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

    fn action(&self, action: &Action, outcome: Outcome, command: Option<&str>, output: &str) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        } else if outcome == Outcome::Ran {
            self.line(&describe(action));
        }
        if outcome == Outcome::Failed {
            self.error(&format!("failed     {}", describe(action)));
        }
        if let (Some(command), false) = (command, output.is_empty()) {
            self.error(&format!("{command}\n{}", output.trim_end()));
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

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
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
pub(crate) fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

fn summary(totals: &Totals) -> String {
    let seconds = Duration::from_millis(totals.milliseconds).as_secs_f64();
    let mut text = format!(
        "{} module{} in place, {} changed; {} actions ran, {} fresh",
        totals.installed,
        if totals.installed == 1 { "" } else { "s" },
        totals.changed,
        totals.ran,
        totals.fresh
    );
    if totals.failed + totals.skipped > 0 {
        text += &format!(", {} failed, {} not run", totals.failed, totals.skipped);
    }
    text + &format!(" ({seconds:.2} s)")
}

fn json_line(event: &Event) -> String {
    // Events hold no maps with keys that are not strings, the one thing that JSON cannot say.
    serde_json::to_string(event).unwrap_or_default() + "\n"
}
