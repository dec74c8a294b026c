//! What makes an action run again, and what does not: each way in which a tree can change.

mod support;

use std::time::{Duration, SystemTime};

use support::{MANIFEST, MODULE_C, Project};

const OBJECT: &str = "build/micropython-x64/release/twice/obj/twice.c.o";
const DIST: &str = "dist/micropython-x64/twice.mpy";

/// A project with two include directories, the first of them empty, and a header in the second.
fn with_headers() -> Project {
    let manifest = format!("{MANIFEST}include-dirs = [\"first\", \"second\"]\n");
    let source = format!("#include \"value.h\"\n{}", MODULE_C.replace("2 *", "VALUE *"));
    let files = [
        ("anymod.toml", manifest.as_str()),
        ("twice.c", source.as_str()),
        ("second/value.h", "#define VALUE 2\n"),
        ("first/.keep", ""),
    ];
    let project = Project::new(&files);
    assert_eq!(project.ran().len(), 3);
    assert_eq!(project.ran(), [""; 0]);
    project
}

const COMPILED: [&str; 2] = ["compile twice.c", "link twice"];

#[test]
fn a_changed_header() {
    let project = with_headers();
    project.write("second/value.h", "#define VALUE 3\n");
    assert_eq!(project.ran(), COMPILED);
    assert_eq!(project.ran(), [""; 0]);
}

#[test]
fn a_header_with_the_same_size_and_an_old_time() {
    let project = with_headers();
    // Times that settle are trusted; let them.
    std::thread::sleep(Duration::from_millis(250));
    assert_eq!(project.ran(), [""; 0]);
    let path = project.path("second/value.h");
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    project.write("second/value.h", "#define VALUE 5\n");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(before).unwrap();
    assert_eq!(project.ran(), COMPILED);
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(project.ran(), [""; 0], "a time alone changes nothing");
}

#[test]
fn a_header_that_shadows_another() {
    let project = with_headers();
    project.write("first/value.h", "#define VALUE 4\n");
    assert_eq!(project.ran(), COMPILED);
    project.write("value.h", "#define VALUE 5\n");
    assert_eq!(project.ran(), COMPILED, "beside the source comes before any include directory");
    std::fs::remove_file(project.path("value.h")).unwrap();
    std::fs::remove_file(project.path("first/value.h")).unwrap();
    assert_eq!(project.ran(), COMPILED);
    project.write("first/stdint.h", "#include_next <stdint.h>\n");
    assert_eq!(project.ran(), ["compile twice.c"], "a header of the system is shadowed as well");
}

#[test]
fn deleted_and_damaged_outputs() {
    let project = with_headers();
    let built = project.read(DIST);
    std::fs::remove_file(project.path(OBJECT)).unwrap();
    assert_eq!(project.ran(), ["compile twice.c"], "the same object is not linked again");
    project.write(OBJECT, "damaged");
    assert_eq!(project.ran(), ["compile twice.c"]);
    std::fs::remove_file(project.path(DIST)).unwrap();
    assert_eq!(project.ran(), [""; 0], "only installed again");
    assert_eq!(project.read(DIST), built);
    project.write(DIST, "damaged");
    assert_eq!(project.ran(), [""; 0]);
    assert_eq!(project.read(DIST), built);
    std::fs::remove_dir_all(project.path("build")).unwrap();
    assert_eq!(project.ran().len(), 3);
}

#[test]
fn changed_options_and_back() {
    let project = with_headers();
    let before = project.read(DIST);
    let manifest = String::from_utf8(project.read("anymod.toml")).unwrap();
    project.write("anymod.toml", &format!("{manifest}cflags = [\"-Os\"]\n"));
    assert!(project.ran().contains(&"compile twice.c".to_owned()));
    project.write("anymod.toml", &format!("{manifest}micropython.source-name = \"other\"\n"));
    assert_eq!(project.ran().last().map(String::as_str), Some("link twice"));
    assert_ne!(project.read(DIST), before);
    project.write("anymod.toml", &manifest);
    project.ran();
    assert_eq!(project.read(DIST), before);
}

#[test]
fn a_changed_environment_variable() {
    let manifest = format!("{MANIFEST}defines = {{ VALUE = \"${{env:VALUE:-2}}\" }}\n");
    let source = MODULE_C.replace("2 *", "VALUE *");
    let mut project = Project::new(&[("anymod.toml", &manifest), ("twice.c", &source)]);
    let plain = project.request.environment.clone();
    project.request.environment = plain.clone().with("VALUE", "2").with("OTHER", "1");
    assert_eq!(project.ran().len(), 3);
    project.request.environment = plain.clone().with("VALUE", "2").with("OTHER", "2");
    assert_eq!(project.ran(), [""; 0], "no part of the build");
    project.request.environment = plain.with("VALUE", "3");
    assert_eq!(project.ran(), COMPILED);
}

#[test]
fn a_new_file_that_a_pattern_matches() {
    let manifest = MANIFEST.replace("twice.c", "*.c");
    let project = Project::new(&[("anymod.toml", &manifest), ("twice.c", MODULE_C)]);
    assert_eq!(project.ran().len(), 3);
    project.write("more.c", "int more(void) { return 1; }\n");
    assert_eq!(project.ran(), ["qstrs twice", "compile more.c", "link twice"]);
    std::fs::remove_file(project.path("more.c")).unwrap();
    assert_eq!(project.ran(), ["qstrs twice", "link twice"]);
}

#[test]
fn a_compiler_replaced_behind_its_path() {
    let mut project = Project::twice();
    let bin = project.directory.path().join("bin");
    let compiler = |number: u32| {
        support::program::script(
            &bin.join("gcc"),
            &format!("# build {number}\nexec /usr/bin/gcc \"$@\""),
        );
    };
    compiler(1);
    let path = format!("{}:/usr/bin:/bin", bin.display());
    project.request.environment = project.request.environment.clone().with("PATH", &path);
    assert_eq!(project.ran().len(), 3);
    assert_eq!(project.ran(), [""; 0]);
    compiler(2);
    assert_eq!(project.ran(), ["compile twice.c"]);
}

#[test]
fn a_new_qstr_compiles_every_source_again() {
    let manifest = MANIFEST.replace("[\"twice.c\"]", "[\"twice.c\", \"more.c\"]");
    let more = "#include \"anymod/micropython.h\"\nint more(void) { return 1; }\n";
    let project =
        Project::new(&[("anymod.toml", &manifest), ("twice.c", MODULE_C), ("more.c", more)]);
    assert_eq!(project.ran().len(), 4);
    project.write("twice.c", &MODULE_C.replace("MP_QSTR_twice", "MP_QSTR_doubled"));
    let mut ran = project.ran();
    ran.sort();
    assert_eq!(ran, ["compile more.c", "compile twice.c", "link twice", "qstrs twice"]);
}

#[test]
fn a_source_touched_without_a_change() {
    let project = with_headers();
    std::thread::sleep(Duration::from_millis(20));
    let file = std::fs::File::options().write(true).open(project.path("twice.c")).unwrap();
    file.set_modified(SystemTime::now()).unwrap();
    assert_eq!(project.ran(), [""; 0]);
}

#[test]
fn a_damaged_log_is_a_full_build_and_never_an_error() {
    let project = with_headers();
    let before = project.read(DIST);
    let whole = project.read("build/.anymod-log");
    let mut bad = whole.clone();
    bad[whole.len() / 2] ^= 0x55;
    for damaged in [&b"nonsense"[..], b"", &[0xff; 4096], &bad] {
        std::fs::write(project.path("build/.anymod-log"), damaged).unwrap();
        // Written only once the sources' times can be trusted.
        let _ = std::fs::remove_file(project.path("build/.anymod-snapshot"));
        assert_eq!(project.ran().len(), 3);
        assert_eq!(project.ran(), [""; 0]);
        assert_eq!(project.read(DIST), before);
    }
}

#[test]
fn a_damaged_snapshot_counts_for_nothing() {
    let project = with_headers();
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(project.ran(), [""; 0]);
    let snapshot = "build/.anymod-snapshot";
    let whole = project.read(snapshot);
    for at in (0..whole.len()).step_by(97) {
        let mut bad = whole.clone();
        bad[at] ^= 0x55;
        std::fs::write(project.path(snapshot), if at % 2 == 0 { &bad } else { &bad[..at] })
            .unwrap();
        let (_, report) = project.build();
        assert_eq!(report.unwrap().totals.fresh, 3, "byte {at}");
    }
    let modified = |path: &str| std::fs::metadata(project.path(path)).unwrap().modified().unwrap();
    project.build().1.unwrap();
    let before = modified(snapshot);
    project.build().1.unwrap();
    assert_eq!(modified(snapshot), before, "a whole one is believed");
    project.write("twice.c", &format!("{MODULE_C}int x;\n"));
    assert_eq!(project.ran().first().map(String::as_str), Some("qstrs twice"));
}

#[test]
fn a_file_that_assembler_code_includes() {
    let manifest = MANIFEST.replace("[\"twice.c\"]", "[\"twice.c\", \"table.S\", \"plain.s\"]");
    let manifest = format!("{manifest}include-dirs = [\"data\"]\n");
    let source = MODULE_C.replace(
        "static mp_obj_t twice",
        "extern const char table[], plain[];\nstatic mp_obj_t twice",
    );
    let files = [
        ("anymod.toml", manifest.as_str()),
        ("twice.c", &source.replace("2 *", "(table[0] + plain[0]) *")),
        (
            "table.S",
            ".section .rodata\n.globl table\n.hidden table\ntable: .incbin \"data/table.bin\"\n",
        ),
        (
            "plain.s",
            ".section .rodata\n.globl plain\n.hidden plain\nplain: .incbin \"plain.bin\"\n",
        ),
        ("data/table.bin", "one"),
        ("plain.bin", "one"),
    ];
    let project = Project::new(&files);
    assert_eq!(project.ran().len(), 5);
    assert_eq!(project.ran(), [""; 0]);
    project.write("data/table.bin", "two");
    assert_eq!(project.ran(), ["compile table.S", "link twice"]);
    project.write("plain.bin", "two");
    assert_eq!(project.ran(), ["compile plain.s", "link twice"]);
}
