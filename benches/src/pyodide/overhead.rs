//! What a call costs besides its tool: ours and the incumbent's wrapper in turn, above the tool alone.
//!
//! The first table has tools that do nothing, so that all that is measured is the wrapper. The second has the real
//! compiler and linker, and our store: empty, when what is made is kept, and filled, when nothing runs.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_build::intercept::{self, Setup};

use super::Pyodide;
use crate::files::{make_dir, remove_dir, write};
use crate::measure::{Entrant, turns};

/// Runs of each call.
const RUNS: usize = 60;

/// What packages call, and the tool that it comes to.
const CALLS: [(&str, &str, &str); 3] = [
    (
        "compile",
        "cc",
        "-pthread -Wno-unused-result -Wsign-compare -DNDEBUG -g -O3 -Wall -fPIC -DX=1 -I/usr/local/include -Iinclude -c a.c -o a.o",
    ),
    ("link", "cc", "-pthread -shared -Wl,-O1 -Wl,-z,relro a.o b.o -L/usr/lib -lm -o a.so"),
    ("archive", "ar", "rcs lib.a a.o b.o"),
];

const SOURCE: &str =
    "#include <stdio.h>\nint PyInit_a(void) { return puts(\"a\"); }\nint b(int x) { return x; }\n";

pub(super) fn overhead(pyodide: &Pyodide) -> Result<(), String> {
    let directory = pyodide.directory.join("overhead");
    make_dir(&directory)?;
    write(&directory.join("a.c"), SOURCE)?;
    write(&directory.join("b.c"), "int c;\n")?;
    let real = Wrapper::ours(pyodide, &directory, "real", None, None)?;
    for source in ["a", "b"] {
        let words = format!("-c {source}.c -o {source}.o");
        super::succeed(&mut real.call("cc", &words, &directory))?;
    }
    alone(pyodide, &directory)?;
    with_tools(pyodide, &directory, &real)
}

/// Wrappers around tools that do nothing.
fn alone(pyodide: &Pyodide, directory: &Path) -> Result<(), String> {
    let nothing = ["/usr/bin/true", "/bin/true"].map(PathBuf::from);
    let nothing = nothing.into_iter().find(|path| path.is_file()).ok_or("there is no `true`")?;
    let ours = Wrapper::ours(pyodide, directory, "nothing", None, Some(&nothing))?;
    let theirs = Wrapper::theirs(pyodide, directory, &nothing)?;
    println!(
        "| call, around a tool that does nothing | tool ms | ours over it | incumbent's over it | its / ours |"
    );
    println!("|---|---:|---:|---:|---:|");
    for (call, name, words) in CALLS {
        let mut bare = Command::new(&nothing);
        bare.args(words.split(' ')).current_dir(directory);
        let steps = [bare, ours.call(name, words, directory), theirs.call(name, words, directory)];
        let mut entrants: Vec<Entrant<'_>> = steps
            .into_iter()
            .map(|step| Entrant { step: vec![step], before: &|| Ok(()) })
            .collect();
        let costs = turns(3, RUNS, &mut entrants)?;
        let [bare, ours, theirs] = [costs[0].wall, costs[1].wall, costs[2].wall];
        let (ours, theirs) = (ours - bare, theirs - bare);
        println!("| {call} | {bare:.2} | {ours:.2} | {theirs:.2} | {:.0} |", theirs / ours);
    }
    Ok(())
}

/// Ours around the real tools.
fn with_tools(pyodide: &Pyodide, directory: &Path, plain: &Wrapper) -> Result<(), String> {
    let store = directory.join("store");
    let filled = directory.join("filled");
    let keeping = Wrapper::ours(pyodide, directory, "keeping", Some(&store), None)?;
    let finding = Wrapper::ours(pyodide, directory, "finding", Some(&filled), None)?;
    println!(
        "\n| call, around the real tool | tool ms | ours over it | keeping what is made | out of the store ms |"
    );
    println!("|---|---:|---:|---:|---:|");
    for (call, name, words) in CALLS {
        super::succeed(&mut plain.call(name, words, directory))?;
        let mut bare = plain.last()?;
        bare.current_dir(directory);
        let nothing = || Ok(());
        let empty = || remove_dir(&store).and_then(|()| absent(&directory.join("lib.a")));
        let absent = || absent(&directory.join("lib.a"));
        let entrant = |step: Command| vec![step];
        let mut entrants = [
            Entrant { step: entrant(bare), before: &nothing },
            Entrant { step: entrant(plain.call(name, words, directory)), before: &nothing },
            Entrant { step: entrant(keeping.call(name, words, directory)), before: &empty },
            Entrant { step: entrant(finding.call(name, words, directory)), before: &absent },
        ];
        let costs = turns(3, RUNS / 2, &mut entrants)?;
        let [bare, plain, keeping, finding] =
            [costs[0].wall, costs[1].wall, costs[2].wall, costs[3].wall];
        println!(
            "| {call} | {bare:.1} | {:.1} | {:.1} | {finding:.1} |",
            plain - bare,
            keeping - bare
        );
    }
    Ok(())
}

fn absent(path: &Path) -> Result<(), String> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// A directory of names.
struct Wrapper {
    bin: PathBuf,
    path: String,
    variables: Vec<(&'static str, String)>,
    trace: PathBuf,
}

impl Wrapper {
    /// Ours, with a store or none, around the target's tools or another in the place of all.
    fn ours(
        pyodide: &Pyodide,
        directory: &Path,
        name: &str,
        store: Option<&Path>,
        tool: Option<&Path>,
    ) -> Result<Wrapper, String> {
        let place = directory.join(name);
        remove_dir(&place)?;
        make_dir(&place)?;
        let mut target = pyodide.target.clone();
        if let Some(tool) = tool {
            let tools = &mut target.description.tools;
            for path in [&mut tools.cc, &mut tools.cxx, &mut tools.ar] {
                tool.clone_into(path);
            }
            tools.ld = Some(tool.to_owned());
        }
        let trace = place.join("trace.jsonl");
        let mut setup = Setup::new(&target, trace.clone());
        setup.store = store.map(|store| (store.to_owned(), anymod_store::Options::default()));
        setup.roots = vec![(directory.to_owned(), "source".to_owned())];
        let stand_in = intercept::install(&setup, &place, &pyodide.anymod);
        let bin = stand_in.map_err(|error| error.to_string())?.bin;
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", bin.display());
        Ok(Wrapper { bin, path, variables: Vec::new(), trace })
    }

    /// The incumbent's, made as it makes it: links to its script, which finds its settings in the environment.
    fn theirs(pyodide: &Pyodide, directory: &Path, tool: &Path) -> Result<Wrapper, String> {
        let bin = directory.join("theirs");
        let tools = directory.join("theirs-tools");
        for directory in [&bin, &tools] {
            remove_dir(directory)?;
            make_dir(directory)?;
        }
        let linked = |from: &Path, to: &Path| symlink(from, to).map_err(|error| error.to_string());
        for name in ["emcc", "em++", "emar", "emranlib", "emstrip"] {
            linked(tool, &tools.join(name))?;
        }
        // It asks for the symbols of what it links, and gets an answer.
        linked(&pyodide.target.description.tools.nm, &tools.join("emnm"))?;
        let library = pyodide.incumbent.join("lib");
        let versions = std::fs::read_dir(&library).map_err(|error| error.to_string())?;
        let version = versions.flatten().next().ok_or("the incumbent is not installed")?.path();
        let package = version.join("site-packages/pyodide_build");
        let script = bin.join("pywasmcross.py");
        for name in ["pywasmcross.py", "_f2c_fixes.py"] {
            let copied = std::fs::copy(package.join(name), bin.join(name));
            copied.map_err(|error| error.to_string())?;
        }
        super::succeed(Command::new("chmod").arg("+x").arg(&script))?;
        for name in ["cc", "c++", "ar", "gcc"] {
            linked(&script, &bin.join(name))?;
        }
        let python = pyodide.incumbent.join("bin/python3");
        let mut asked = Command::new(&python);
        asked.args(["-c", "import json,sys;print(json.dumps(sys.path))"]);
        let asked = asked.output().map_err(|error| error.to_string())?;
        let sys_path = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
        let scripts = pyodide.incumbent.join("bin").display().to_string();
        let rest = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{scripts}:{}:{rest}", bin.display(), tools.display());
        let settings = format!(
            "{{\"pkgname\":\"x\",\"cflags\":\"-O2 -g0 -fPIC\",\"cxxflags\":\"\",\"ldflags\":\"-O2 -sSIDE_MODULE=2\",\
             \"target_install_dir\":\"/target\",\"pythoninclude\":\"/target/include\",\"exports\":\"pyinit\",\
             \"abi\":\"2025_0\",\"orig__name__\":\"pyodide_build.pywasmcross\",\"PYTHONPATH\":{sys_path},\
             \"PATH\":\"{}:{rest}\"}}",
            tools.display()
        );
        let variables = vec![("PYWASMCROSS_ARGS", settings), ("BUILD_ENV_SCRIPTS_DIR", scripts)];
        Ok(Wrapper { bin, path, variables, trace: PathBuf::new() })
    }

    /// A call by a name.
    fn call(&self, name: &str, words: &str, directory: &Path) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.args(words.split(' ')).current_dir(directory).env("PATH", &self.path);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The command that the last call came to.
    fn last(&self) -> Result<Command, String> {
        let records = intercept::read_trace(&self.trace).map_err(|error| error.to_string())?;
        let after = records.last().and_then(|record| record.after.last());
        let (program, words) = after.and_then(|after| after.split_first()).ok_or("no command")?;
        let mut command = Command::new(program);
        command.args(words);
        Ok(command)
    }
}
