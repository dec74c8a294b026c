//! Many processes on one store, killed ones among them. Each is this test program again, told by its environment what to do.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anymod_store::{Claim, Options, Store};

use crate::crowds::tiny;
use crate::support::{Bench, files, keep, use_at_random, walk};

const TASK: &str = "ANYMOD_STORE_TEST_TASK";
const PLACE: &str = "ANYMOD_STORE_TEST_PLACE";

/// This program, doing `task` in a directory that holds `store`.
pub(crate) fn command(program: &Path, task: &str, place: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", "processes::helper", "--ignored", "--nocapture", "--test-threads=1"])
        .envs([(TASK, task.as_ref()), (PLACE, place.as_os_str())])
        .stdin(Stdio::null());
    command
}

fn start(task: &str, bench: &Bench) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = command(&program, task, bench.directory.path());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn succeeded(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
#[ignore = "started by other tests as a process of its own"]
fn helper() {
    let place = std::env::var_os(PLACE).unwrap();
    let place = Path::new(&place);
    let store = Store::open(&place.join("store"), Options::default()).unwrap();
    match std::env::var(TASK).unwrap().as_str() {
        "use" => {
            use_at_random(&store, place, u64::from(std::process::id()), 120);
            assert_eq!(store.take_warnings(), []);
        }
        "use for ever" => {
            use_at_random(&store, place, u64::from(std::process::id()), u64::MAX);
        }
        "collect" => {
            for _ in 0..60 {
                store.gc(&tiny()).unwrap();
                assert_eq!(store.verify().findings, []);
            }
        }
        "collect for ever" => loop {
            store.gc(&tiny()).unwrap();
        },
        "once" => run_once(&store, place),
        "hold" => {
            let Claim::Held(_guard) = store.claim(&walk("once").1) else { panic!("free") };
            println!("\nheld");
            std::thread::sleep(Duration::from_secs(600));
        }
        task => crate::trouble::task(task, &store, place),
    }
}

/// What a build does with a missed action: run it if the claim is ours, wait and look again if not.
fn run_once(store: &Store, place: &Path) {
    let key = walk("once").1;
    while store.find("compile", &key).is_none() {
        match store.claim(&key) {
            Claim::Held(_guard) if store.find("compile", &key).is_some() => {}
            Claim::Held(_guard) => {
                std::fs::write(place.join(format!("ran-{}", std::process::id())), "").unwrap();
                std::thread::sleep(Duration::from_millis(50));
                keep(store, place, "compile", "once", &[b"made"]);
            }
            Claim::Busy => assert!(store.wait(&key, Duration::from_secs(60))),
            Claim::Unavailable => panic!("the store can be written"),
        }
    }
}

#[test]
fn processes_keep_and_restore_while_one_collects() {
    let bench = Bench::new();
    let children: Vec<Child> =
        ["use", "collect", "use", "use"].iter().map(|task| start(task, &bench)).collect();
    children.into_iter().for_each(succeeded);
    assert_eq!(bench.store.verify().findings, []);
    assert!(bench.files("tmp").is_empty() && bench.files("trash").is_empty());
}

#[test]
fn of_many_processes_one_runs_an_action() {
    let bench = Bench::new();
    let children: Vec<Child> = (0..8).map(|_| start("once", &bench)).collect();
    children.into_iter().for_each(succeeded);
    let ran = files(bench.directory.path());
    let ran = ran.iter().filter(|path| path.to_string_lossy().contains("/ran-"));
    assert_eq!(ran.count(), 1);
    assert!(bench.files("claims").is_empty());
}

#[test]
fn a_killed_holder_releases_its_claim() {
    let bench = Bench::new();
    let mut child = start("hold", &bench);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "held"));
    let key = walk("once").1;
    assert!(matches!(bench.store.claim(&key), Claim::Busy));
    assert!(!bench.store.wait(&key, Duration::from_millis(10)));
    child.kill().unwrap();
    assert!(bench.store.wait(&key, Duration::from_secs(60)));
    child.wait().unwrap();
    assert!(matches!(bench.store.claim(&key), Claim::Held(_)));
}

#[test]
fn killed_processes_leave_a_sound_store() {
    let bench = Bench::new();
    for moment in 0..12 {
        let mut children = ["use for ever", "collect for ever"].map(|task| start(task, &bench));
        std::thread::sleep(Duration::from_millis(15 + 7 * moment));
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(bench.store.verify().findings, [], "after {moment} kills");
    }
    use_at_random(&bench.store, bench.directory.path(), 1, 50);
    bench.store.gc(&tiny()).unwrap();
    assert!(bench.files("tmp").is_empty() && bench.files("trash").is_empty());
    assert!(bench.store.take_warnings().is_empty());
}
