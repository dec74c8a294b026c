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
        let (mut reader, writer) = std::io::pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
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
        // It holds our ends of the pipe, without whose closing the reading would not end.
        drop(command);
        let ended = listen(&mut reader, &mut child);
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
        drop(running);
        let (status, said) = ended?;
        Ok((status, String::from_utf8_lossy(&said).into_owned()))
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

/// What a process says, until nobody has the other end of the pipe, or it has ended and only something that it left in
/// the background, such as a server, still has.
#[cfg(unix)]
fn listen(reader: &mut PipeReader, child: &mut Child) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let pause = Timespec { tv_sec: 0, tv_nsec: LOOKS.subsec_nanos().into() };
    let (mut said, mut part) = (Vec::new(), [0; 1 << 16]);
    let (mut looked, mut left) = (Instant::now(), None);
    loop {
        let ready = match poll(&mut [PollFd::new(reader, PollFlags::IN)], Some(&pause)) {
            Err(rustix::io::Errno::INTR) => continue,
            ready => ready? > 0,
        };
        if !ready && let Some(status) = left {
            return Ok((status, said));
        }
        if ready {
            match reader.read(&mut part)? {
                0 => return Ok((child.wait()?, said)),
                length => said.extend(part.iter().take(length)),
            }
        }
        if looked.elapsed() >= LOOKS {
            looked = Instant::now();
            // What was left behind may talk for ever; a second look is enough for what the process itself said.
            match (left, child.try_wait()?) {
                (Some(status), _) => return Ok((status, said)),
                (None, now) => left = now,
            }
        }
    }
}

#[cfg(not(unix))]
fn listen(reader: &mut PipeReader, child: &mut Child) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    let mut said = Vec::new();
    reader.read_to_end(&mut said)?;
    Ok((child.wait()?, said))
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
