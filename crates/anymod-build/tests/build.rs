//! Builds on the real machine, with the host's compiler.

mod support;

use anymod_model::event::Event;
use support::{MANIFEST, MODULE_C, Project};

const X64: &str = "dist/micropython-x64/twice.mpy";

#[test]
fn a_module_is_built_and_then_left_alone() {
    let project = Project::twice();
    assert_eq!(project.ran(), ["qstrs twice", "compile twice.c", "link twice"]);
    let bytes = project.read(X64);
    let mpy = anymod_pack::mpy::Mpy::parse(&bytes, X64).unwrap();
    assert_eq!(mpy.header.arch(), Some(anymod_model::Arch::X64));
    let modified = std::fs::metadata(project.path(X64)).unwrap().modified().unwrap();
    assert_eq!(project.ran(), [""; 0]);
    let (events, report) = project.build();
    let report = report.unwrap();
    assert_eq!((report.totals.fresh, report.totals.ran, report.totals.changed), (3, 0, 0));

    assert!(matches!(
        events.first(),
        Some(Event::RunStarted { version: 2, modules: 1, actions: 3, stale: 0, .. })
    ));
    assert!(matches!(events.last(), Some(Event::RunFinished(_))));
    assert_eq!(std::fs::metadata(project.path(X64)).unwrap().modified().unwrap(), modified);
    let sizes = anymod_build::sizes(&report).unwrap();
    assert_eq!(sizes.modules[0].sizes.file, bytes.len() as u64);
    assert!(sizes.modules[0].sizes.text > 0);
}

#[test]
fn init_writes_a_project_that_builds() {
    let project = Project::new(&[]);
    anymod_build::init(&project.request.manifest, "fresh").unwrap();
    let mut only = project.request.clone();
    only.targets = vec!["micropython-x64".to_owned()];
    let report = anymod_build::build(&only, &mut |_| {}).unwrap();
    assert_eq!(report.outputs[0].path, "dist/micropython-x64/fresh.mpy");
    assert!(report.outputs[0].changed);
}

#[test]
fn paths_with_blanks_and_other_letters_work() {
    let manifest = MANIFEST.replace("twice.c", "src dir/zw\u{f6}lf $ #1.c");
    let source = MODULE_C.replace("anymod/micropython.h", "k\u{f6}pfe/a b.h");
    let files = [
        ("anymod.toml", manifest.as_str()),
        ("src dir/zw\u{f6}lf $ #1.c", source.as_str()),
        ("src dir/k\u{f6}pfe/a b.h", "#include \"anymod/micropython.h\"\n"),
    ];
    let project = Project::at(tempfile::tempdir().unwrap(), "my pr\u{f6}ject", &files);
    assert_eq!(project.ran().len(), 3);
    assert_eq!(project.ran(), [""; 0]);
    project.write("src dir/k\u{f6}pfe/a b.h", "#include \"anymod/micropython.h\"\n#define X 1\n");
    assert_eq!(project.ran(), ["compile src dir/zw\u{f6}lf $ #1.c"], "the object is the same");
}

#[test]
fn the_same_sources_make_the_same_bytes_anywhere() {
    let one = Project::twice();
    let other = Project::at(
        tempfile::tempdir().unwrap(),
        "elsewhere/and deeper",
        &[("anymod.toml", MANIFEST), ("twice.c", MODULE_C)],
    );
    for project in [&one, &other] {
        let place = "static const char *where(void) { return __FILE__ __DATE__ __TIME__; }";
        let source = format!("{place}\n{MODULE_C}");
        let source = source.replace("(2 *", "(where()[0] *");
        project.write("twice.c", &source);
        project.ran();
    }
    assert_eq!(one.read(X64), other.read(X64));
}

#[test]
fn sources_of_the_same_name_and_above_the_project_do_not_meet() {
    let project = Project::new(&[
        (
            "anymod.toml",
            "[module.twice]\nsources = [\"twice.c\", \"a/util.c\", \"b/util.c\", \"../shared/util.c\"]\ntargets = [\"micropython-x64\"]\n",
        ),
        (
            "twice.c",
            &MODULE_C
                .replace(
                    "static mp_obj_t twice",
                    "int a(void), b(void), c(void);\nstatic mp_obj_t twice",
                )
                .replace("2 *", "(a() + b() + c()) *"),
        ),
        ("a/util.c", "int a(void) { return 1; }\n"),
        ("b/util.c", "int b(void) { return 1; }\n"),
        ("../shared/util.c", "int c(void) { return 0; }\n"),
    ]);
    assert_eq!(project.ran().len(), 6);
    project.write("../shared/util.c", "int c(void) { return 7; }\n");
    assert_eq!(project.ran(), ["qstrs twice", "compile ../shared/util.c", "link twice"]);
}

#[test]
fn all_failures_are_told_and_the_rest_is_built() {
    let mut project = Project::new(&[
        (
            "anymod.toml",
            "[project]\ntargets = [\"micropython-x64\"]\n[module.twice]\nsources = [\"twice.c\"]\n[module.bad]\nsources = [\"bad1.c\", \"bad2.c\"]\n",
        ),
        ("twice.c", MODULE_C),
        ("bad1.c", "#error first\n"),
        ("bad2.c", "int x = \"second\" + ;\n"),
    ]);
    project.request.jobs = Some(1);
    let first = project.build().1.unwrap_err();
    assert_eq!(first.0.len(), 1, "it stops at the first");
    project.request.keep_going = true;
    let (events, result) = project.build();
    let errors = result.unwrap_err();
    assert_eq!(errors.0.len(), 2, "{errors}");
    assert_eq!(errors.exit_code(), 4);
    assert!(errors.0.iter().all(|error| error.code.id == "B0001"));
    let said: Vec<&String> = events
        .iter()
        .filter_map(|event| match event {
            Event::ActionFinished { output, command: Some(_), .. } => Some(output),
            _ => None,
        })
        .collect();
    assert_eq!(said.len(), 2);
    assert!(said.iter().any(|said| said.contains("#error first")), "{said:?}");
    let totals = events.iter().find_map(|event| match event {
        Event::RunFinished(totals) => Some(*totals),
        _ => None,
    });
    let totals = totals.unwrap();
    assert_eq!((totals.failed, totals.skipped, totals.installed), (2, 1, 1));
    assert!(project.path(X64).is_file(), "what does not depend on the failure is there");
}

#[test]
fn a_missing_compiler_is_told_with_the_command_that_installs_it() {
    let mut project = Project::twice();
    project.request.environment = project.request.environment.clone().with("PATH", "/nowhere");
    let errors = project.build().1.unwrap_err();
    assert_eq!((errors.0[0].code.id, errors.exit_code()), ("T0001", 3));
    assert_eq!(errors.0[0].hint.as_deref(), Some("run `apt-get install gcc libc6-dev`"));
    assert_eq!(errors.0[0].notes, ["looked for `gcc`, `x86_64-linux-gnu-gcc`"]);
}

#[test]
fn patterns_and_names_that_mean_nothing_are_told() {
    let mut project = Project::new(&[
        (
            "anymod.toml",
            "[module.m]\ntargets = [\"micropython-x64\"]\nsources = [\"none/*.c\", \"docs/*\"]\n",
        ),
        ("docs/readme.txt", ""),
    ]);
    let errors = project.build().1.unwrap_err();
    let codes: Vec<&str> = errors.0.iter().map(|error| error.code.id).collect();
    assert_eq!(codes, ["B0004", "B0011"]);
    assert!(errors.0[0].place.is_some());
    project.request.modules = vec!["nope".to_owned()];
    project.request.targets = vec!["micropython-z80".to_owned()];
    let errors = project.build().1.unwrap_err();
    let codes: Vec<&str> = errors.0.iter().map(|error| error.code.id).collect();
    assert_eq!(codes, ["B0008", "B0009"]);
}

#[test]
fn a_directory_without_a_manifest_is_told() {
    let project = Project::new(&[]);
    let errors = project.build().1.unwrap_err();
    assert_eq!(errors.0[0].code.id, "B0006");
}

#[test]
fn a_manifest_is_found_from_below() {
    let mut project = Project::twice();
    project.write("deep/er/file", "");
    project.request.manifest = project.path("deep/er");
    let report = project.build().1.unwrap();
    assert!(report.root.join(X64).is_file());
}
