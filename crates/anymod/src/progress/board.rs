//! What a terminal shows of a run: one line that says how far it is, and one for each running action with its time.
//!
//! Events and a clock in, text out; putting it on the screen is the parent's business.

use std::time::{Duration, Instant};

use anymod_model::event::{self, Event, Help, Outcome};
use console::{measure_text_width, truncate_str};

/// How many running actions are listed at most; with more jobs than that nobody reads them all.
const MAX_LISTED: usize = 12;

/// A terminal's size in characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// Where a run stands.
#[derive(Debug)]
pub(super) struct Board {
    began: Instant,
    /// How many actions may have to run.
    stale: usize,
    done: usize,
    hits: usize,
    failed: usize,
    remote: Remote,
    /// Oldest first.
    running: Vec<Running>,
}

/// What a remote server has to do with it.
#[derive(Debug, Default)]
struct Remote {
    hits: usize,
    ran: usize,
    /// How long these waited for workers in all, in microseconds.
    queued: u64,
    /// Bytes to and from it.
    up: u64,
    down: u64,
}

#[derive(Debug)]
struct Running {
    id: usize,
    slot: usize,
    remote: bool,
    what: String,
    since: Instant,
}

impl Board {
    pub(super) fn new(now: Instant) -> Board {
        let (remote, running) = (Remote::default(), Vec::new());
        Board { began: now, stale: 0, done: 0, hits: 0, failed: 0, remote, running }
    }

    /// Takes note of an event that happened `now`.
    pub(super) fn event(&mut self, event: &Event, now: Instant) {
        match event {
            Event::RunStarted { stale, .. } => {
                self.began = now;
                self.stale = *stale;
            }
            Event::ActionStarted { id, action, slot, remote, .. } => {
                let what = super::describe(action);
                let (id, slot, remote) = (*id, *slot, *remote);
                self.running.push(Running { id, slot, remote, what, since: now });
            }
            Event::ActionLeft { id, slot, .. } => {
                self.running.retain(|running| (running.id, running.slot) != (*id, *slot));
            }
            Event::Traffic { up, down, .. } => (self.remote.up, self.remote.down) = (*up, *down),
            Event::ActionFinished { id, outcome, remote, .. } => {
                self.remote.add(remote.as_ref());
                self.running.retain(|running| running.id != *id);
                self.done += 1;
                self.hits += usize::from(*outcome == Outcome::Hit);
                self.failed += usize::from(*outcome == Outcome::Failed);
            }
            Event::Waiting { .. }
            | Event::Installed { .. }
            | Event::Diagnostic(_)
            | Event::RunFinished(_) => {}
        }
    }

    /// The board's lines, none longer than the terminal is wide, without a newline at the end.
    pub(super) fn draw(&self, size: Size, now: Instant) -> String {
        // The last column stays empty: some terminals wrap when it is written to.
        let width = size.columns.saturating_sub(1);
        // Half a screen for the build, half for what it says.
        let listed = if width < 40 { 0 } else { (size.rows / 2).saturating_sub(2).min(MAX_LISTED) };
        if listed == 0 {
            return cut(&self.one_line(), width);
        }
        let mut lines = vec![cut(&self.head(width, now), width)];
        // If one has to go for the count of those that are not shown, it is the youngest.
        let shown = if self.running.len() > listed { listed - 1 } else { listed };
        for running in self.running.iter().take(shown) {
            let what = match running.remote {
                true => format!("{}  (remote)", running.what),
                false => running.what.clone(),
            };
            lines.push(row(&what, now.duration_since(running.since), width));
        }
        if self.running.len() > shown {
            lines.push(format!("  … and {} more", self.running.len() - shown));
        }
        lines.join("\n")
    }

    /// `[=====>    ] 12/40  3.2 s  5 from the store`.
    fn head(&self, width: usize, now: Instant) -> String {
        let inside = (width / 3).clamp(10, 40);
        let filled = (inside * self.done).checked_div(self.stale).unwrap_or(0).min(inside);
        let mut bar = "=".repeat(filled);
        if filled < inside {
            bar.push('>');
        }
        let mut text = format!("[{bar:<inside$}] {}", self.count());
        text += &format!("  {}", seconds(now.duration_since(self.began)));
        if self.hits > 0 {
            text += &format!("  {} from the store", self.hits);
        }
        let away = self.running.iter().filter(|running| running.remote).count();
        text += &self.remote.told(away);
        if self.failed > 0 {
            text += &format!("  {} failed", self.failed);
        }
        text
    }

    /// For a terminal without room: `12/40  compile    crc32  micropython-x64  crc32.c`.
    fn one_line(&self) -> String {
        match self.running.first() {
            Some(running) => format!("{}  {}", self.count(), running.what),
            None => self.count(),
        }
    }

    fn count(&self) -> String {
        format!("{}/{}", self.done, self.stale.max(self.done))
    }
}

impl Remote {
    fn add(&mut self, remote: Option<&event::Remote>) {
        match remote {
            Some(event::Remote { how: Help::Cached, .. }) => self.hits += 1,
            Some(event::Remote { how: Help::Executed, queued, .. }) => {
                self.ran += 1;
                self.queued += queued;
            }
            None => {}
        }
    }

    /// `  remote: 5 taken, 12 done, 3 there, 0.2 s queued each, 4.2 MB up, 13.0 MB down`; nothing if there is no server.
    fn told(&self, away: usize) -> String {
        let mut parts = Vec::new();
        for (count, what) in [(self.hits, "taken"), (self.ran, "done"), (away, "there")] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let queued = Duration::from_micros(self.queued.checked_div(self.ran as u64).unwrap_or(0));
        if queued >= Duration::from_millis(50) {
            parts.push(format!("{} queued each", seconds(queued)));
        }
        for (bytes, way) in [(self.up, "up"), (self.down, "down")] {
            if bytes > 0 {
                parts.push(format!("{:.1} MB {way}", bytes as f64 / 1e6));
            }
        }
        if parts.is_empty() { String::new() } else { format!("  remote: {}", parts.join(", ")) }
    }
}

/// What runs at the left, its time at the right.
fn row(what: &str, time: Duration, width: usize) -> String {
    let time = seconds(time);
    let room = width.saturating_sub(time.len() + 4);
    // A tab or an escape in a file's name would break the columns.
    let plain: String = what.chars().map(|l| if l.is_control() { '?' } else { l }).collect();
    let what = cut(&plain, room);
    let padding = " ".repeat(room.saturating_sub(measure_text_width(&what)));
    format!("  {what}{padding}  {time}")
}

fn cut(text: &str, width: usize) -> String {
    truncate_str(text, width, if width == 0 { "" } else { "…" }).into_owned()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use anymod_model::event::{Action, ActionKind};

    use super::*;

    fn action(subject: &str) -> Action {
        Action {
            kind: ActionKind::Compile,
            module: Some("m".to_owned()),
            target: "micropython-x64".to_owned(),
            subject: subject.to_owned(),
        }
    }

    fn started(id: usize, subject: &str) -> Event {
        let (action, reasons, after) = (action(subject), Vec::new(), Vec::new());
        Event::ActionStarted { id, action, slot: 0, at: 0, reasons, after, remote: false }
    }

    fn finished(id: usize, outcome: Outcome) -> Event {
        let (command, output) = (None, String::new());
        Event::ActionFinished {
            id,
            action: action("x"),
            slot: 0,
            at: 0,
            outcome,
            command,
            output,
            remote: None,
        }
    }

    fn run_started(stale: usize) -> Event {
        let anymod = String::new();
        Event::RunStarted {
            version: 2,
            anymod,
            modules: 1,
            actions: 50,
            stale,
            jobs: 4,
            remote_jobs: 0,
        }
    }

    /// A board with four of ten actions done and three running.
    fn board(began: Instant) -> Board {
        let mut board = Board::new(began);
        board.event(&run_started(10), began);
        for (id, outcome) in
            [Outcome::Ran, Outcome::Hit, Outcome::Hit, Outcome::Failed].iter().enumerate()
        {
            board.event(&started(id, "x.c"), began);
            board.event(&finished(id, *outcome), began);
        }
        for (id, subject) in [(7, "first.c"), (8, "second\t名前.c"), (9, "third.c")] {
            board.event(&started(id, subject), began + Duration::from_secs(id as u64 - 6));
        }
        board
    }

    #[test]
    fn a_board_says_how_far_it_is_and_what_runs() {
        let began = Instant::now();
        let text =
            board(began).draw(Size { rows: 40, columns: 72 }, began + Duration::from_millis(3250));
        let expected = "\
[=========>             ] 4/10  3.2 s  2 from the store  1 failed
  compile    m  micropython-x64  first.c                          2.2 s
  compile    m  micropython-x64  second?名前.c                    1.2 s
  compile    m  micropython-x64  third.c                          0.2 s";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_remote_server_has_its_part_of_the_line() {
        let began = Instant::now();
        let mut board = Board::new(began);
        board.event(&run_started(10), began);
        let (reasons, after) = (Vec::new(), Vec::new());
        let sent = |id, slot, reasons, after| {
            let action = action("x.c");
            Event::ActionStarted { id, action, slot, at: 0, reasons, after, remote: slot > 1 }
        };
        for (id, how) in [(0, Help::Cached), (1, Help::Executed)] {
            let (waited, queued, down, worker) = (0, 1_500_000, 0, String::new());
            let remote = Some(event::Remote { how, waited, queued, down, worker });
            let mut finished = finished(id, Outcome::Ran);
            if let Event::ActionFinished { remote: said, .. } = &mut finished {
                *said = remote;
            }
            board.event(&finished, began);
        }
        board.event(&sent(2, 2, reasons.clone(), after.clone()), began);
        board.event(&sent(3, 3, reasons.clone(), after.clone()), began);
        board.event(&sent(3, 0, reasons, after), began);
        board.event(&Event::ActionLeft { id: 3, slot: 3, at: 0, why: String::new() }, began);
        board.event(&Event::Traffic { at: 0, up: 1_230_000, down: 400_000 }, began);
        let text = board.draw(Size { rows: 40, columns: 140 }, began);
        let head = "] 2/10  0.0 s  remote: 1 taken, 1 done, 1 there, 1.5 s queued each, 1.2 MB up, 0.4 MB down\n";
        assert!(text.contains(head), "{text}");
        assert_eq!(text.matches("(remote)").count(), 1, "{text}");
    }

    #[test]
    fn small_terminals_get_less() {
        let began = Instant::now();
        let small = board(began).draw(Size { rows: 8, columns: 60 }, began);
        let lines: Vec<&str> = small.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2], "  … and 2 more");
        let flat = board(began).draw(Size { rows: 4, columns: 60 }, began);
        assert_eq!(flat, "4/10  compile    m  micropython-x64  first.c");
        let narrow = board(began).draw(Size { rows: 50, columns: 20 }, began);
        assert_eq!(narrow, "4/10  compile    m…");
        assert_eq!(board(began).draw(Size { rows: 0, columns: 0 }, began), "");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let began = Instant::now();
        for columns in 0..200 {
            for rows in [0, 1, 5, 8, 24, 100] {
                let text =
                    board(began).draw(Size { rows, columns }, began + Duration::from_secs(100_000));
                for line in text.lines() {
                    let allowed = columns.saturating_sub(1);
                    assert!(measure_text_width(line) <= allowed, "{columns}: {line}");
                }
            }
        }
    }

    #[test]
    fn more_may_run_than_was_foreseen() {
        let mut board = Board::new(Instant::now());
        board.event(&run_started(0), Instant::now());
        board.event(&finished(0, Outcome::Ran), Instant::now());
        assert!(board.draw(Size { rows: 40, columns: 80 }, Instant::now()).contains("1/1"));
    }
}
