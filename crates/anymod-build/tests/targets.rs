//! Builds for every target, with every compiler that serves it: all must be installed here.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use anymod_build::toolchain::doctor::doctor;
use anymod_model::{Arch, Runtime, Target};
use support::{MODULE_C, Project};

const XTENSAWIN: Target = Target::MicroPython(Arch::Xtensawin);

/// Every target of MicroPython but the one whose compiler no distribution packages.
fn targets() -> impl Iterator<Item = Target> {
    let micropython = |target: &Target| target.runtime() == Runtime::MicroPython;
    Target::all().filter(micropython).filter(|target| *target != XTENSAWIN)
}

/// A project for all targets with a home that has the managed tools.
fn project(files: &[(&str, &str)], toolchain: &str) -> Project {
    let mut project = Project::new(files);
    let home = support::home_with_tools();
    let environment = project.request.environment.clone();
    project.request.environment = environment.with("ANYMOD_HOME", &home.to_string_lossy());
    project.request.toolchain = Some(toolchain.to_owned());
    project.request.targets = targets()
        .filter(|target| toolchain == "gnu" || *target != Target::MicroPython(Arch::Xtensa))
        .map(|target| target.to_string())
        .collect();
    project
}

fn check(project: &Project, module: &str) {
    for target in &project.request.targets {
        let path = format!("dist/{target}/{module}.mpy");
        let mpy = anymod_pack::mpy::Mpy::parse(&project.read(&path), &path).unwrap();
        let arch = mpy.header.arch().map(|arch| format!("micropython-{arch}"));
        assert_eq!(arch.as_ref(), Some(target), "{path}");
    }
}

#[test]
fn every_compiler_of_this_machine_works() {
    let home = support::home_with_tools();
    let environment = anymod_build::environment::Environment::of_process();
    let all: Vec<Target> = targets().collect();
    let report = doctor(&all, &environment.with("ANYMOD_HOME", &home.to_string_lossy()));
    for target in targets() {
        let health =
            report.targets.iter().find(|health| health.target == target.to_string()).unwrap();
        for toolchain in &health.toolchains {
            let install = toolchain.install.as_deref().unwrap_or("");
            assert!(toolchain.works, "{target}: {:?}: {install}", toolchain.problems);
        }
    }
}

#[test]
fn one_tree_for_all_targets_and_both_compilers() {
    let manifest = "[module.twice]\nsources = [\"twice.c\"]\n";
    let files = [("anymod.toml", manifest), ("twice.c", MODULE_C)];
    let mut project = project(&files, "gnu");
    assert_eq!(project.ran().len(), 3 * 9);
    check(&project, "twice");
    assert_eq!(project.ran(), [""; 0]);
    // One target alone is fresh after all were built: nothing is shared between them.
    let all =
        std::mem::replace(&mut project.request.targets, vec!["micropython-armv7m".to_owned()]);
    assert_eq!(project.ran(), [""; 0]);
    project.request.targets = all;
    project.request.build_types = vec!["debug".to_owned()];
    assert_eq!(project.ran().len(), 3 * 9, "a build type has a tree of its own");
    project.request.build_types.clear();
    let with_gnu = project.read("dist/micropython-rv32imc/twice.mpy");
    project.ran();
    project.request.targets.retain(|target| target != "micropython-xtensa");
    project.request.toolchain = Some("zig".to_owned());
    assert!(project.ran().len() >= 8, "compiled again by the other compiler");
    check(&project, "twice");
    assert_ne!(project.read("dist/micropython-rv32imc/twice.mpy"), with_gnu);
    // By itself anymod takes the compiler that is the same everywhere.
    project.request.toolchain = Some("auto".to_owned());
    assert_eq!(project.ran(), [""; 0]);
}

/// Builds a module that computes an expression with the libraries, for every target but some.
fn with_libraries(toolchain: &str, libraries: &str, expression: &str, without: &[&str]) {
    let manifest = format!("[module.calc]\nsources = [\"calc.c\"]\nlibraries = {libraries}\n");
    let source = MODULE_C
        .replace(
            "static mp_obj_t twice",
            "double tan(double); float cbrtf(float);\nstatic mp_obj_t twice",
        )
        .replace("2 * mp_obj_get_int(x)", expression);
    let mut project = project(&[("anymod.toml", &manifest), ("calc.c", &source)], toolchain);
    project.request.targets.retain(|target| !without.iter().any(|name| target.ends_with(name)));
    project.ran();
    check(&project, "calc");
    assert_eq!(project.ran(), [""; 0]);
}

const DIVISION: &str = "(int)((unsigned long long)mp_obj_get_int(x) * 0x100000000ull / 7)";
const FUNCTIONS: &str = "(int)tan(mp_obj_get_int(x)) + (int)cbrtf(mp_obj_get_int(x))";

#[test]
fn support_routines_of_gnu_compilers() {
    // Division is in the ROM of the one chip that has this core.
    with_libraries("gnu", "[\"libgcc\"]", DIVISION, &["-xtensa"]);
}

#[test]
fn mathematical_functions_of_gnu_compilers() {
    // Debian has no C library for xtensa, and glibc's does not consist of plain code.
    let without = ["-xtensa", "-x64", "-x86"];
    with_libraries("gnu", "[\"libm\", \"libgcc\"]", FUNCTIONS, &without);
}

#[test]
fn libraries_built_from_zigs_sources() {
    let expression = format!("{DIVISION} + {FUNCTIONS}");
    with_libraries("zig", "[\"libm\", \"libgcc\"]", &expression, &[]);
}

#[test]
fn a_library_that_is_not_there_is_told() {
    let manifest = "[module.twice]\nlibraries = [\"libnope\"]\nsources = [\"twice.c\"]\n";
    for toolchain in ["gnu", "zig"] {
        let mut project = project(&[("anymod.toml", manifest), ("twice.c", MODULE_C)], toolchain);
        project.request.targets = vec!["micropython-armv7m".to_owned()];
        let errors = project.build().1.unwrap_err();
        assert_eq!((errors.0[0].code.id, errors.exit_code()), ("T0005", 3));
        assert!(errors.0[0].place.is_some());
    }
}

#[test]
fn allocation_is_not_pretended() {
    let manifest = "[module.twice]\nlibraries = [\"libc\"]\nsources = [\"twice.c\"]\n";
    let source = MODULE_C.replace(
        "static mp_obj_t twice",
        "size_t malloc_usable_size(void *);\nstatic mp_obj_t twice",
    );
    let source = source.replace("2 *", "malloc_usable_size(x) *");
    let mut project = project(&[("anymod.toml", manifest), ("twice.c", &source)], "zig");
    project.request.targets = vec!["micropython-armv6m".to_owned()];
    let errors = project.build().1.unwrap_err();
    assert!(errors.to_string().contains("malloc_usable_size"), "{errors}");
}

#[test]
fn cxx_with_constructors_and_templates() {
    let manifest = "[module.twice]\nsources = [\"twice.cpp\"]\nlibraries = [\"libgcc\"]\n";
    let source = format!(
        "#include <stdint.h>\nextern \"C\" {{\n{}\n}}\n",
        MODULE_C.replace(
            "static mp_obj_t twice",
            "} template <typename T> T scale(T x) { return x * 2; } extern \"C\" {\nstatic mp_obj_t twice"
        )
    );
    let source = source.replace("2 * mp_obj_get_int(x)", "scale<int>(mp_obj_get_int(x))");
    for toolchain in ["gnu", "zig"] {
        let project = project(&[("anymod.toml", manifest), ("twice.cpp", &source)], toolchain);
        project.ran();
        check(&project, "twice");
    }
}

#[test]
fn python_and_c_in_one_module() {
    let manifest = "[module.mixed]\nsources = [\"twice.c\", \"lib/more.py\"]\n";
    let files = [
        ("anymod.toml", manifest),
        ("twice.c", MODULE_C),
        ("lib/more.py", "def thrice(x):\n    return x + twice(x)\n"),
    ];
    let project = project(&files, "gnu");
    assert_eq!(project.ran().len(), 5 * 9);
    check(&project, "mixed");
    let text =
        String::from_utf8_lossy(&project.read("dist/micropython-x64/mixed.mpy")).into_owned();
    assert!(text.contains("more.py") && !text.contains("lib/more.py"), "no path is stored");
    project.write("lib/more.py", "def thrice(x):\n    return 3 * x\n");
    assert_eq!(project.ran().len(), 3 * 9, "collected, compiled and merged; not linked");
}

#[test]
fn python_alone_for_every_abi() {
    for (release, sub_version) in [("1.19", 0), ("1.22", 0), ("latest", 0)] {
        let manifest =
            format!("[module.pure]\nsources = [\"pure.py\"]\nmicropython.abi = \"{release}\"\n");
        let mut project = project(&[("anymod.toml", &manifest), ("pure.py", "x = 1\n")], "gnu");
        project.request.targets = vec!["micropython-x64".to_owned()];
        assert_eq!(project.ran(), ["compile-python pure.py"]);
        let bytes = project.read("dist/micropython-x64/pure.mpy");
        assert_eq!((bytes[1], bytes[2]), (6, sub_version), "{release}");
    }
}

#[test]
fn python_with_machine_code_is_for_the_abi() {
    let manifest = "[module.pure]\nsources = [\"pure.py\"]\nmicropython.abi = \"1.22\"\n";
    let python =
        "import micropython\n@micropython.viper\ndef f(x: int) -> int:\n    return x + 1\n";
    let mut project = project(&[("anymod.toml", manifest), ("pure.py", python)], "gnu");
    project.request.targets = vec!["micropython-armv7m".to_owned()];
    project.ran();
    let bytes = project.read("dist/micropython-armv7m/pure.mpy");
    let mpy = anymod_pack::mpy::Mpy::parse(&bytes, "pure.mpy").unwrap();
    assert_eq!(mpy.header.arch(), Some(Arch::Armv7m));
    assert_eq!(bytes[2] & 3, 2);
}

#[test]
fn a_missing_compiler_does_not_stop_the_other_targets() {
    let manifest = "[module.twice]\nsources = [\"twice.c\"]\n";
    let mut project = project(&[("anymod.toml", manifest), ("twice.c", MODULE_C)], "auto");
    project.request.environment = project.request.environment.clone().with("PATH", "/nowhere");
    project.request.targets =
        ["micropython-armv7m", "micropython-xtensa"].map(str::to_owned).to_vec();
    let errors = project.build().1.unwrap_err();
    assert_eq!((errors.0.len(), errors.0[0].code.id, errors.exit_code()), (1, "T0001", 3));
    assert!(project.path("dist/micropython-armv7m/twice.mpy").is_file(), "zig needs nothing else");
}

#[test]
fn the_manifest_chooses_a_compiler() {
    let manifest = "[module.twice]\nsources = [\"twice.c\"]\n[toolchain.\"*-armv7m\"]\nkind = \"gnu\"\n\
                    prefix = \"mine-\"\ndir = \"tools\"\n";
    let mut project = project(&[("anymod.toml", manifest), ("twice.c", MODULE_C)], "auto");
    project.request.targets = vec!["micropython-armv7m".to_owned()];
    let errors = project.build().1.unwrap_err();
    assert_eq!(errors.0[0].code.id, "T0001");
    assert_eq!(errors.0[0].notes[0], "looked for `mine-gcc`");
    assert!(errors.0[0].place.is_some());
    let called = project.path("called");
    let body = format!("touch '{}'\nexec arm-none-eabi-gcc \"$@\"", called.display());
    support::program::script(&project.path("tools/mine-gcc"), &body);
    assert_eq!(project.ran().len(), 3);
    assert!(called.exists());
    project.request.toolchain = Some("zig".to_owned());
    std::fs::remove_file(&called).unwrap();
    assert_eq!(project.ran()[0], "compile twice.c", "the command line has the last word");
    assert!(!called.exists());
}

#[test]
fn a_build_with_nothing_to_do_is_quick() {
    let mut manifest = String::new();
    let mut files = Vec::new();
    for number in 0..10 {
        manifest.push_str(&format!(
            "[module.m{number}]\nsources = [\"m{number}/*.c\", \"m{number}/*.py\"]\n"
        ));
        files.push((format!("m{number}/twice.c"), MODULE_C));
        files.push((format!("m{number}/more.py"), "def f(x):\n    return x\n"));
    }
    let mut all: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    all.push(("anymod.toml", &manifest));
    let project = project(&all, "zig");
    assert_eq!(project.ran().len(), 10 * 8 * 5);
    for _ in 0..3 {
        let clock = std::time::Instant::now();
        assert_eq!(project.ran(), [""; 0]);
        println!("10 modules x 8 targets, nothing to do: {:?}", clock.elapsed());
    }
}

#[test]
fn the_standard_library_of_cxx() {
    let manifest =
        "[module.twice]\nsources = [\"twice.cpp\"]\nlibraries = [\"libstdc++\", \"libgcc\"]\n";
    let source = format!(
        "#include <algorithm>\n#include <array>\nextern \"C\" {{\n{MODULE_C}\n}}\n"
    )
    .replace(
        "return mp_obj_new_int(2 * mp_obj_get_int(x));",
        "std::array<int, 40> a; for (int i = 0; i < 40; i++) a[i] = mp_obj_get_int(x) % (i + 1);\n\
         std::sort(a.begin(), a.end()); return mp_obj_new_int(a[20]);",
    );
    let files = [("anymod.toml", manifest), ("twice.cpp", source.as_str())];
    let with_zig = project(&files, "zig");
    with_zig.ran();
    check(&with_zig, "twice");
    let mut with_gnu = project(&files, "gnu");
    with_gnu.request.targets.retain(|target| target.contains("-armv"));
    with_gnu.ran();
    check(&with_gnu, "twice");
}
