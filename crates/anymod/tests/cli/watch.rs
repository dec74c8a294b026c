//! `anymod watch` as a person uses it: a process that goes on, and files that change under it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::support::process::{anymod, run};
use crate::support::{Checked, ensure, read, scratch, write};

/// Longer than a build takes on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);
/// Long enough for a change that should not matter to matter.
const REST: Duration = Duration::from_millis(700);

/// The trials of this module.
pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("cli::watch", || Ok(watch()?))]
}

/// A process under watch and the lines that it prints.
struct Watched {
    child: Child,
    lines: Receiver<String>,
}

impl Watched {
    fn start(directory: &Path) -> Checked<Watched> {
        let mut command = anymod(directory);
        command.args(["watch", "--toolchain", "gnu", "--target", "micropython-x64"]);
        command.args(["--debounce", "50"]).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| error.to_string())?;
        let (sender, lines) = channel();
        let stderr = child.stderr.take().ok_or("no standard error")?;
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
            lines.all(|line| sender.send(line).is_ok())
        });
        Ok(Watched { child, lines })
    }

    /// Reads up to a line that has this in it; all lines read.
    fn until(&self, part: &str) -> Checked<String> {
        let (begin, mut seen) = (Instant::now(), String::new());
        loop {
            let left = PATIENCE.saturating_sub(begin.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    seen += &format!("{line}\n");
                    if line.contains(part) {
                        return Ok(seen);
                    }
                }
                Err(_) => return Err(format!("`{part}` was waited for in vain after:\n{seen}")),
            }
        }
    }

    /// Fails if it says anything.
    fn is_silent(&self) -> Checked {
        match self.lines.recv_timeout(REST) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            other => Err(format!("not silent: {other:?}")),
        }
    }

    /// Presses Ctrl-C: the exit status.
    fn interrupt(&mut self) -> Checked<Option<i32>> {
        let id = self.child.id().to_string();
        run(Command::new("kill").args(["-INT", &id]))?.ok()?;
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                return Ok(status.code());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("it goes on after Ctrl-C".to_owned())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn watch() -> Checked {
    let place = scratch()?;
    let file = |name: &str| place.path().join(name);
    run(anymod(place.path()).args(["init", "--name", "fresh", "."]))?.ok()?;
    let source = String::from_utf8_lossy(&read(&file("fresh.c"))?).into_owned();
    let manifest = String::from_utf8_lossy(&read(&file("anymod.toml"))?).into_owned();
    let mut watched = Watched::start(place.path())?;
    watched.until("watching")?;
    ensure(file("dist/micropython-x64/fresh.mpy").is_file(), || "nothing was built".to_owned())?;

    // Neither what no module reads nor what builds write is worth a word.
    write(&file("README"), "read me\n")?;
    write(&file("dist/micropython-x64/notes"), "mine\n")?;
    watched.is_silent()?;

    // An editor that replaces the file, with a mistake.
    write(&file("fresh.c.new"), format!("{source}\n#error on purpose\n"))?;
    std::fs::rename(file("fresh.c.new"), file("fresh.c")).map_err(|error| error.to_string())?;
    let seen = watched.until("error[B0001]")?;
    ensure(seen.contains("changed") && seen.contains("on purpose"), || seen.clone())?;
    // The same failure is not told again.
    write(&file("README"), "read me twice\n")?;
    std::thread::sleep(REST);
    while watched.lines.try_recv().is_ok() {}
    write(&file("README"), "read me three times\n")?;
    watched.is_silent()?;

    // A header in a directory that was not there.
    write(&file("fresh.c"), format!("#include \"deep/added.h\"\n{source}"))?;
    watched.until("error[B0001]")?;
    write(&file("deep/added.h"), "#define ADDED 1\n")?;
    watched.until("1 module in place")?;
    write(&file("deep/added.h"), "#define ADDED 2\n")?;
    let seen = watched.until("1 module in place")?;
    ensure(seen.contains("compile"), || seen.clone())?;

    // A manifest that cannot be read for a while.
    write(&file("anymod.toml"), format!("{manifest}[broken\n"))?;
    watched.until("error[M0001]")?;
    write(&file("anymod.toml"), &manifest)?;
    watched.until("1 module in place")?;

    let status = watched.interrupt()?;
    ensure(status == Some(130), || format!("exit status {status:?}"))
}
