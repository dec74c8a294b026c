//! What comes of commands: objects, archives, modules, dependency files.

use std::ffi::OsStr;

use anymod_build::intercept::{ExportPolicy, Outcome};

use super::build::{Build, MODULE, TARGETS, THROWING, contains, target};

#[test]
fn a_module_is_compiled_and_linked_under_every_name_for_both_targets() {
    for name in TARGETS {
        let target = target(name);
        let build = Build::of(&target, "with blank é", None, |_| {});
        build.write("m.c", MODULE);
        build.write("t.cpp", THROWING);
        let include = format!("-I{}", target.python_include().display());
        for compiler in ["cc", "gcc-12", "x86_64-linux-gnu-gcc", "clang", "emcc", "c99"] {
            build.ok(&format!("{compiler} {include} -pthread -g -O2 -c m.c -o m.o"));
        }
        build.ok("g++ -O1 -c t.cpp");
        build.ok("x86_64-linux-gnu-gcc -shared -pthread m.o -o m.so -lm -Wl,-z,relro");
        build.ok("em++ -sSIDE_MODULE=1 t.o -o t.so -lstdc++");
        for (module, function) in [("m.so", "PyInit_m"), ("t.so", "PyInit_t")] {
            let bytes = build.read(module);
            assert!(bytes.starts_with(b"\0asm") && contains(&bytes, "dylink.0"), "{module}");
            assert!(contains(&bytes, function) && !contains(&bytes, "helper"), "{module}");
        }
        let throws = build.read("t.so");
        let (tag, invoke) = (contains(&throws, "__cpp_exception"), contains(&throws, "invoke_"));
        assert_eq!((tag, invoke), if name == TARGETS[1] { (true, false) } else { (false, true) });
    }
}

#[test]
fn several_sources_archives_and_responses() {
    let build = Build::new();
    for name in ["a", "b", "c d"] {
        build.write(&format!("{name}.c"), &format!("int {}(void) {{ return 1; }}", &name[..1]));
    }
    build.write("args.rsp", "-O1 @more.rsp\n-DX=\"a b\"");
    build.write("more.rsp", "'c d.c' a.c\tb.c");
    build.ok("cc -c @args.rsp");
    assert!(build.has("a.o") && build.has("b.o") && build.has("c d.o"));
    assert_eq!(build.last().sources, ["c d.c", "a.c", "b.c"]);
    build.ok("ar rcs lib.a a.o b.o");
    build.ok("ranlib lib.a");
    assert!(build.ok("nm lib.a").stdout.contains(" T a"));
    build.write("m.c", "int a(void), b(void); int PyInit_m(void) { return a() + b(); }");
    build.ok("cc -shared m.c -L. -l:lib.a -Wl,--as-needed lib.a -o m.so -O2");
}

#[test]
fn stripping_keeps_what_the_loader_needs() {
    let build = Build::new();
    build.write("m.c", "int PyInit_m(void) { return 1; }");
    build.ok("cc -g -shared m.c -o m.so");
    let before = build.read("m.so");
    assert!(contains(&before, ".debug_info"), "a link with `-g` keeps it");
    build.ok("strip --strip-all m.so");
    let after = build.read("m.so");
    assert!(contains(&after, "dylink.0") && !contains(&after, ".debug_info"));
    assert!(contains(&after, "PyInit_m"));
    build.ok("install_name_tool -id x m.so");
    assert_eq!(build.read("m.so"), after);
}

#[test]
fn dependency_files_are_as_asked() {
    let store = tempfile::tempdir().unwrap();
    let build = Build::of(&target(TARGETS[1]), "tree", Some(store.path()), |_| {});
    build.write("src/a b.c", "#include <stdio.h>\n#include \"x.h\"\nint f(void) { return X; }");
    build.write("src/x.h", "#define X 1\n");
    let mut expected: Vec<Vec<u8>> = Vec::new();
    for again in [false, true] {
        let mut found = Vec::new();
        for options in [
            &["-MD"][..],
            &["-MMD", "-MF", "y.d"],
            &["-MMD", "-MP", "-MF", "y.d", "-MT", "z $x", "-MQ", "z $x"],
            &["-Wp,-MMD,y.d"],
        ] {
            let mut command = build.command("cc");
            command.args(options).args(["-c", "src/a b.c", "-o", "out.o"]);
            assert!(command.status().unwrap().success());
            assert_eq!(build.last().outcome == Outcome::Hit, again || !found.is_empty());
            let name = if options == ["-MD"] { "out.d" } else { "y.d" };
            found.push(build.read(name));
            std::fs::remove_file(build.tree.join(name)).unwrap();
        }
        if again {
            assert_eq!(found, expected);
        }
        expected = found;
    }
    let text = |index: usize| String::from_utf8(expected[index].clone()).unwrap();
    assert!(text(0).starts_with("out.o: \\\n  src/a\\ b.c \\\n") && text(0).contains("stdio.h"));
    assert_eq!(text(1), "out.o: \\\n  src/a\\ b.c \\\n  src/x.h\n");
    assert_eq!(text(2), "z $x z\\ $$x: \\\n  src/a\\ b.c \\\n  src/x.h\nsrc/x.h:\n");
    assert_eq!(text(3), text(1));
}

#[test]
fn exports_follow_the_policy() {
    let source = "int PyInit_m(void) { return 1; } int other(void) { return 2; }\n\
        __attribute__((visibility(\"hidden\"))) int hidden(void) { return 3; }";
    for (policy, others) in [
        (ExportPolicy::PyInit, false),
        (ExportPolicy::Requested, true),
        (ExportPolicy::WholeArchive, true),
        (ExportPolicy::List(vec!["PyInit_m".to_owned()]), false),
    ] {
        let build = Build::of(&target(TARGETS[1]), "tree", None, |setup| setup.exports = policy);
        build.write("m.c", source);
        build.write("lib.c", "int in_library(void) { return 4; }");
        build.ok("cc -c lib.c");
        build.ok("ar rc lib.a lib.o");
        build.ok("cc -shared m.c lib.a -o m.so");
        let bytes = build.read("m.so");
        assert!(contains(&bytes, "PyInit_m") && !contains(&bytes, "hidden"));
        assert_eq!(contains(&bytes, "other"), others);
    }
}

#[test]
fn assembly_is_taken_and_kept_without_complaint() {
    let store = tempfile::tempdir().unwrap();
    let build = Build::of(&target(TARGETS[1]), "tree", Some(store.path()), |_| {});
    build.write(
        "a.c",
        "int value = 3; int f(int x) { for (int i = 0; i < 2; i++) x++; return x + value; }\n",
    );
    build.ok("gcc -S -O1 a.c");
    std::fs::copy(build.tree.join("a.s"), build.tree.join("b.S")).unwrap();
    for line in ["gcc -Werror -c a.s", "gcc -Werror -c b.S", "c99 -Werror -pedantic -c a.c"] {
        for outcome in [Outcome::Ran, Outcome::Hit] {
            let finished = build.ok(line);
            assert_eq!((build.last().outcome, finished.output().as_str()), (outcome, ""), "{line}");
        }
    }
    assert_ne!(build.call("c89 -Werror -pedantic -c a.c").status, 0, "a declaration in `for`");
}

#[test]
fn words_that_are_no_text_go_through() {
    use std::os::unix::ffi::OsStrExt as _;
    let build = Build::new();
    let name = OsStr::from_bytes(b"\xff.c");
    std::fs::write(build.tree.join(name), "int f(void) { return X; }").unwrap();
    let mut command = build.command("cc");
    command.arg("-c").arg(name).arg(OsStr::from_bytes(b"-DX=1 /* \xfe */")).args(["-o", "f.o"]);
    assert!(command.status().unwrap().success());
    assert!(build.has("f.o"));
    assert_eq!(build.last().sources, ["\u{fffd}.c"]);
}
