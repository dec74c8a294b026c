//! Keys are honest: whatever an action reads makes it run again, and nothing else does.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use super::support::machine;
use super::support::program::script;
use super::tree::{Built, DIST, HEAD, ONE, Tree, copy_sources, dist, files, module_c};

/// A project with an action of every kind that a host with GCC can do, in a module that uses every input.
fn every_kind() -> Tree {
    let mut manifest = HEAD.to_owned()
        + "[module.m]\n\
           sources = [\"m.c\", \"more.cpp\", \"asm/table.S\", \"plain.s\", \"lib.a\", \"extra.o\"]\n\
           include-dirs = [\"first\", \"second\"]\n\
           cflags = [\"@c.opts\", \"-Ithird\", \"-Ifourth\"]\n\
           defines = { FACTOR = \"3\" }\n\
           micropython.externs = \"externs.txt\"\n\
           micropython.qstr-sources = [\"names.txt\"]\n";
    // Each has a weight of its own, so that no two changes give the same object.
    let value = "VALUE + 8 * FACTOR + 64 * OPTION + 512 * FOURTH + 4096 * maybe() + more() + table[0] \
                 + plain[0] + in_lib() + in_extra() + fixed()";
    let source = format!(
        "#include \"value.h\"\n#include \"fourth.h\"\n\
         #if __has_include(\"maybe.h\")\n#include \"maybe.h\"\n#else\n#define MAYBE 1\n#endif\n\
         extern const char table[], plain[];\n\
         int more(void), in_lib(void), in_extra(void), fixed(void);\n\
         static int maybe(void) {{ return MAYBE; }}\n{}",
        module_c("twice", value)
    );
    let tree = Tree::new(&[
        ("m.c", &source),
        ("more.cpp", "#include \"cxx.h\"\nextern \"C\" int more(void) { return MORE; }\n"),
        (
            "asm/table.S",
            "#include \"asm.h\"\n.section .rodata\n.globl table\n.hidden table\ntable: .incbin \"data/font.bin\"\n.byte BYTE\n",
        ),
        ("plain.s", ".include \"inner.inc\"\n"),
        (
            "inner.inc",
            ".section .rodata\n.globl plain\n.hidden plain\nplain: .incbin \"nested.bin\"\n",
        ),
        ("data/font.bin", "1"),
        ("nested.bin", "1"),
        ("asm/asm.h", "#define BYTE 1\n"),
        ("second/value.h", "#include \"deeper.h\"\n"),
        ("second/deeper.h", "#define VALUE 1\n"),
        ("second/cxx.h", "#define MORE 1\n"),
        ("fourth/fourth.h", "#define FOURTH 1\n"),
        ("first/.keep", ""),
        ("third/.keep", ""),
        ("c.opts", "-DOPTION=1\n"),
        ("externs.txt", "fixed = 0x10001000\n"),
        ("names.txt", "MP_QSTR_first\n"),
        ("lib.c", "int in_lib(void) { return 1; }\n"),
        ("extra.c", "int in_extra(void) { return 1; }\n"),
    ]);
    let mut tree = tree;
    objects(&tree.root);
    if let Ok(mpy_cross) = machine::mpy_cross() {
        tree.tool("mpy-cross", &format!("exec '{}' \"$@\"", mpy_cross.display()));
        tree.write("part.py", "x = 1\n");
        manifest = manifest.replace("\"extra.o\"]", "\"extra.o\", \"part.py\"]");
    }
    tree.write("anymod.toml", manifest);
    tree
}

/// Makes the inputs that are no text.
fn objects(root: &Path) {
    let run = |command: &str| {
        let status = Command::new("sh").args(["-c", command]).current_dir(root).status();
        assert!(status.unwrap().success(), "{command}");
    };
    run(
        "gcc -O1 -fno-pic -fpic -c lib.c -o lib.o && rm -f lib.a && ar rcD lib.a lib.o && rm lib.o",
    );
    run("gcc -O1 -fpic -c extra.c -o extra.o");
}

/// An input, what takes its place (of the same length), and what has to run.
const INPUTS: &[(&str, &str, &str, &[&str])] = &[
    (
        "m.c",
        "MP_QSTR_twice",
        "MP_QSTR_Twice",
        &["qstrs m", "compile m.c", "compile more.cpp", "link m"],
    ),
    ("m.c", "FACTOR + 64", "FACTOR - 64", &["qstrs m", "compile m.c", "link m"]),
    ("more.cpp", "return MORE;", "return!MORE;", &["qstrs m", "compile more.cpp", "link m"]),
    ("asm/table.S", ".byte BYTE", ".word BYTE", &["qstrs m", "compile asm/table.S", "link m"]),
    ("asm/asm.h", "1", "2", &["compile asm/table.S", "link m"]),
    ("data/font.bin", "1", "2", &["compile asm/table.S", "link m"]),
    ("inner.inc", "plain:", "plain :", &["compile plain.s"]),
    ("nested.bin", "1", "2", &["compile plain.s", "link m"]),
    ("second/deeper.h", "1", "2", &["compile m.c", "link m"]),
    ("second/value.h", "\"deeper.h\"", "<deeper.h>", &["compile m.c"]),
    ("second/cxx.h", "1", "2", &["compile more.cpp", "link m"]),
    ("fourth/fourth.h", "1", "2", &["compile m.c", "link m"]),
    ("c.opts", "1", "2", &["compile m.c", "link m"]),
    ("externs.txt", "1000", "2000", &["link m"]),
    ("names.txt", "first", "other", &["qstrs m", "link m"]),
    (
        "anymod.toml",
        "FACTOR = \"3\"",
        "FACTOR = \"4\"",
        &["compile m.c", "compile more.cpp", "link m"],
    ),
    ("part.py", "1", "2", &["compile-python part.py", "merge m"]),
];

/// What the project's sources give in a place where nothing is known from before.
fn clean_build(tree: &Tree) -> Vec<u8> {
    let elsewhere = tempfile::tempdir().unwrap();
    copy_sources(&tree.root, elsewhere.path());
    tree.build_in(elsewhere.path(), &["--no-store"]).ok();
    std::fs::read(elsewhere.path().join(DIST)).unwrap()
}

/// Changes a file in place and gives it the time that it had.
fn change(path: &Path, bytes: &[u8]) {
    let before = std::fs::metadata(path).unwrap().modified().unwrap();
    std::fs::write(path, bytes).unwrap();
    std::fs::File::options().write(true).open(path).unwrap().set_modified(before).unwrap();
}

fn replaced(text: &[u8], old: &str, new: &str) -> Vec<u8> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(text.contains(old), "{old} in {text}");
    text.replacen(old, new, 1).into_bytes()
}

fn must_run(built: &Built, wanted: &[&str], what: &str) {
    let ran = built.ran();
    for wanted in wanted {
        assert!(ran.iter().any(|ran| ran == wanted), "{what}: {wanted} is not among {ran:?}");
    }
}

#[test]
fn honesty_every_input_of_every_kind() {
    let tree = every_kind();
    tree.built();
    let original = tree.read(DIST);
    assert_eq!(original, clean_build(&tree));
    assert_eq!(tree.built().ran(), [""; 0]);
    for (path, old, new, wanted) in INPUTS {
        if !tree.path(path).exists() {
            assert_eq!(*path, "part.py", "only Python needs what may be missing");
            continue;
        }
        let before = tree.read(path);
        change(&tree.path(path), &replaced(&before, old, new));
        must_run(&tree.built(), wanted, path);
        let module = tree.read(DIST);
        assert!(module == clean_build(&tree), "{path}: not what a clean build gives");
        assert_eq!(
            module == original,
            !wanted.iter().any(|ran| ran.contains(" m")) || *new == "<deeper.h>",
            "{path}"
        );
        // The same in an empty directory with a warm store, which now knows both states.
        change(&tree.path(path), &before);
        tree.clean();
        let back = tree.built();
        assert_eq!(back.ran(), [""; 0], "{path}");
        assert!(tree.read(DIST) == original, "{path}: not what it was");
    }
}

#[test]
fn honesty_inputs_that_are_no_text_and_files_that_come_and_go() {
    let tree = every_kind();
    tree.built();
    let original = tree.read(DIST);
    let appear: [(&str, &str, &str); 6] = [
        ("maybe.h", "#define MAYBE 2\n", "compile m.c"),
        ("first/maybe.h", "#define MAYBE 3\n", "compile m.c"),
        ("first/deeper.h", "#define VALUE 4\n", ""),
        ("third/fourth.h", "#define FOURTH 5\n", "compile m.c"),
        ("asm/value.h", "#define VALUE 6\n", ""),
        ("value.h", "#define VALUE 7\n", "compile m.c"),
    ];
    for (path, text, wanted) in appear {
        tree.write(path, text);
        let built = tree.built();
        assert!(
            wanted.is_empty() || built.ran().iter().any(|ran| ran == wanted),
            "{path}: {:?}",
            built.ran()
        );
        assert!(tree.read(DIST) == clean_build(&tree), "{path} appeared");
        std::fs::remove_file(tree.path(path)).unwrap();
        tree.built();
        assert!(tree.read(DIST) == original, "{path} went");
    }
    for (source, made) in [("lib.c", "lib.a"), ("extra.c", "extra.o")] {
        let before = tree.read(made);
        tree.write(source, String::from_utf8(tree.read(source)).unwrap().replace("1;", "2;"));
        objects(&tree.root);
        assert_eq!(tree.built().ran().first().map(String::as_str), Some("link m"), "{made}");
        assert!(tree.read(DIST) != original && tree.read(DIST) == clean_build(&tree), "{made}");
        tree.write(made, before);
        tree.write(source, String::from_utf8(tree.read(source)).unwrap().replace("2;", "1;"));
        assert_eq!(tree.built().ran(), [""; 0], "{made}");
        assert!(tree.read(DIST) == original, "{made}");
    }
    for object in
        files(&tree.path("build")).iter().filter(|path| path.to_string_lossy().ends_with(".o"))
    {
        let bytes = std::fs::read(object).unwrap();
        std::fs::remove_file(object).unwrap();
        assert_eq!(tree.built().ran(), [""; 0], "from the store");
        assert!(std::fs::read(object).unwrap() == bytes);
        change(object, &bytes.iter().rev().copied().collect::<Vec<u8>>());
        assert_eq!(tree.built().hits().len(), 1, "{}", object.display());
        assert!(std::fs::read(object).unwrap() == bytes);
    }
}

#[test]
fn honesty_what_does_not_decide_the_bytes() {
    let mut tree = every_kind();
    tree.write("extra.cpp", "#include <stdint.h>\nnamespace { struct S { S() {} } s; }\n");
    let manifest = String::from_utf8(tree.read("anymod.toml")).unwrap();
    tree.write("anymod.toml", manifest.replace("\"-Ifourth\"]", "\"-Ifourth\", \"-g3\"]"));
    tree.built();
    let original = tree.read(DIST);
    for file in files(&tree.root) {
        if let Ok(file) = std::fs::File::options().append(true).open(file) {
            file.set_modified(SystemTime::now()).unwrap();
        }
    }
    let same = |tree: &Tree, what: &str, built: Built| {
        let built = built.ok();
        assert_eq!((built.ran(), built.hits()), (vec![], vec![]), "{what}");
        assert!(tree.read(DIST) == original, "{what}");
    };
    same(&tree, "times", tree.build(&[]));
    same(&tree, "-j", tree.build(&["-j", "7"]));
    same(&tree, "current directory", tree.build_in(&tree.path("asm"), &[]));
    for (name, value) in [
        ("HOME", "/nowhere"),
        ("USER", "somebody"),
        ("LOGNAME", "somebody"),
        ("LANG", "de_DE.UTF-8"),
        ("LC_ALL", "tr_TR.UTF-8"),
        ("TMPDIR", "/var/tmp"),
        ("TZ", "Asia/Tokyo"),
        ("COLUMNS", "20"),
    ] {
        let before = tree.variables.clone();
        tree.set(name, value);
        same(&tree, name, tree.build(&[]));
        tree.variables = before;
    }
    // Another checkout, other times, another umask, one store: all hits.
    let other = tree.base.path().canonicalize().unwrap().join("quite/another place/of the tree");
    copy_sources(&tree.root, &other);
    let command = tree.anymod_in(&other, &["build", "--format", "json"]);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "umask 077; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let built = Built::of(
        shell.env("HOME", "/nowhere").env("LC_ALL", "C").current_dir(&other).output().unwrap(),
    )
    .ok();
    assert_eq!(built.ran(), [""; 0]);
    assert!(std::fs::read(other.join(DIST)).unwrap() == original);
    // And if it is compiled there, without a store, every object is the same.
    std::fs::remove_dir_all(other.join("build")).unwrap();
    tree.build_in(&other, &["--no-store"]).ok();
    for ours in files(&tree.path("build")) {
        if ours.extension().is_some_and(|extension| extension == "o" || extension == "mpy") {
            let theirs = other.join(ours.strip_prefix(&tree.root).unwrap());
            assert!(
                std::fs::read(&ours).unwrap() == std::fs::read(theirs).unwrap(),
                "{}",
                ours.display()
            );
        }
    }
    assert_eq!(dist(&other), tree.dist());
}

#[test]
fn honesty_the_time_of_a_source_is_not_in_its_object() {
    let tree = Tree::one();
    tree.write("m.c", module_c("twice", "__TIMESTAMP__[18] + __TIMESTAMP__[15]"));
    let built = [5, 104].map(|seconds| {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let source = std::fs::File::options().write(true).open(tree.path("m.c")).unwrap();
        source.set_modified(time).unwrap();
        tree.clean();
        assert!(!format!("{:?}", tree.build(&["--no-store"]).ok()).contains("redefin"));
        tree.read(DIST)
    });
    assert!(built[0] == built[1]);
}

/// Variables that compilers and their drivers read, each with a value that would break or change the build.
const READ_BY_COMPILERS: [&str; 13] = [
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "LIBRARY_PATH",
    "CFLAGS",
    "DEPENDENCIES_OUTPUT",
    "SUNPRO_DEPENDENCIES",
    "GCC_COMPARE_DEBUG",
    "CC",
    "GCC_ROOT",
    "LD_RUN_PATH",
];

#[test]
fn honesty_variables_that_compilers_read() {
    let mut tree = Tree::one();
    let date = format!("#include <stdint.h>\n{}", module_c("twice", "__DATE__[10]"));
    tree.write("m.c", date);
    let bad = tree.base.path().join("bad");
    for tool in ["as", "cc1", "gcc", "x86_64-linux-gnu-as"] {
        script(&bad.join(tool), "exit 9");
    }
    std::fs::write(bad.join("stdint.h"), "#error not me\n").unwrap();
    let seen = tree.base.path().join("seen");
    tree.tool("gcc", &format!("env >> '{}'\nexec /usr/bin/gcc \"$@\"", seen.display()));
    tree.built();
    let original = tree.read(DIST);
    let usual = tree.variables.clone();
    for name in READ_BY_COMPILERS {
        tree.set(name, &format!("{}/", bad.display()));
        let built = tree.built();
        assert_eq!((built.ran(), built.hits()), (vec![], vec![]), "{name}");
        tree.clean();
        tree.build(&["--no-store"]).ok();
        assert!(tree.read(DIST) == original, "{name}");
    }
    // None of them was there, nor any other that is not among these.
    const MAY: [&str; 11] = [
        "PATH",
        "HOME",
        "TMPDIR",
        "LC_ALL",
        "SOURCE_DATE_EPOCH",
        "LD_LIBRARY_PATH",
        "MAKEFLAGS",
        "ZIG_GLOBAL_CACHE_DIR",
        "PWD",
        "SHLVL",
        "_",
    ];
    for line in std::fs::read_to_string(&seen).unwrap().lines() {
        let name = line.split('=').next().unwrap();
        assert!(MAY.contains(&name) || name == "OLDPWD", "{line} reached the compiler");
    }
    tree.variables = usual;
    tree.built();
    for (name, value, changes) in
        [("SOURCE_DATE_EPOCH", "400000000", true), ("LD_LIBRARY_PATH", "/nowhere", false)]
    {
        tree.set(name, value);
        must_run(&tree.built(), &["compile m.c"], name);
        assert_eq!(tree.read(DIST) != original, changes, "{name}");
        assert!(tree.read(DIST) == clean_build(&tree), "{name}");
        tree.variables.remove(name);
        tree.built();
        assert!(tree.read(DIST) == original, "{name}");
    }
}

#[test]
fn honesty_tools_behind_the_same_path() {
    let mut tree = Tree::one();
    let cc = |define: &str| {
        format!(
            "case \"$*\" in *' -c '*) set -- {define} \"$@\";; esac\nexec /usr/bin/gcc -B{}/as \"$@\"",
            "$(dirname \"$0\")"
        )
    };
    let bin = tree.tool("gcc", &cc(""));
    let assembler = |comment: &str| {
        script(&bin.join("as/as"), &format!("# {comment}\nexec /usr/bin/as \"$@\""))
    };
    assembler("one");
    tree.write(
        "m.c",
        module_c("twice", "HIDDEN + 0")
            .replace("#include", "#ifndef HIDDEN\n#define HIDDEN 1\n#endif\n#include"),
    );
    tree.built();
    let original = tree.read(DIST);
    assert_eq!(tree.built().ran(), [""; 0]);
    tree.tool("gcc", &cc("-DHIDDEN=2"));
    must_run(&tree.built(), &["compile m.c", "link m"], "compiler");
    assert!(tree.read(DIST) != original && tree.read(DIST) == clean_build(&tree));
    tree.tool("gcc", &cc(""));
    assert_eq!(tree.built().ran(), [""; 0], "known to the store");
    assert!(tree.read(DIST) == original);
    assembler("two");
    must_run(&tree.built(), &["compile m.c"], "assembler");
    // A compiler that says nothing of what it reads is never taken at its word.
    tree.tool("gcc", "for word do shift; case $word in -MD) ;; -MF) skip=1;; *) [ \"$skip\" ] || set -- \"$@\" \"$word\"; skip=;; esac; done\nexec /usr/bin/gcc \"$@\"");
    tree.write("value.h", "#define HIDDEN 5\n");
    tree.write("m.c", format!("#include \"value.h\"\n{}", module_c("twice", "HIDDEN")));
    tree.built();
    tree.write("value.h", "#define HIDDEN 6\n");
    must_run(&tree.built(), &["compile m.c", "link m"], "no dependency file");
    assert!(tree.read(DIST) == clean_build(&tree));
}

#[test]
fn honesty_the_log_and_other_files_of_the_build_directory_may_be_damaged() {
    let tree = Tree::new(&[("anymod.toml", ONE), ("m.c", &module_c("twice", "2"))]);
    tree.built();
    let original = tree.read(DIST);
    for name in [
        ".anymod-log",
        ".anymod-snapshot",
        "compile_commands.json",
        ".anymod-lock",
        "include/anymod/micropython.h",
    ] {
        let path = tree.path("build").join(name);
        for bytes in [&b""[..], b"\xff\xfe nonsense", &[0; 5000]] {
            std::fs::write(&path, bytes).unwrap();
            tree.built();
            assert!(tree.read(DIST) == original, "{name}");
        }
        // Readable or not does not matter, as long as it can be replaced.
        if path.exists() {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            std::fs::remove_file(&path).unwrap();
        }
        tree.built();
        assert!(tree.read(DIST) == original, "{name}");
    }
}

/// A zig that is GCC underneath, so that libraries are built in no time.
const ZIG: &str = r#"case "$1" in
version) echo 0.17.0; exit;;
ar) shift; exec ar "$@";;
build-obj) for word do case $word in -femit-bin=*) out=${word#*=};; esac; done
    echo "int __popcountsi2(int x) { return x + COUNT; }" | /usr/bin/gcc -DCOUNT=1 -x c -fpic -c - -o "$out"; exit;;
esac
shift
for word do shift; case $word in --target=*|-Wno-unused-command-line-argument|-nostdinc) ;; *) set -- "$@" "$word";; esac; done
exec /usr/bin/gcc "$@""#;

#[test]
fn honesty_libraries_that_are_built() {
    let mut tree = Tree::new(&[
        ("anymod.toml", &format!("{ONE}libraries = [\"libgcc\"]\n")),
        ("m.c", &format!("int __popcountsi2(int);\n{}", module_c("twice", "__popcountsi2(3)"))),
    ]);
    tree.set("ANYMOD_TOOLCHAIN", "zig");
    let home = tree.root.with_file_name("home");
    let zig = home.join("toolchains/zig-0.17.0/zig");
    script(&zig, ZIG);
    must_run(&tree.built(), &["library libgcc", "link m"], "new");
    assert_eq!(tree.built().ran(), [""; 0]);
    let original = tree.read(DIST);
    let archives = || {
        let all = files(&home.join("cache")).into_iter();
        all.filter(|path| path.extension().is_some_and(|end| end == "a")).collect::<Vec<_>>()
    };
    let archive = archives().remove(0);
    let whole = std::fs::read(&archive).unwrap();
    let elsewhere = tree.base.path().canonicalize().unwrap().join("elsewhere");
    copy_sources(&tree.root, &elsewhere);
    for damaged in [&whole[..whole.len() / 2], b"", b"!<arch>\n"] {
        for (root, more) in
            [(&tree.root, &[][..]), (&tree.root, &["--no-store"]), (&elsewhere, &["--no-store"])]
        {
            std::fs::write(&archive, damaged).unwrap();
            tree.build_in(root, more).ok();
            assert!(std::fs::read(&archive).unwrap() == whole, "{more:?}");
            assert!(std::fs::read(root.join(DIST)).unwrap() == original, "{more:?}");
            if root == &elsewhere {
                std::fs::remove_dir_all(root.join("build")).unwrap();
            }
        }
    }
    script(&zig, &ZIG.replace("COUNT=1", "COUNT=2"));
    must_run(&tree.built(), &["library libgcc", "compile m.c", "link m"], "another compiler");
    assert!(tree.read(DIST) != original);
    script(&zig, ZIG);
    assert_eq!(tree.built().ran(), [""; 0]);
    assert!(tree.read(DIST) == original);
}
