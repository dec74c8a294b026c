//! buildbox-casd on a port of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::machine;

/// A server that runs; it is ended when this is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) directory: tempfile::TempDir,
    pub(crate) port: u16,
}

/// How long a server may take to start on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);

impl Server {
    /// One that keeps blobs and results.
    pub(crate) fn cache() -> Server {
        Server::start(&[])
    }

    /// One that executes as well, each action in a sandbox in which there is nothing but its inputs.
    pub(crate) fn executor() -> Server {
        let run = programs().join("buildbox-run");
        Server::start(&[format!("--buildbox-run={}", run.display()), "--jobs=2".to_owned()])
    }

    /// One that executes with the compilers and headers of this machine, of which one file may be replaced.
    pub(crate) fn host_executor(replaced: Option<(&Path, &str)>) -> Server {
        let run = programs().join("buildbox-run");
        let replaced = replaced.map(|(file, path)| (file.to_owned(), path));
        // Some of these are links to others.
        let usual = ["/usr", "/bin", "/lib", "/lib64"].into_iter();
        let usual = usual.filter_map(|path| Some((Path::new(path).canonicalize().ok()?, path)));
        let mount = |(from, to): (PathBuf, &str)| {
            format!("--runner-arg=--ro-bind-mount={}:{to}", from.display())
        };
        let mut options = vec![format!("--buildbox-run={}", run.display()), "--jobs=2".to_owned()];
        options.extend(usual.chain(replaced).map(mount));
        Server::start(&options)
    }

    fn start(options: &[String]) -> Server {
        // Somebody else may take the port between looking and using it.
        for _ in 0..5 {
            if let Some(server) = Server::try_start(options) {
                return server;
            }
        }
        panic!("buildbox-casd does not start");
    }

    fn try_start(options: &[String]) -> Option<Server> {
        let programs = programs();
        let directory = tempfile::Builder::new().prefix("anymod-casd-").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut process = Command::new(programs.join("buildbox-casd"))
            .arg(format!("--bind=127.0.0.1:{port}"))
            .args(["--quota-high=2G", "--reserved=0", "--cache-failures=false"])
            .args(options)
            .arg(directory.path().join("cas"))
            .env("PATH", path)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && process.try_wait().unwrap().is_none() {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(Server { process, directory, port });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = process.kill();
        let _ = process.wait();
        None
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("grpc://127.0.0.1:{}", self.port)
    }

    /// Where its blobs and results are.
    pub(crate) fn storage(&self) -> PathBuf {
        self.directory.path().join("cas/cas")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where the server's programs are.
pub(crate) fn programs() -> PathBuf {
    machine::component("buildbox").unwrap_or_else(|why| panic!("{why}"))
}

/// Every file of a server's results.
pub(crate) fn results(server: &Server) -> Vec<PathBuf> {
    crate::tree::files(&server.directory.path().join("cas/actioncache/objects"))
}
