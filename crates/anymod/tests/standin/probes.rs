//! What packages ask before they build sees the target.

use anymod_build::intercept::Outcome;

use super::build::{Build, TARGETS, contains, target};
use super::support::process::run;

#[test]
fn sizes_macros_and_versions_are_the_targets() {
    for (name, emscripten) in TARGETS.into_iter().zip([[3, 1, 58], [4, 0, 9]]) {
        let build = Build::of(&target(name), "tree", None, |_| {});
        let [major, minor, tiny] = emscripten;
        build.write(
            "p.c",
            &format!(
                "#include <emscripten/version.h>\n#include <limits.h>\n\
                 _Static_assert(sizeof(long) == 4 && sizeof(void *) == 4, \"\");\n\
                 #if !defined __EMSCRIPTEN__ || defined __SSE__ || defined __x86_64__ || defined _OPENMP\n\
                 #error host\n#endif\n\
                 _Static_assert(__EMSCRIPTEN_major__ == {major} && __EMSCRIPTEN_minor__ == {minor} \
                 && __EMSCRIPTEN_tiny__ == {tiny}, \"\");\n"
            ),
        );
        build.ok("gcc -Werror -c p.c");
        let version = format!("{major}.{minor}.{tiny}");
        let said = build.ok("gcc --version").stdout;
        assert!(said.contains("Emscripten") && said.contains(&version), "{said}");
    }
}

#[test]
fn the_target_answers_what_a_compiler_is_asked() {
    let build = Build::new();
    for (line, answer) in [
        ("gcc -dumpmachine", "wasm32-unknown-emscripten\n"),
        ("g++ -print-multiarch", "wasm32-emscripten\n"),
        ("clang --print-multiarch", "wasm32-emscripten\n"),
    ] {
        assert_eq!(build.ok(line).stdout, answer);
        assert_eq!(build.last().outcome, Outcome::Query);
    }
    let linker = build.ok("cc -print-prog-name=ld").stdout;
    assert!(linker.trim_end().ends_with("é stand-in/bin/ld"), "{linker}");
    assert!(build.ok("cc -v").stderr.contains("wasm32"));
    assert!(build.ok("cc -Wl,--version none.c").stdout.contains("LLD"));
    assert!(build.ok("ld --version").stdout.contains("LLD"));
    assert!(build.ok("ar --version").stdout.contains("LLVM"));
    assert_ne!(build.call("cc").status, 0, "no input");
}

#[test]
fn programs_link_as_the_target_would_have_them() {
    let build = Build::new();
    build.write("main.c", "#include <stdio.h>\nint main(int c, char **v) { return puts(v[0]); }");
    build.write("bare.c", "int main(void) { return 0; }");
    build.write("none.c", "int f(void) { return 0; }");
    build.write("missing.c", "int not_there(void); int main(void) { return not_there(); }");
    build.ok("cc main.c -o main -lm");
    build.ok("cc bare.c");
    assert!(build.has("a.out"));
    build.ok("cc -v -Wl,-v bare.c -o b");
    let none = build.call("cc none.c -o none");
    assert!(none.status != 0 && none.stderr.contains("main"), "{none}");
    let missing = build.call("cc missing.c -o missing");
    assert!(missing.status != 0 && missing.stderr.contains("not_there"), "{missing}");
    assert!(!build.has("none") && !build.has("missing"));
    assert_ne!(build.call("cc bare.c -lnot_there -o b").status, 0);
    // It is no program of this machine.
    let program = build.tree.join("main");
    assert!(run(&mut std::process::Command::new(program)).is_err());
}

#[test]
fn what_the_target_lacks_is_refused() {
    let build = Build::new();
    build.write("a.c", "int f(void) { return 0; }");
    build.write("f.f90", "end");
    let openmp = build.call("gcc -fopenmp -c a.c");
    assert_eq!(openmp.status, 1);
    assert!(openmp.stderr.starts_with("anymod: error[I0003]"), "{openmp}");
    assert!(!build.has("a.o"));
    assert_eq!(build.last().rules, ["openmp"]);
    for line in ["gfortran -c f.f90", "f77 --version", "gcc -c f.f90"] {
        assert!(build.call(line).stderr.contains("I0004"), "{line}");
    }
    assert_ne!(build.call("gcc -msse2 -c a.c").status, 0);
    let off = |setup: &mut anymod_build::intercept::Setup<'_>| {
        setup.rules_off = vec!["openmp".to_owned()];
    };
    let build = Build::of(&target(TARGETS[1]), "tree", None, off);
    build.write("a.c", "int f(void) { return 0; }");
    build.ok("gcc -fopenmp -c a.c");
}

#[test]
fn preprocessing_checking_and_assembly_are_the_compilers() {
    let build = Build::new();
    build.write("a.c", "int value = __SIZEOF_LONG__;");
    assert!(build.ok("gcc -E a.c").stdout.contains("int value = 4;"));
    assert!(build.ok("cpp a.c").stdout.contains("int value = 4;"));
    assert!(build.ok("gcc -M a.c").stdout.contains("a.o: a.c"));
    build.ok("gcc -fsyntax-only a.c");
    build.ok("gcc -S a.c");
    assert!(contains(&build.read("a.s"), "value"));
    build.ok("gcc -c a.s -o s.o");
    let mut command = build.command("gcc");
    let file = std::fs::File::open(build.tree.join("a.c")).unwrap();
    let output = command.args(["-E", "-dM", "-"]).stdin(file).output().unwrap();
    assert!(contains(&output.stdout, "#define __wasm32__ 1"));
}
