//! MicroPython's own makefile for native modules (`py/dynruntime.mk`), unchanged, with `MPY_LD="anymod mpy link"` and
//! `MPY_TOOL="anymod mpy"`, as `docs/guide/micropython.md` recommends it.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};
use support::machine::{self, micropython, mpy_cross, repository};
use support::process::{Finished, anymod, run};
use support::{Checked, ensure, read, same_bytes, scratch, write};

fn main() -> ExitCode {
    let trial = |name: &str, test: fn() -> Checked| {
        Trial::test(format!("make_drop_in::{name}"), move || Ok(test()?))
    };
    let trials = vec![
        trial("builds-and-runs::x64::gnu", x64),
        trial("builds-and-runs::armv7m::gnu", armv7m),
        trial("verbose::x64::gnu", verbose),
        trial("same-as-the-incumbent::x64::gnu", same),
        trial("second-make-does-nothing::x64::gnu", twice),
        trial("an-error-stops-make::x64::gnu", error),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A copy of `examples/natmod/features2`: two files in C, one in Python, and the libraries of the compiler.
struct Copy {
    directory: tempfile::TempDir,
}

impl Copy {
    fn new() -> Checked<Copy> {
        let copy = Copy { directory: scratch()? };
        for name in ["Makefile", "main.c", "prod.c", "prod.h", "test.py"] {
            let file = micropython()?.join("examples/natmod/features2").join(name);
            write(&copy.path(name), read(&file)?)?;
        }
        Ok(copy)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `make` with a linker and a merger, and further variables.
    fn make_with(&self, linker: &str, merger: &str, variables: &[&str]) -> Checked<Finished> {
        let mut make = Command::new("make");
        make.current_dir(self.directory.path()).env("ANYMOD_HOME", machine::anymod_home());
        make.env("NO_COLOR", "1").env_remove("MAKEFLAGS").env_remove("CFLAGS");
        make.arg(format!("MPY_DIR={}", micropython()?.display()));
        make.arg(format!("MPY_CROSS={}", mpy_cross()?.display()));
        make.arg(format!("MPY_LD={linker}")).arg(format!("MPY_TOOL={merger}"));
        run(make.args(variables))
    }

    /// `make` with anymod in place of MicroPython's tools.
    fn make(&self, variables: &[&str]) -> Checked<Finished> {
        let anymod = env!("CARGO_BIN_EXE_anymod");
        self.make_with(&format!("{anymod} mpy link"), &format!("{anymod} mpy"), variables)
    }

    /// Runs a script of `natmod/exercises` with a file as the module.
    fn exercise(&self, arch: &str, module: &str, script: &str) -> Checked {
        let modules = self.path("modules");
        write(&modules.join("features2.mpy"), read(&self.path(module))?)?;
        let script = repository().join("crates/anymod/tests/natmod/exercises").join(script);
        machine::run_script(arch, &modules, &script)?.ok()?;
        Ok(())
    }
}

fn x64() -> Checked {
    let copy = Copy::new()?;
    copy.make(&["ARCH=x64"])?.ok()?;
    copy.exercise("x64", "features2.mpy", "features2.py")?;
    let names = no_path(&copy.path("features2.mpy"), copy.directory.path())?;
    ensure(names, || "the module holds the path of its build".to_owned())
}

fn armv7m() -> Checked {
    let copy = Copy::new()?;
    copy.make(&["ARCH=armv7m", "MICROPY_FLOAT_IMPL=float"])?.ok()?;
    run(anymod(copy.directory.path()).args(["mpy", "check", "features2.mpy"]))?.ok()?;
    // The merged module runs its test.py, which passes floats as processors without a unit for them do.
    copy.exercise("armv7m", "build/features2.native.mpy", "features2_soft.py")
}

/// True if a file has nothing of a path in it.
fn no_path(file: &Path, path: &Path) -> Checked<bool> {
    let bytes = read(file)?;
    let path = path.to_string_lossy().into_owned();
    Ok(!bytes.windows(path.len()).any(|window| window == path.as_bytes()))
}

/// What `V=1` adds for the incumbent, if it is allowed to.
fn verbose() -> Checked {
    let copy = Copy::new()?;
    let made = copy.make(&["ARCH=x64", "V=1"])?.ok()?;
    ensure(made.stdout.contains("mpy link --arch x64 --qstrs"), || made.to_string())?;
    let copy = Copy::new()?;
    let anymod = env!("CARGO_BIN_EXE_anymod");
    let linker = format!("{anymod} mpy link -vvv");
    let made = copy.make_with(&linker, &format!("{anymod} mpy"), &["ARCH=x64"])?.ok()?;
    ensure(made.output().contains("x64: text "), || made.to_string())?;
    copy.exercise("x64", "features2.mpy", "features2.py")
}

/// Each tool in the other's place changes nothing in the merged file but the stored name.
fn same() -> Checked {
    let anymod = env!("CARGO_BIN_EXE_anymod");
    let (ours, theirs) = (Copy::new()?, Copy::new()?);
    let linker = format!("{anymod} mpy link --compat 1.25");
    // Without libraries: the incumbent takes their members in another order on every run.
    let variables =
        &["ARCH=x64", "LINK_RUNTIME=0", "SRC=prod.c test.py", "CFLAGS_EXTRA=-Dprod_array=mpy_init"];
    ours.make_with(&linker, &format!("{anymod} mpy"), variables)?.ok()?;
    let incumbent = |tool| {
        Ok::<_, String>(format!("{:?}", machine::incumbent(tool, Path::new("."))?.get_program()))
    };
    theirs.make_with(&incumbent("mpy_ld")?, &incumbent("mpy_tool")?, variables)?.ok()?;
    for file in ["build/features2.config.h", "build/features2.native.mpy", "features2.mpy"] {
        same_bytes(&read(&ours.path(file))?, &read(&theirs.path(file))?)
            .map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(())
}

fn twice() -> Checked {
    let copy = Copy::new()?;
    copy.make(&["ARCH=x64"])?.ok()?;
    let again = copy.make(&["ARCH=x64"])?.ok()?;
    ensure(again.stdout.contains("Nothing to be done"), || again.to_string())
}

/// A module that does not link leaves no file that make would take for one.
fn error() -> Checked {
    let copy = Copy::new()?;
    write(
        &copy.path("prod.c"),
        "float prod_array(int n, float *ar) { extern int gone(void); return gone(); }\n",
    )?;
    let made = copy.make(&["ARCH=x64"])?;
    let told = made.status == 2 && made.stderr.contains("undefined symbol `gone`");
    ensure(told && !copy.path("build/features2.native.mpy").exists(), || made.to_string())
}
