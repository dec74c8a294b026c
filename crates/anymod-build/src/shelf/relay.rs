//! The way of short processes to a server: they ask the process that started them all, over a socket of the file system.
//!
//! A connection to a server costs more than most questions, and what is known of it (that it is away, that it does not take
//! results) is worth knowing once. So `anymod wheel` listens in a directory that nobody else may enter, and every call of the
//! stand-in connects there. Both have the same store: no blob crosses the socket.
//!
//! A question is a line `VERB NAMESPACE KEY LENGTH` and a record of that many bytes; the answer a line `LENGTH` and a record.
//! No answer, or one that is none, is a miss.

use std::path::Path;

use anymod_store::{Digest, Entry, Record};

use super::Step;

const KNOWN: &str = "known";
const FETCH: &str = "fetch";
const SHARE: &str = "share";

/// What a step was found to read elsewhere and to make.
pub(crate) fn known(parent: &Path, namespace: &str, key: Digest) -> Vec<Entry> {
    let answer = question(parent, KNOWN, namespace, key, &Record::default());
    answer.map(|record| record.entries).unwrap_or_default()
}

/// What came of a step among certain files; the parent puts it into the store.
pub(crate) fn fetch(parent: &Path, step: Step<'_>, known: Entry) -> Option<Entry> {
    let record = Record { walk: step.walk.to_vec(), entries: vec![known] };
    question(parent, FETCH, step.namespace, step.key, &record)?.entries.pop()
}

/// Gives the parent something to upload that is in the store.
pub(crate) fn share(parent: &Path, step: Step<'_>, entry: Entry) {
    let record = Record { walk: Vec::new(), entries: vec![entry] };
    // One that is not uploaded is made again by others.
    let _ = question(parent, SHARE, step.namespace, step.key, &record);
}

#[cfg(not(unix))]
pub(crate) use nothing::Relay;
#[cfg(not(unix))]
use nothing::question;
#[cfg(unix)]
pub(crate) use socket::Relay;
#[cfg(unix)]
use socket::question;

/// Systems without such sockets: short processes do without the server.
#[cfg(not(unix))]
mod nothing {
    use std::path::{Path, PathBuf};

    use anymod_model::Diagnostic;
    use anymod_store::{Digest, Record};

    use crate::shelf::Shelf;

    pub(crate) fn question(_: &Path, _: &str, _: &str, _: Digest, _: &Record) -> Option<Record> {
        None
    }

    /// A parent that would listen.
    pub(crate) struct Relay(std::convert::Infallible);

    impl Relay {
        pub(crate) fn listen(_: Shelf) -> std::io::Result<Relay> {
            Err(std::io::ErrorKind::Unsupported.into())
        }

        pub(crate) fn path(&self) -> PathBuf {
            match self.0 {}
        }

        pub(crate) fn finish(self) -> Vec<Diagnostic> {
            match self.0 {}
        }
    }
}

#[cfg(unix)]
mod socket {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::JoinHandle;
    use std::time::Duration;

    use anymod_model::Diagnostic;
    use anymod_store::{Digest, Record};

    use super::{FETCH, KNOWN, SHARE};
    use crate::intercept::KINDS;
    use crate::shelf::{Shelf, Step};

    /// The longest record that is read.
    const LONGEST: u64 = 64 << 20;
    /// The longest that a line with a length is.
    const LINE: u64 = 1 << 10;
    /// How long a process may take over a question: it has all of it before it connects.
    const PATIENCE: Duration = Duration::from_secs(10);
    /// How long an answer may take: longer than all deadlines of a server's questions.
    const ANSWER: Duration = Duration::from_secs(600);

    pub(crate) fn question(
        parent: &Path,
        verb: &str,
        namespace: &str,
        key: Digest,
        record: &Record,
    ) -> Option<Record> {
        let mut stream = UnixStream::connect(parent).ok()?;
        stream.set_read_timeout(Some(ANSWER)).ok()?;
        let text = record.encode(namespace, &key);
        let question = format!("{verb} {namespace} {key} {}\n{text}", text.len());
        stream.write_all(question.as_bytes()).ok()?;
        let mut reader = BufReader::new(stream);
        let length = line(&mut reader)?.parse().ok()?;
        Record::decode(&body(&mut reader, length)?, namespace, &key)
    }

    fn line(reader: &mut BufReader<UnixStream>) -> Option<String> {
        let mut line = String::new();
        reader.by_ref().take(LINE).read_line(&mut line).ok()?;
        line.strip_suffix('\n').map(str::to_owned)
    }

    fn body(reader: &mut BufReader<UnixStream>, length: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        reader.by_ref().take(length.min(LONGEST)).read_to_end(&mut bytes).ok()?;
        (bytes.len() as u64 == length).then_some(bytes)
    }

    /// A parent that listens. It stops when it is dropped, after what was asked before is answered.
    pub(crate) struct Relay {
        shelf: Arc<Shelf>,
        directory: tempfile::TempDir,
        stopping: Arc<AtomicBool>,
        thread: Option<JoinHandle<()>>,
    }

    impl Relay {
        /// Listens for questions about a shelf.
        ///
        /// # Errors
        /// If there is no place for a socket.
        pub(crate) fn listen(shelf: Shelf) -> std::io::Result<Relay> {
            let shelf = Arc::new(shelf);
            // Not in the build's own directory: paths of sockets are short.
            let directory = tempfile::Builder::new().prefix("anymod-").tempdir()?;
            let listener = UnixListener::bind(socket(directory.path()))?;
            let stopping = Arc::new(AtomicBool::new(false));
            let (answers, ends) = (Arc::clone(&shelf), Arc::clone(&stopping));
            let work = move || listen(&listener, &answers, &ends);
            let thread = std::thread::Builder::new().name("relay".to_owned()).spawn(work)?;
            Ok(Relay { shelf, directory, stopping, thread: Some(thread) })
        }

        /// Where it listens.
        pub(crate) fn path(&self) -> PathBuf {
            socket(self.directory.path())
        }

        /// Listens no longer, and waits for uploads within their bound; everything that went wrong.
        pub(crate) fn finish(self) -> Vec<Diagnostic> {
            let shelf = Arc::clone(&self.shelf);
            drop(self);
            shelf.finish()
        }
    }

    impl Drop for Relay {
        fn drop(&mut self) {
            self.stopping.store(true, Ordering::SeqCst);
            // Wakes the thread; the questions that wait come before this one.
            let woken = UnixStream::connect(self.path()).is_ok();
            if let Some(thread) = self.thread.take().filter(|_| woken) {
                let _ = thread.join();
            }
        }
    }

    fn socket(directory: &Path) -> PathBuf {
        directory.join("remote")
    }

    fn listen(listener: &UnixListener, shelf: &Arc<Shelf>, stopping: &AtomicBool) {
        let mut answering: Vec<JoinHandle<()>> = Vec::new();
        for stream in listener.incoming() {
            answering.retain(|thread| !thread.is_finished());
            match stream {
                Ok(stream) => {
                    let shelf = Arc::clone(shelf);
                    answering.push(std::thread::spawn(move || {
                        // Whoever asked and did not listen does without.
                        let _ = answer(stream, &shelf);
                    }));
                }
                // Nobody waits any more.
                Err(_) if stopping.load(Ordering::SeqCst) => break,
                Err(_) => {}
            }
            if stopping.load(Ordering::SeqCst) && listener.set_nonblocking(true).is_err() {
                break;
            }
        }
        answering.into_iter().for_each(|thread| drop(thread.join()));
    }

    fn answer(stream: UnixStream, shelf: &Shelf) -> Option<()> {
        stream.set_nonblocking(false).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut reader = BufReader::new(stream);
        let line = line(&mut reader)?;
        let mut words = line.split(' ');
        let (verb, namespace) = (words.next()?, words.next()?);
        let namespace = KINDS.iter().find(|known| **known == namespace)?;
        let (key, length) = (Digest::from_hex(words.next()?)?, words.next()?.parse().ok()?);
        let asked = Record::decode(&body(&mut reader, length)?, namespace, &key)?;
        let entries = entries(verb, namespace, key, asked, shelf);
        let text = Record { walk: Vec::new(), entries }.encode(namespace, &key);
        let mut stream = reader.into_inner();
        stream.write_all(format!("{}\n{text}", text.len()).as_bytes()).ok()
    }

    fn entries(
        verb: &str,
        namespace: &'static str,
        key: Digest,
        mut asked: Record,
        shelf: &Shelf,
    ) -> Vec<anymod_store::Entry> {
        let entry = asked.entries.pop();
        let step = Step { namespace, key, walk: &asked.walk };
        match (verb, entry) {
            (KNOWN, _) => shelf.known(namespace, key),
            (FETCH, Some(known)) => shelf.fetch(step, known).into_iter().collect(),
            (SHARE, Some(entry)) => {
                shelf.share(step, entry);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use anymod_store::{Options, Store};

    use super::*;
    use crate::shelf::Shelf;

    #[test]
    fn whoever_asks_nonsense_gets_no_answer_and_others_do() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), Options::default()).unwrap();
        let relay = Relay::listen(Shelf::of_child(store, None)).unwrap();
        let key = Digest::of(b"key");
        let text = Record::default().encode("compile", &key);
        let length = text.len();
        let others = Record::default().encode("compile", &Digest::of(b"other"));
        for nonsense in [
            String::new(),
            "known".to_owned(),
            "\u{0}\n".to_owned(),
            "x".repeat(1 << 12),
            format!("known compile {key} -1\n{text}"),
            format!("known compile {key} {}\n{text}", length + 1),
            format!("known compile {key} {}\n{text}", u64::MAX),
            format!("known compile {key} {length}\n{others}"),
            format!("known artifact {key} {length}\n{text}"),
            format!("known ../.. {key} {length}\n{text}"),
        ] {
            let mut stream = UnixStream::connect(relay.path()).unwrap();
            stream.write_all(nonsense.as_bytes()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            // One that was not read to its end is cut off.
            let _ = stream.read_to_end(&mut answer);
            assert_eq!(answer, b"", "{nonsense}");
        }
        for verb in [KNOWN, FETCH, SHARE, "more"] {
            let answer = question(&relay.path(), verb, "compile", key, &Record::default());
            assert_eq!(answer, Some(Record::default()), "{verb}");
        }
        let path = relay.path();
        assert!(relay.finish().is_empty() && !path.exists());
        assert!(known(&path, "compile", key).is_empty(), "nobody listens");
    }
}
