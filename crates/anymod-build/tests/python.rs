//! Modules for the CPythons of this machine and for Pyodide: built, installed and imported by the real interpreters.
//!
//! CPython 3.11 has to be here with its headers; of later ones each that is found takes part. Pyodide's environment is
//! made if it is not here, which takes a network.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_build::probe::ProbeOptions;
use anymod_build::{Cancel, StoreRequest};
use anymod_model::Diagnostics;
use support::Project;

const MANIFEST: &str = "[project]\nname = \"speed-test\"\nversion = \"1.2\"\ntargets = [\"cpython-3.11\"]\n\
     [module.speed]\nsources = [\"speed.c\"]\n";

const SPEED_C: &str = r#"#include <Python.h>
static PyObject *add(PyObject *self, PyObject *args) {
    long a, b;
    return PyArg_ParseTuple(args, "ll", &a, &b) ? PyLong_FromLong(a + b) : NULL;
}
static PyMethodDef methods[] = {{"add", add, METH_VARARGS, "The sum."}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "speed", NULL, 0, methods};
PyMODINIT_FUNC PyInit_speed(void) { return PyModuleDef_Init(&module); }
"#;

const CAUGHT_CPP: &str = r#"#include <Python.h>
#include <stdexcept>
#include <string>
static int fail(const std::string &why) { throw std::runtime_error(why); }
static PyObject *caught(PyObject *, PyObject *) {
    try { fail("thrown"); } catch (const std::exception &error) { return PyUnicode_FromString(error.what()); }
    Py_RETURN_NONE;
}
static PyMethodDef methods[] = {{"caught", caught, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "speed", nullptr, 0, methods};
PyMODINIT_FUNC PyInit_speed() { return PyModuleDef_Init(&module); }
"#;

fn speed() -> Project {
    Project::new(&[("anymod.toml", MANIFEST), ("speed.c", SPEED_C)])
}

/// The interpreter of a version, with a pip of its own; none if it is not here.
fn interpreter(version: &str) -> Option<PathBuf> {
    let home = std::env::var("HOME").unwrap_or_default();
    let versions = std::fs::read_dir(Path::new(&home).join(".pyenv/versions"));
    let managed = versions.into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let path = std::env::var("PATH").unwrap();
    let places = managed.chain(std::env::split_paths(&path).collect::<Vec<_>>());
    let mut programs = places.map(|place| place.join(format!("python{version}")));
    programs.find(|program| {
        let pip = Command::new(program).args(["-m", "pip", "--version"]).output();
        pip.is_ok_and(|output| output.status.success())
    })
}

/// What a Python program prints, with a wheel installed.
fn says(version: &str, project: &Project, wheel: &str, program: &str) -> Option<String> {
    let python = interpreter(version)?;
    let place = tempfile::tempdir().unwrap();
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-index", "--no-deps"])
        .args(["--disable-pip-version-check", "--root-user-action=ignore", "--target"])
        .arg(place.path())
        .arg(project.path(wheel));
    run(&mut pip);
    Some(run(Command::new(&python).args(["-c", program]).env("PYTHONPATH", place.path())))
}

/// A project for a Pyodide whose environment is here.
fn for_pyodide(version: &str, files: &[(&str, &str)]) -> Project {
    let mut project = Project::new(files);
    let home = support::home_with_pyodide(version);
    let environment = project.request.environment.clone();
    project.request.environment = environment.with("ANYMOD_HOME", &home.to_string_lossy());
    project.request.targets = vec![format!("pyodide-{version}")];
    project
}

/// Runs a Python program in the real Pyodide, with a wheel installed and each of its extensions imported.
fn probe(project: &Project, wheel: &str, program: &str) {
    let environment = &project.request.environment;
    let target = anymod_build::target::find(&project.request.targets[0], environment).unwrap();
    let options = ProbeOptions { test: Some(program.to_owned()), ..ProbeOptions::default() };
    let wheel = project.path(wheel);
    let report =
        anymod_build::probe::probe(&wheel, &target, &options, environment, &Cancel::default());
    let report = report.unwrap();
    assert!(report.passed() && report.steps.len() == 3, "{report:#?}");
}

fn errors(project: &Project) -> Diagnostics {
    project.build().1.unwrap_err()
}

const PYODIDE_WHEEL: &str =
    "dist/pyodide-0.29.5/speed_test-1.2-cp313-cp313-pyodide_2025_0_wasm32.whl";
const WHEEL: &str = "dist/cpython-3.11/speed_test-1.2-cp311-cp311-linux_x86_64.whl";

#[test]
fn an_extension_module_is_built_installed_and_imported() {
    let project = speed();
    assert_eq!(project.ran(), ["compile speed.c", "link speed", "wheel speed"]);
    let program =
        "import speed, importlib.metadata as m; print(speed.add(2, 3), m.version('speed_test'))";
    assert_eq!(says("3.11", &project, WHEEL, program).unwrap(), "5 1.2\n");
    // Nothing is asked or done again.
    let (_, report) = project.build();
    let report = report.unwrap();
    assert_eq!((report.totals.fresh, report.totals.ran, report.totals.changed), (3, 0, 0));
    let sizes = anymod_build::sizes(&report).unwrap();
    assert_eq!(sizes.modules[0].sizes.file, project.read(WHEEL).len() as u64);
    project.write("speed.c", &SPEED_C.replace("a + b", "a - b"));
    assert_eq!(project.ran(), ["compile speed.c", "link speed", "wheel speed"]);
    assert_eq!(
        says("3.11", &project, WHEEL, "import speed; print(speed.add(2, 3))").unwrap(),
        "-1\n"
    );
    project.write("anymod.toml", &MANIFEST.replace("1.2", "1.3"));
    assert_eq!(project.ran(), ["wheel speed"]);
}

#[test]
fn each_python_gets_a_wheel_of_its_own() {
    let mut project = speed();
    for version in ["3.12", "3.13", "3.14"] {
        let Some(python) = interpreter(version) else { continue };
        project.request.targets = vec![format!("cpython-{version}")];
        assert_eq!(project.ran().len(), 3);
        let tag = format!("cp{}", version.replace('.', ""));
        let wheel = format!("dist/cpython-{version}/speed_test-1.2-{tag}-{tag}-linux_x86_64.whl");
        let said = says(version, &project, &wheel, "import speed; print(speed.add(2, 3))");
        assert_eq!(said.unwrap(), "5\n", "{}", python.display());
    }
}

#[test]
fn one_wheel_of_the_limited_api_serves_all_later_pythons() {
    let limited = "[module.speed.cpython]\nlimited-api = \"3.11\"\n";
    let project = speed();
    project.write("anymod.toml", &format!("{MANIFEST}{limited}"));
    project.ran();
    let wheel = "dist/cpython-3.11/speed_test-1.2-cp311-abi3-linux_x86_64.whl";
    for version in ["3.11", "3.12", "3.13"] {
        let said = says(version, &project, wheel, "import speed; print(speed.add(2, 3))");
        assert_eq!(said.as_deref().unwrap_or("5\n"), "5\n", "{version}");
    }
    // What the limited API does not have is not there.
    project.write(
        "speed.c",
        &format!("{SPEED_C}\nsize_t f(void) {{ return sizeof(PyThreadState); }}\n"),
    );
    assert_eq!(errors(&project).0[0].code.id, "B0001");
    let late = limited.replace("3.11", "3.12");
    project.write("anymod.toml", &format!("{MANIFEST}{late}"));
    let found = errors(&project);
    assert_eq!(found.0[0].code.id, "M0017", "{found}");
}

#[test]
fn a_package_gets_its_python_files_and_data_beside_the_extension() {
    let own = "sources = [\"src/speed.c\", \"python/**/*.py\"]\n\
               [module.speed.cpython]\nimport-name = \"pkg.inner.speed\"\npackage-data = [\"data/*.txt\"]\n";
    let manifest = MANIFEST.replace("sources = [\"speed.c\"]\n", own);
    let project = Project::new(&[
        ("anymod.toml", &manifest),
        ("src/speed.c", SPEED_C),
        ("python/__init__.py", "from .speed import add\n"),
        ("python/deeper/more.py", "WORD = 'more'\n"),
        ("data/table.txt", "tables"),
    ]);
    project.ran();
    let program = "import pkg.inner, pkg.inner.deeper.more as more, importlib.resources as r\n\
         print(pkg.inner.add(2, 3), more.WORD, (r.files('pkg.inner') / 'table.txt').read_text())";
    assert_eq!(says("3.11", &project, WHEEL, program).unwrap(), "5 more tables\n");
    project.write("data/__init__.py", "");
    project.write("anymod.toml", &manifest.replace("data/*.txt", "data/*"));
    assert_eq!(errors(&project).0[0].code.id, "B0017");
}

#[test]
fn cxx_is_linked_with_its_library() {
    let manifest = MANIFEST.replace("speed.c", "speed.cpp");
    let project = Project::new(&[("anymod.toml", &manifest), ("speed.cpp", CAUGHT_CPP)]);
    project.ran();
    let said = says("3.11", &project, WHEEL, "import speed; print(speed.caught())");
    assert_eq!(said.unwrap(), "thrown\n");
}

#[test]
fn what_python_could_not_import_is_an_error_of_the_build() {
    let project = speed();
    project.write("speed.c", &SPEED_C.replace("PyInit_speed", "PyInit_sped"));
    let found = errors(&project);
    assert_eq!(found.0[0].code.id, "A0003", "{found}");
    assert_eq!(found.0[0].notes, ["it exports `PyInit_sped`"]);
    assert!(!project.path(WHEEL).exists());
    project.write(
        "speed.c",
        &SPEED_C.replace("return PyModuleDef", "extern int gone(void); gone(); return PyModuleDef"),
    );
    let found = errors(&project);
    assert_eq!((found.0[0].code.id, found.0[0].message.as_str()), ("A0004", "nothing has `gone`"));
    // A library of the machine may have it.
    project.write(
        "anymod.toml",
        &MANIFEST.replace("[module.speed]", "[module.speed]\nlibraries = [\"libm\"]"),
    );
    project.ran();
}

#[test]
fn options_that_decide_what_is_linked_reach_the_linker() {
    let source = SPEED_C.replace("a + b", "omp_get_max_threads() > 0 ? a + b : 0");
    let manifest = MANIFEST.replace(
        "[module.speed]",
        "[module.speed.cpython]\nldflags = [\"-Wl,-soname,speed\"]\n[module.speed]\nflags = [\"-fopenmp\", \"-flto\"]",
    );
    let source = format!("#include <omp.h>\n{source}");
    let project = Project::new(&[("anymod.toml", &manifest), ("speed.c", &source)]);
    project.ran();
    let said = says("3.11", &project, WHEEL, "import speed; print(speed.add(2, 3))");
    assert_eq!(said.unwrap(), "5\n");
    // Files that the linker makes for itself do not count as its inputs.
    assert_eq!(project.ran(), [""; 0]);
}

#[test]
fn the_same_sources_make_the_same_wheel_anywhere() {
    let source = SPEED_C.replace("\"The sum.\"", "__FILE__ __DATE__ __TIME__");
    let bytes = ["one", "elsewhere/and deeper"].map(|name| {
        let files = [("anymod.toml", MANIFEST), ("speed.c", source.as_str())];
        let project = Project::at(tempfile::tempdir().unwrap(), name, &files);
        project.ran();
        project.read(WHEEL)
    });
    assert!(bytes[0] == bytes[1]);
}

#[test]
fn a_library_does_not_tell_in_which_order_it_was_linked() {
    let two = "[module.before]\nsources = [\"before.c\"]\n[module.speed]";
    let manifest = MANIFEST.replace("[module.speed]", two);
    let before = SPEED_C.replace("speed", "before");
    let wheels = [MANIFEST.to_owned(), manifest].map(|manifest| {
        let manifest = format!("{manifest}[module.speed.pyodide]\ndistribution = \"speed-test\"\n");
        let files = [("anymod.toml", &manifest[..]), ("speed.c", SPEED_C), ("before.c", &before)];
        let project = for_pyodide("0.29.5", &files);
        project.ran();
        project.read(PYODIDE_WHEEL)
    });
    assert!(wheels[0] == wheels[1]);
}

#[test]
fn another_checkout_of_another_user_takes_everything_from_the_store() {
    let manifest = MANIFEST.replace("[\"cpython-3.11\"]", "[\"cpython-3.11\", \"pyodide-0.29.5\"]");
    let store = tempfile::tempdir().unwrap();
    let homes = support::home_with_pyodide("0.29.5");
    let made = ["one", "elsewhere/and deeper"].map(|name| {
        let files = [("anymod.toml", manifest.as_str()), ("speed.c", SPEED_C)];
        let mut project = Project::at(tempfile::tempdir().unwrap(), name, &files);
        let home = project.directory.path().join("home");
        std::fs::create_dir(&home).unwrap();
        std::os::unix::fs::symlink(homes.join("targets"), home.join("targets")).unwrap();
        project.request.store = Some(StoreRequest {
            directory: store.path().to_owned(),
            options: anymod_store::Options::default(),
            remote: None,
        });
        let report = project.build().1.unwrap();
        let wheels = [WHEEL, PYODIDE_WHEEL].map(|wheel| project.read(wheel));
        (report.totals.ran, report.totals.hits, wheels)
    });
    assert_eq!((made[0].0, made[0].1), (6, 0));
    assert_eq!((made[1].0, made[1].1), (0, 6));
    assert!(made[0].2 == made[1].2, "not the same bytes");
}

#[test]
fn glue_of_a_runtime_is_its_own() {
    let manifest = "[project]\nversion = \"1\"\ntargets = [\"cpython-3.11\", \"micropython-x64\"]\n\
         [module.twice]\nsources = [\"shared.c\"]\n[module.twice.micropython]\nsources = [\"mp.c\"]\n\
         [module.twice.cpython]\nsources = [\"py.c\"]\n";
    let glue = support::MODULE_C.replace("2 * mp_obj_get_int(x)", "shared(mp_obj_get_int(x))");
    let python = SPEED_C.replace("speed", "twice").replace("a + b", "shared(a) + b");
    let declared = "int shared(int x);\n";
    let mut project = Project::new(&[
        ("anymod.toml", manifest),
        ("shared.c", "int shared(int x) { return 2 * x; }\n"),
        ("mp.c", &format!("{declared}{glue}")),
        ("py.c", &format!("{declared}{python}")),
    ]);
    project.ran();
    let wheel = "dist/cpython-3.11/twice-1-cp311-cp311-linux_x86_64.whl";
    let said = says("3.11", &project, wheel, "import twice; print(twice.add(2, 3))");
    assert_eq!(said.unwrap(), "7\n");
    assert!(project.path("dist/micropython-x64/twice.mpy").is_file());
    // A clean takes the wheel by its name and nothing else.
    project.write("dist/cpython-3.11/other-1-cp311-cp311-linux_x86_64.whl", "");
    let request = anymod_build::clean::CleanRequest {
        manifest: project.request.manifest.clone(),
        targets: vec!["cpython-*".to_owned()],
        installed: true,
        dry_run: false,
    };
    let cleaned = anymod_build::clean::clean(&request, &mut |_| {}).unwrap();
    assert_eq!(cleaned.paths, ["build/cpython-3.11", wheel]);
    project.request.targets = vec!["cpython-3.11".to_owned()];
    assert_eq!(project.ran().len(), 4);
}

#[test]
fn a_python_that_is_not_here_is_told_with_the_command_that_installs_it() {
    let mut project = speed();
    let environment = project.request.environment.clone();
    let bare = environment.with("PATH", "/nowhere").with("PYENV_ROOT", "/nowhere");
    project.request.environment = bare.clone();
    let found = errors(&project);
    assert_eq!((found.0[0].code.id, found.0[0].code.exit), ("T0021", 3));
    assert!(found.0[0].hint.as_ref().unwrap().contains("python3.11-dev"), "{found}");
    project.request.targets = vec!["pyodide-0.29.5".to_owned()];
    let found = errors(&project);
    assert_eq!(found.0[0].code.exit, 3);
    assert!(
        found.0[0].hint.as_ref().unwrap().contains("anymod target add pyodide@0.29.5"),
        "{found}"
    );
    // The manifest's directory is the only one that is looked into.
    project.request.targets = vec!["cpython-3.11".to_owned()];
    let place = "[toolchain.\"cpython-*\"]\ndir = \"tools\"\n";
    project.write("anymod.toml", &format!("{MANIFEST}{place}"));
    support::program::script(&project.path("tools/python3.11"), "echo pypy; echo 3.11");
    let found = errors(&project);
    assert!(found.0[0].notes[0].contains("it does not say what it is"), "{found}");
}

#[test]
fn two_modules_do_not_make_one_wheel() {
    let own = "[module.speed.cpython]\ndistribution = \"one\"\n[module.other]\nsources = [\"speed.c\"]\n\
               [module.other.cpython]\ndistribution = \"One\"\nimport-name = \"speed\"\n";
    let project = speed();
    project.write("anymod.toml", &format!("{MANIFEST}{own}"));
    assert_eq!(errors(&project).0[0].code.id, "B0017");
}

#[test]
fn pyodide_installs_and_imports_what_is_built_for_it() {
    let own = "sources = [\"src/speed.c\", \"python/*.py\"]\n\
               [module.speed.pyodide]\nimport-name = \"pkg.speed\"\npackage-data = [\"data/*.txt\"]\n\
               libraries = [\"libm\"]\n";
    let manifest = MANIFEST.replace("sources = [\"speed.c\"]\n", own);
    let source = SPEED_C.replace("a + b", "(long)sqrt(a) + b");
    let project = for_pyodide(
        "0.29.5",
        &[
            ("anymod.toml", &manifest),
            ("src/speed.c", &format!("#include <math.h>\n{source}")),
            ("python/__init__.py", "from .speed import add\n"),
            ("data/table.txt", "tables"),
        ],
    );
    assert_eq!(project.ran(), ["compile src/speed.c", "link speed", "wheel speed"]);
    let program = "import pkg, importlib.resources as r, importlib.metadata as m\n\
         assert pkg.add(9, 3) == 6 and m.version('speed_test') == '1.2'\n\
         assert (r.files('pkg') / 'table.txt').read_text() == 'tables'";
    probe(&project, PYODIDE_WHEEL, program);
    assert_eq!(project.ran(), [""; 0]);
}

#[test]
fn exceptions_work_in_pyodide_and_so_does_the_limited_api() {
    let manifest = MANIFEST.replace("speed.c", "speed.cpp");
    let project = for_pyodide("0.29.5", &[("anymod.toml", &manifest), ("speed.cpp", CAUGHT_CPP)]);
    project.ran();
    probe(&project, PYODIDE_WHEEL, "import speed; assert speed.caught() == 'thrown'");
    let limited = "[module.speed.pyodide]\nlimited-api = \"3.11\"\n";
    project.write("anymod.toml", &format!("{manifest}{limited}"));
    project.ran();
    let wheel = "dist/pyodide-0.29.5/speed_test-1.2-cp311-abi3-pyodide_2025_0_wasm32.whl";
    probe(&project, wheel, "import speed; assert speed.caught() == 'thrown'");
}

#[test]
fn exceptions_work_where_they_go_through_javascript() {
    let manifest = MANIFEST.replace("speed.c", "speed.cpp");
    let project = for_pyodide("0.27.7", &[("anymod.toml", &manifest), ("speed.cpp", CAUGHT_CPP)]);
    project.ran();
    let wheel = "dist/pyodide-0.27.7/speed_test-1.2-cp312-cp312-pyodide_2024_0_wasm32.whl";
    probe(&project, wheel, "import speed; assert speed.caught() == 'thrown'");
}

#[test]
fn what_pyodide_could_not_load_is_an_error_of_the_build() {
    let renamed = SPEED_C.replace("PyInit_speed", "PyInit_sped");
    let project = for_pyodide("0.29.5", &[("anymod.toml", MANIFEST), ("speed.c", &renamed)]);
    let found = errors(&project);
    assert_eq!(found.0[0].code.id, "A0003", "{found}");
    let missing =
        SPEED_C.replace("return PyModuleDef", "extern int gone(void); gone(); return PyModuleDef");
    project.write("speed.c", &missing);
    assert_eq!(errors(&project).0[0].code.id, "B0001", "wasm-ld names the symbol");
    assert!(!project.path(PYODIDE_WHEEL).exists());
    let library = "[module.speed.pyodide]\nlibraries = [\"libm\", \"libgone\"]\n";
    project.write("anymod.toml", &format!("{MANIFEST}{library}"));
    let found = errors(&project);
    assert_eq!((found.0.len(), found.0[0].code.id), (1, "T0005"));
    let late = "[module.speed.pyodide]\nlimited-api = \"3.14\"\n";
    project.write("anymod.toml", &format!("{MANIFEST}{late}"));
    assert_eq!(errors(&project).0[0].code.id, "M0017");
}
