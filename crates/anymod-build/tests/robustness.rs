//! Builds that are killed, meet each other, or cannot write.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anymod_model::event::Event;
use support::{MANIFEST, MODULE_C, Project};

const DIST: &str = "dist/micropython-x64/twice.mpy";
/// Set for a process of this test program that is to build the project at the path.
const CHILD: &str = "ANYMOD_TEST_CHILD";

/// Not a test of its own: what [`spawn`] starts.
#[test]
fn child() {
    let Ok(root) = std::env::var(CHILD) else { return };
    let environment = anymod_build::environment::Environment::of_process();
    let request = anymod_build::BuildRequest::new(root, environment);
    anymod_build::build(&request, &mut |_| {}).unwrap();
}

/// Starts a build in a process of its own.
fn spawn(project: &Project) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .envs(project.request.environment.all())
        .env(CHILD, &project.request.manifest)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A project whose compiler takes its time.
fn slow(seconds: f32) -> Project {
    let mut project = Project::twice();
    let bin = project.directory.path().join("bin");
    let body = format!(
        "case \"$*\" in *-MD*) touch '{0}/started'; sleep {seconds};; esac\nexec /usr/bin/gcc \"$@\"",
        project.directory.path().display()
    );
    support::program::script(&bin.join("gcc"), &body);
    let path = format!("{}:/usr/bin:/bin", bin.display());
    project.request.environment = project.request.environment.clone().with("PATH", &path);
    project
}

fn wait_for(project: &Project, file: &str) {
    let path = project.directory.path().join(file);
    let clock = Instant::now();
    while !path.exists() {
        assert!(clock.elapsed() < Duration::from_secs(20), "{} never came", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_killed_build_leaves_dist_as_it_was_and_the_next_one_finishes() {
    let project = slow(0.3);
    project.ran();
    let before = project.read(DIST);
    project.write("twice.c", &MODULE_C.replace("2 *", "3 *"));
    std::fs::remove_file(project.directory.path().join("started")).unwrap();
    let mut child = spawn(&project);
    wait_for(&project, "started");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(project.read(DIST), before);
    let names: Vec<_> = std::fs::read_dir(project.path("dist/micropython-x64")).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing half-way: {names:?}");
    assert_eq!(project.ran(), ["compile twice.c", "link twice"], "what was finished is kept");
    assert_ne!(project.read(DIST), before);
    let leftovers = std::fs::read_dir(project.path("build")).unwrap().flatten();
    let left = leftovers.filter(|entry| entry.file_name().to_string_lossy().starts_with(".work"));
    assert_eq!(left.count(), 0);
    assert_eq!(project.ran(), [""; 0]);
}

#[test]
fn a_build_killed_at_any_moment_can_be_continued() {
    let expected = {
        let project = Project::twice();
        project.ran();
        project.read(DIST)
    };
    for milliseconds in [0, 3, 10, 20, 30, 45, 60, 80] {
        let project = Project::twice();
        let mut child = spawn(&project);
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        if project.path(DIST).exists() {
            assert_eq!(project.read(DIST), expected);
        }
        project.ran();
        assert_eq!(project.read(DIST), expected, "killed after {milliseconds} ms");
        assert_eq!(project.ran(), [""; 0]);
    }
}

#[test]
fn two_builds_at_once_wait_for_each_other() {
    let project = slow(0.3);
    let mut child = spawn(&project);
    wait_for(&project, "started");
    let (events, result) = project.build();
    assert!(matches!(events.first(), Some(Event::Waiting { .. })), "{events:?}");
    assert_eq!(result.unwrap().totals.ran, 0, "the other one did it");
    assert!(child.wait().unwrap().success());
    let mut children: Vec<Child> = (0..4).map(|_| spawn(&project)).collect();
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
}

#[test]
fn a_file_saved_while_it_is_compiled_is_compiled_again() {
    let project = slow(0.3);
    let mut child = spawn(&project);
    wait_for(&project, "started");
    project.write("twice.c", &MODULE_C.replace("2 *", "3 *"));
    assert!(child.wait().unwrap().success());
    assert!(project.ran().contains(&"compile twice.c".to_owned()));
    let fresh =
        Project::new(&[("anymod.toml", MANIFEST), ("twice.c", &MODULE_C.replace("2 *", "3 *"))]);
    fresh.ran();
    assert_eq!(project.read(DIST), fresh.read(DIST));
}

#[test]
fn a_file_in_the_place_of_dist_is_told_and_stays() {
    let project = Project::twice();
    project.write("dist", "mine");
    let errors = project.build().1.unwrap_err();
    assert_eq!((errors.0[0].code.id, errors.exit_code()), ("B0003", 2), "{errors}");
    assert_eq!(project.read("dist"), b"mine");
    std::fs::remove_file(project.path("dist")).unwrap();
    assert_eq!(project.ran(), [""; 0], "only the installation was left to do");
    assert!(project.path(DIST).is_file());
}

/// A disk of its own at a directory, if this user may mount one.
struct Disk(PathBuf);

impl Disk {
    fn at(directory: PathBuf, options: &str) -> Option<Disk> {
        std::fs::create_dir_all(&directory).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&directory);
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        mounted.then_some(Disk(directory))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    let project = Project::twice();
    // `dist/` on a disk with no room left.
    let Some(disk) = Disk::at(project.path("dist"), "size=256k") else {
        eprintln!("skipped: mounting a small disk needs root");
        return;
    };
    project.ran();
    let before = project.read(DIST);
    let filler = disk.0.join("filler");
    let _ = std::fs::write(&filler, vec![1; 1 << 20]);
    project.write("twice.c", &MODULE_C.replace("2 *", "(int)sizeof(MP_QSTR_longer_than_before) *"));
    let errors = project.build().1.unwrap_err();
    assert_eq!(errors.0[0].code.id, "B0003", "{errors}");
    assert!(errors.0[0].hint.as_deref().unwrap().contains("space"), "{errors}");
    assert_eq!(project.read(DIST), before, "the old module is whole");
    std::fs::remove_file(filler).unwrap();
    assert_eq!(project.ran(), [""; 0]);
    assert_ne!(project.read(DIST), before);
}

#[test]
fn a_read_only_dist_is_told() {
    let project = Project::twice();
    let Some(_disk) = Disk::at(project.path("dist"), "size=256k,ro") else {
        eprintln!("skipped: mounting a read-only disk needs root");
        return;
    };
    let errors = project.build().1.unwrap_err();
    assert_eq!(errors.0[0].code.id, "B0003", "{errors}");
    assert!(errors.0[0].hint.as_deref().unwrap().contains("permission"), "{errors}");
}

#[test]
fn links_out_of_the_project_are_not_followed() {
    for link in ["dist", "build", "build/micropython-x64", "dist/micropython-x64"] {
        let project = Project::twice();
        let elsewhere = tempfile::tempdir().unwrap();
        let link = project.path(link);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
        let errors = project.build().1.unwrap_err();
        assert_eq!(errors.0[0].code.id, "B0014", "{errors}");
        let written = std::fs::read_dir(elsewhere.path()).unwrap().count();
        assert_eq!(written, 0, "{}", link.display());
    }
}
