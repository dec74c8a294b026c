//! The processes of a run: started each in a process group of its own, so that all of it can be ended.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{PipeReader, Read as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Brings the function into static executables. The standard library starts a process that has a directory of its own without
/// a fork only where it finds this one, and in a static executable nothing but a reference brings it in.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[used]
static CHANGES_DIRECTORY: unsafe extern "C" fn(
    *mut libc::posix_spawn_file_actions_t,
    *const libc::c_char,
) -> libc::c_int = libc::posix_spawn_file_actions_addchdir_np;

/// How processes are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// They are asked to.
    Politely,
    /// They are not asked.
    AtOnce,
}

/// The processes that run now.
#[derive(Default)]
pub(crate) struct Children {
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    groups: BTreeSet<u32>,
    /// Groups of actions that may be called off, by the action's number.
    actions: BTreeMap<usize, u32>,
    /// Actions that are not to run any more.
    called_off: BTreeSet<usize>,
    /// Set once the run is over; nothing is started any more.
    stopped: bool,
}

impl Children {
    /// Runs a command to its end: how it ended and what it said on both its outputs, in the order in which it did.
    pub(crate) fn run(&self, command: Command) -> std::io::Result<(ExitStatus, String)> {
        self.run_for(None, command)
    }

    /// The same for an action, which can be called off by its number.
    pub(crate) fn run_for(
        &self,
        action: Option<usize>,
        mut command: Command,
    ) -> std::io::Result<(ExitStatus, String)> {
        let (reader, writer) = std::io::pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        let mut pipes = [Pipe::new(reader)];
        let status = self.hear(action, command, &mut pipes)?;
        let [said] = pipes;
        Ok((status, said.text()))
    }

    /// Runs a command to its end: how it ended, what it wrote to its output, and what it said besides.
    pub(crate) fn run_apart(
        &self,
        mut command: Command,
    ) -> std::io::Result<(ExitStatus, Vec<u8>, String)> {
        let ((output, to_output), (said, to_said)) = (std::io::pipe()?, std::io::pipe()?);
        // Fewer changes between the two processes; what is not granted is not needed.
        #[cfg(target_os = "linux")]
        let _ = rustix::pipe::fcntl_setpipe_size(&to_output, 1 << 20);
        command.stdout(to_output).stderr(to_said);
        let mut pipes = [Pipe::new(output), Pipe::new(said)];
        let status = self.hear(None, command, &mut pipes)?;
        let [output, said] = pipes;
        Ok((status, output.heard, said.text()))
    }

    /// Runs a command that writes to these pipes.
    fn hear(
        &self,
        action: Option<usize>,
        mut command: Command,
        pipes: &mut [Pipe],
    ) -> std::io::Result<ExitStatus> {
        command.stdin(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = {
            // Under the lock, so that nothing is started after everything was ended.
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            let called_off = action.is_some_and(|action| running.called_off.contains(&action));
            if running.stopped || called_off {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            let child = command.spawn()?;
            running.groups.insert(child.id());
            running.actions.extend(action.map(|action| (action, child.id())));
            child
        };
        // It holds our ends of the pipes, without whose closing the reading would not end.
        drop(command);
        let ended = listen(pipes, &mut child);
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.groups.remove(&child.id());
        let called_off = action.is_some_and(|action| {
            running.actions.remove(&action);
            running.called_off.contains(&action)
        });
        if running.stopped || called_off {
            // What it started itself may not have listened.
            end(child.id(), Stop::AtOnce);
        }
        ended
    }

    /// Ends what an action has started, and lets it start nothing more.
    pub(crate) fn call_off(&self, action: usize) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.called_off.insert(action);
        if let Some(group) = running.actions.get(&action) {
            end(*group, Stop::AtOnce);
        }
    }

    /// Lets an action that was called off run again.
    pub(crate) fn call_back(&self, action: usize) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.called_off.remove(&action);
    }

    /// Ends what runs; nothing can be started afterwards.
    pub(crate) fn stop(&self, how: Stop) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.stopped = true;
        for group in &running.groups {
            end(*group, how);
        }
    }
}

/// How often to look whether a silent process has ended.
const LOOKS: Duration = Duration::from_millis(50);

/// A pipe that a process writes to, and what came through it.
struct Pipe {
    /// Nothing once nobody has the other end.
    reader: Option<PipeReader>,
    heard: Vec<u8>,
}

impl Pipe {
    fn new(reader: PipeReader) -> Pipe {
        Pipe { reader: Some(reader), heard: Vec::new() }
    }

    /// Takes what is there, at most as much as `part` is long.
    #[cfg(unix)]
    fn take(&mut self, part: &mut [u8]) -> std::io::Result<()> {
        let Some(reader) = &mut self.reader else { return Ok(()) };
        match reader.read(part)? {
            0 => self.reader = None,
            length => self.heard.extend_from_slice(part.get(..length).unwrap_or_default()),
        }
        Ok(())
    }

    fn text(self) -> String {
        String::from_utf8(self.heard)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

/// Hears a process until nobody has the other ends of the pipes, or it has ended and only something that it left in
/// the background, such as a server, still has.
#[cfg(unix)]
fn listen(pipes: &mut [Pipe], child: &mut Child) -> std::io::Result<ExitStatus> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let pause = Timespec { tv_sec: 0, tv_nsec: LOOKS.subsec_nanos().into() };
    let mut part = vec![0; 1 << 18];
    let (mut looked, mut left) = (Instant::now(), None);
    while pipes.iter().any(|pipe| pipe.reader.is_some()) {
        let readers = pipes.iter().filter_map(|pipe| pipe.reader.as_ref());
        let mut asked: Vec<_> = readers.map(|reader| PollFd::new(reader, PollFlags::IN)).collect();
        let silent = match poll(&mut asked, Some(&pause)) {
            Err(rustix::io::Errno::INTR) => continue,
            ready => ready? == 0,
        };
        let ready: Vec<bool> = asked.iter().map(|asked| !asked.revents().is_empty()).collect();
        if silent && let Some(status) = left {
            return Ok(status);
        }
        let open = pipes.iter_mut().filter(|pipe| pipe.reader.is_some());
        open.zip(ready)
            .filter(|(_, ready)| *ready)
            .try_for_each(|(pipe, _)| pipe.take(&mut part))?;
        if looked.elapsed() >= LOOKS {
            looked = Instant::now();
            // What was left behind may talk for ever; a second look is enough for what the process itself said.
            match (left, child.try_wait()?) {
                (Some(status), _) => return Ok(status),
                (None, now) => left = now,
            }
        }
    }
    child.wait()
}

#[cfg(not(unix))]
fn listen(pipes: &mut [Pipe], child: &mut Child) -> std::io::Result<ExitStatus> {
    std::thread::scope(|scope| {
        let readings: Vec<_> = pipes
            .iter_mut()
            .map(|pipe| {
                scope.spawn(|| match &mut pipe.reader {
                    Some(reader) => reader.read_to_end(&mut pipe.heard),
                    None => Ok(0),
                })
            })
            .collect();
        readings.into_iter().try_for_each(|reading| {
            reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map(drop)
        })
    })?;
    child.wait()
}

#[cfg(unix)]
fn end(group: u32, how: Stop) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = if how == Stop::Politely { Signal::TERM } else { Signal::KILL };
    // One that has just ended by itself is no error.
    if let Some(pid) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(pid, signal);
    }
}

#[cfg(not(unix))]
fn end(_group: u32, _how: Stop) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_outputs_come_in_order() {
        let script = "echo one; echo two >&2; echo three";
        let (status, said) = Children::default().run(shell(script)).unwrap();
        assert!(status.success());
        assert_eq!(said, "one\ntwo\nthree\n");
    }

    #[test]
    fn outputs_can_be_heard_apart() {
        let script =
            "echo one >&2; head -c 300000 /dev/zero; echo two >&2; exec >&-; echo three >&2";
        let (status, output, said) = Children::default().run_apart(shell(script)).unwrap();
        assert!(status.success() && output == [0; 300_000]);
        assert_eq!(said, "one\ntwo\nthree\n");
    }

    #[test]
    fn what_is_left_in_the_background_is_not_waited_for() {
        let clock = Instant::now();
        let (status, said) = Children::default().run(shell("echo one; sleep 9 &")).unwrap();
        assert!(status.success() && said == "one\n", "{said}");
        // It talks on for longer than the test may take, and then ends by itself.
        let chatter = "(i=0; while [ $i -lt 1000 ]; do sleep 0.01; echo more; i=$((i + 1)); done) & head -c 300000 /dev/zero; exit 3";
        let children = Children::default();
        let (status, said) = children.run(shell(&format!("trap '' PIPE; {chatter}"))).unwrap();
        assert_eq!(status.code(), Some(3));
        assert!(said.len() >= 300_000 && clock.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn stopping_ends_what_children_started_too() {
        let children = Children::default();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| children.run(shell("sleep 1000 & sleep 1000")));
            while children.running.lock().unwrap().groups.is_empty() {
                std::thread::yield_now();
            }
            children.stop(Stop::AtOnce);
            // The background process holds the pipe: this returns only if it was ended as well.
            let (status, _) = waiting.join().unwrap().unwrap();
            assert!(!status.success());
        });
        assert!(children.run(shell("true")).is_err());
    }
}
