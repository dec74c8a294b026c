//! What a farm is made of: PostgreSQL, BuildGrid on top of it, and workers with a cache each. All on loopback, all in one
//! directory that is removed, all ended when they are dropped.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cpython::output;
use crate::generated::root;

/// How long anything may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// BuildGrid's configuration. A worker that is not heard of for `keepalive` seconds is taken to be gone, and what it was
/// doing is given to another.
const CONFIGURATION: &str = r#"server:
  - !channel
    address: "127.0.0.1:@PORT@"
    insecure-mode: true
connections:
  - !sql-connection &sql
    connection-string: postgresql://farm@127.0.0.1:@SQL@/farm
storages:
  - !disk-storage &blobs
    path: "@PLACE@/blobs"
caches:
  - !lru-action-cache &results
    storage: *blobs
    max-cached-refs: 100000
    allow-updates: true
    cache-failed-actions: false
schedulers:
  - !sql-scheduler &scheduler
    sql: *sql
    storage: *blobs
    action-cache: *results
    poll-interval: 0.2
    bot-poll-interval: 0.2
    bot-session-keepalive-timeout: @KEEPALIVE@
    session-expiry-timer-interval: 2
    property-set: !dynamic-property-set {}
    assigners:
      - !priority-age-assigner
        count: 1
        interval: 0.1
instances:
  - name: ""
    services:
      - !action-cache
        cache: *results
      - !execution
        scheduler: *scheduler
      - !bots
        scheduler: *scheduler
      - !cas
        storage: *blobs
      - !bytestream
        storage: *blobs
thread-pool-size: 100
"#;

/// A process and those that it starts, ended when it is dropped.
pub(super) struct Server(Child);

/// Where the programs are, and where the farm keeps what it has.
pub(super) struct Place {
    farm: PathBuf,
    buildbox: PathBuf,
    directory: PathBuf,
}

/// A worker, and the cache that it takes its inputs from.
pub(super) struct Worker {
    _worker: Server,
    _cache: Server,
}

impl Drop for Server {
    fn drop(&mut self) {
        // All of its group, runners and actions included; the first as if the machine had lost its power.
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

impl Place {
    /// Installs what is missing; the farm keeps what it has in `directory`.
    pub(super) fn new(directory: &Path) -> Result<Place, String> {
        // Whoever runs the database has to get there.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(directory, open).map_err(|error| error.to_string())?;
        let directory = directory.to_owned();
        Ok(Place { farm: component("farm")?, buildbox: component("buildbox")?, directory })
    }

    fn start(&self, command: &Command, name: &str) -> Result<Server, String> {
        let log = std::fs::File::create(self.directory.join(format!("{name}.log")));
        let log = log.map_err(|error| error.to_string())?;
        let copy = log.try_clone().map_err(|error| error.to_string())?;
        // It ends with this process, however that ends.
        let mut held = Command::new("setpriv");
        held.args(["--pdeathsig", "KILL"]).arg(command.get_program()).args(command.get_args());
        for (variable, value) in command.get_envs() {
            held.env(variable, value.unwrap_or_default());
        }
        held.current_dir(command.get_current_dir().unwrap_or(&self.directory));
        held.stdin(Stdio::null()).stdout(log).stderr(copy).process_group(0);
        let started = held.spawn();
        started.map(Server).map_err(|error| format!("{name}: {command:?}: {error}"))
    }

    /// Waits until a server does what it should.
    fn ready(&self, server: &mut Server, name: &str, is: impl Fn() -> bool) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && matches!(server.0.try_wait(), Ok(None)) {
            if is() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(self.directory.join(format!("{name}.log")));
        Err(format!("{name} does not start\n{}", log.unwrap_or_default()))
    }

    /// PostgreSQL with an empty database; the port.
    pub(super) fn database(&self) -> Result<(Server, u16), String> {
        let programs = postgresql()?;
        let data = self.directory.join("database");
        std::fs::create_dir_all(&data).map_err(|error| error.to_string())?;
        // It refuses to be run by root.
        let is_root = output(Command::new("id").arg("-u"))?.trim() == "0";
        let somebody = |program: &str| {
            let program = programs.join(program);
            if !is_root {
                return Command::new(program);
            }
            let mut command = Command::new("setpriv");
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
            command.current_dir("/");
            command
        };
        if is_root {
            output(Command::new("chown").arg("nobody:nogroup").arg(&data))?;
        }
        let mut begin = somebody("initdb");
        begin.args(["-U", "farm", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]);
        output(begin.args(["--no-sync", "-D"]).arg(&data))?;
        let port = port()?;
        let mut serve = somebody("postgres");
        serve.args(["-h", "127.0.0.1", "-k", "", "-c", "fsync=off", "-p", &port.to_string()]);
        let mut server = self.start(serve.arg("-D").arg(&data), "postgres")?;
        let create = || {
            let mut create = Command::new(programs.join("createdb"));
            create.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "farm", "farm"]);
            output(&mut create).is_ok()
        };
        self.ready(&mut server, "postgres", create)?;
        Ok((server, port))
    }

    /// BuildGrid with its blobs, results and queue; the port.
    pub(super) fn scheduler(&self, sql: u16, keepalive: u32) -> Result<(Server, u16), String> {
        let bgd = || Command::new(self.farm.join("bgd"));
        let connection = format!("postgresql://farm@127.0.0.1:{sql}/farm");
        output(bgd().args(["migrate", "apply", &connection]))?;
        let port = port()?;
        let text = CONFIGURATION
            .replace("@PORT@", &port.to_string())
            .replace("@SQL@", &sql.to_string())
            .replace("@KEEPALIVE@", &keepalive.to_string())
            .replace("@PLACE@", &self.directory.display().to_string());
        let file = self.directory.join("buildgrid.yml");
        std::fs::write(&file, text).map_err(|error| error.to_string())?;
        let mut server = self.start(bgd().args(["server", "start"]).arg(&file), "buildgrid")?;
        self.ready(&mut server, "buildgrid", || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        Ok((server, port))
    }

    /// A worker that does two actions at once, each in a sandbox with its inputs and nothing else.
    pub(super) fn worker(&self, name: &str, server: u16) -> Result<Worker, String> {
        let server = format!("http://127.0.0.1:{server}");
        let directory = self.directory.join(name);
        std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
        let socket = directory.join("socket");
        let address = format!("unix:{}", socket.display());
        let mut path = self.buildbox.clone().into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut cache = Command::new(self.buildbox.join("buildbox-casd"));
        cache.arg(format!("--bind={address}")).arg(format!("--cas-remote={server}"));
        cache.args(["--quota-high=4G", "--reserved=0"]).arg(directory.join("cache"));
        let log = format!("{name}-cache");
        let mut cache = self.start(cache.env("PATH", &path).env("TMPDIR", &directory), &log)?;
        self.ready(&mut cache, &log, || socket.exists())?;
        let mut worker = Command::new(self.farm.join("buildbox-worker"));
        worker.arg(format!("--bots-remote={server}")).arg(format!("--cas-remote={address}"));
        worker.arg(format!("--buildbox-run={}", self.buildbox.join("buildbox-run").display()));
        worker.args(["--concurrent-jobs=2", "--max-wait-time=5"]);
        worker.args(["--platform", "OSFamily=linux", "--platform", "ISA=x86-64", name]);
        let worker = self.start(worker.env("PATH", &path).env("TMPDIR", &directory), name)?;
        Ok(Worker { _worker: worker, _cache: cache })
    }
}

/// Where `tests/runtimes/setup` has put a component.
fn component(name: &str) -> Result<PathBuf, String> {
    let script = "set -euo pipefail; \"$0/setup\" \"$1\"; . \"$0/lib.sh\"; component_dir \"$1\"";
    let mut command = Command::new("bash");
    command.args(["-c", script]).arg(root().join("tests/runtimes")).arg(name);
    command.stderr(Stdio::inherit());
    Ok(PathBuf::from(output(&mut command)?.trim()))
}

/// The programs of Debian's PostgreSQL, of the newest release that is installed.
fn postgresql() -> Result<PathBuf, String> {
    let releases = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut programs: Vec<PathBuf> = releases.map(|release| release.path().join("bin")).collect();
    programs.retain(|programs| programs.join("initdb").is_file());
    programs.sort();
    let hint = "PostgreSQL is missing\n  hint: apt-get install postgresql";
    programs.pop().ok_or_else(|| hint.to_owned())
}

/// A port that nobody has.
fn port() -> Result<u16, String> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    free.map(|address| address.port()).map_err(|error| error.to_string())
}
