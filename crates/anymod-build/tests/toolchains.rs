//! Toolchains on the real machine: what `doctor` says, and installing the managed ones.

mod support;

use anymod_build::environment::Environment;
use anymod_build::toolchain::{doctor::doctor, install};
use anymod_model::Target;

fn all() -> Vec<Target> {
    Target::all().collect()
}

#[test]
fn the_hosts_compiler_is_found_and_works() {
    let home = tempfile::tempdir().unwrap();
    let report = doctor(&all(), &support::environment(home.path()));
    assert_eq!(report.targets.len(), all().len());
    let x64 = report.targets.iter().find(|target| target.target == "micropython-x64").unwrap();
    assert!(x64.ready, "apt-get install gcc libc6-dev\n{x64:#?}");
    let gnu = x64.toolchains.iter().find(|toolchain| toolchain.kind == "gnu").unwrap();
    assert_eq!(gnu.problems, [""; 0]);
    assert_eq!(gnu.libraries[..3], ["libgcc", "libm", "libc"]);
    let json = serde_json::to_string(&report).unwrap();
    assert!(json.contains("\"version\":1"), "{json}");
}

#[test]
fn what_is_missing_comes_with_the_command_that_installs_it() {
    let home = tempfile::tempdir().unwrap();
    let report = doctor(&all(), &support::environment(home.path()).with("PATH", "/nowhere"));
    for target in &report.targets {
        assert!(!target.ready);
        for toolchain in &target.toolchains {
            assert_eq!((&toolchain.path, toolchain.works), (&None, false), "{}", target.target);
            assert!(!toolchain.problems.is_empty(), "{}", target.target);
            let none_known = target.target == "micropython-xtensawin";
            assert_eq!(toolchain.install.is_none(), none_known, "{}", target.target);
        }
    }
    assert_eq!(report.tools[0].install.as_deref(), Some("anymod toolchain install mpy-cross"));
}

#[test]
fn a_program_that_is_no_compiler_is_seen_through() {
    let home = tempfile::tempdir().unwrap();
    let bin = home.path().join("bin");
    support::program::script(&bin.join("gcc"), "echo 'pretender 1'; exit 0");
    let report =
        doctor(&all(), &support::environment(home.path()).with("PATH", &bin.to_string_lossy()));
    let x64 = report.targets.iter().find(|target| target.target == "micropython-x64").unwrap();
    assert!(!x64.ready, "{x64:#?}");
}

#[test]
fn mpy_cross_is_installed_once_for_every_abi() {
    let home = tempfile::tempdir().unwrap();
    let environment = support::environment(home.path());
    let both = std::thread::scope(|scope| {
        let one = scope.spawn(|| install::install("mpy-cross", &environment));
        let two = scope.spawn(|| install::install("mpy-cross", &environment));
        [one.join().unwrap().unwrap(), two.join().unwrap().unwrap()]
    });
    assert_eq!(both.iter().filter(|done| done.changed).count(), 1, "{both:?}");
    assert!(!install::install("mpy-cross", &environment).unwrap().changed);
    // Nothing but the tool and the lock stays, and no Python is needed any more.
    let toolchains = both[0].path.parent().unwrap();
    assert_eq!(std::fs::read_dir(toolchains).unwrap().count(), 2);
    let report = doctor(&all(), &environment.with("PATH", "/nowhere"));
    assert!(report.tools.iter().all(|tool| tool.works), "{:#?}", report.tools);
}

#[test]
fn installing_without_pip_says_what_is_needed() {
    let home = tempfile::tempdir().unwrap();
    let environment: Environment = support::environment(home.path()).with("PATH", "/nowhere");
    let error = install::install("zig", &environment).unwrap_err();
    assert_eq!(error.0[0].code.id, "T0007");
    assert!(error.0[0].hint.as_deref().unwrap().contains("python3-pip"));
    assert_eq!(error.exit_code(), 4);
}

#[test]
fn a_file_that_is_not_the_pinned_one_is_refused_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let bin = home.path().join("bin");
    // A pip that delivers something else.
    let body = "for last; do :; done\ncase \"$*\" in *download*) mkdir -p \"$last\"; echo no > \"$last/zig.whl\";; esac";
    support::program::script(&bin.join("pip"), body);
    let path = format!("{}:/usr/bin:/bin", bin.display());
    support::program::script(&bin.join("python3"), "exit 1");
    support::program::script(&bin.join("pip3"), "exit 1");
    let environment = support::environment(home.path()).with("PATH", &path);
    let error = install::install("zig", &environment).unwrap_err();
    assert!(error.0[0].message.contains("not the one"), "{error}");
    let left: Vec<_> =
        std::fs::read_dir(home.path().join("home/toolchains")).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "only the lock: {left:?}");
}
