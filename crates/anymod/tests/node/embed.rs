//! What travels inside a program: extracted once, whole or not at all, and where nothing forbids it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Case;
use crate::project::{Project, change};
use crate::support::machine::component;
use crate::support::process::{Finished, run};
use crate::support::{Checked, ensure, program, read, write};

pub(crate) const CASES: &[Case] = &[
    ("node::embed::written", written),
    ("node::embed::packed", packed),
    ("node::embed::crowd", crowd),
    ("node::embed::killed", killed),
    ("node::embed::damaged", damaged),
    ("node::embed::versions", versions),
];

/// What needs mounts of its own.
pub(crate) const MOUNTED: &[Case] =
    &[("node::embed::single_executable", single_executable), ("node::embed::bun", bun)];

/// Prints a result and the file that it came from.
const APP: &str = "const v = require('./dist/node/vectors/index.cjs');
const file = require('fs').readFileSync('/proc/self/maps', 'latin1').match(/\\S*\\/vectors\\.\\S*\\.node/);
console.log(v.dot(new Float32Array([1, 2, 3]), new Float32Array([4, 5, 6])), file[0]);\n";

const MODERN: &str = "vectors.linux-x64-modern.node";
const BASELINE: &str = "vectors.linux-x64-baseline.node";
const PROBE: &str = "anymod-probe.linux-x64.node";
const PAYLOAD: &str = "vectors.linux-x64.zstd.payload";

fn embedded(host: &str) -> Checked<Project> {
    let project = Project::example("\"node-linux-x64\"")?;
    project.build(&["--variant", "all"])?;
    project.anymod(&["embed", "--host", host])?.ok()?;
    write(&project.path("app.cjs"), APP)?;
    Ok(project)
}

/// Runs the program with a directory to extract to.
fn node(project: &Project, directory: &Path, options: &[&str]) -> Checked<Finished> {
    run(node_command(project, directory, options))
}

fn node_command(project: &Project, directory: &Path, options: &[&str]) -> &'static mut Command {
    let mut command = Command::new("node");
    command.args(options).arg(project.path("app.cjs")).env("ANYMOD_EXTRACT_DIR", directory);
    command.env("ANYMOD_VARIANT", "modern");
    Box::leak(Box::new(command))
}

/// Loaded from below a directory.
fn from(ended: &Finished, directory: &Path) -> Checked {
    let expected = format!("32 {}/", directory.display());
    ensure(ended.status == 0 && ended.stdout.starts_with(&expected), || {
        format!("not from {}: {ended}", directory.display())
    })
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Only what the loader loads, nothing that a process left; but for the lock of a file that was whole already when its
/// process was killed, which nobody asks for any more.
fn clean(directory: &Path) -> Checked {
    let mut found = files(directory);
    found.retain(|path| path.extension().is_none_or(|end| end != "lock"));
    let names: Vec<_> = found.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    ensure(names == [PROBE, MODERN], || format!("{found:?}"))
}

/// The same files from the same build, and the module that says that nothing is embedded.
fn written() -> Checked {
    let project = embedded("node")?;
    let (local, cache) = (project.path("dist/node/vectors"), project.path("cache"));
    from(&node(&project, &cache, &[])?, &cache)?;
    clean(&cache)?;
    let again = project.anymod(&["embed"])?.ok()?;
    ensure(again.stdout.matches("unchanged").count() == 2, || again.to_string())?;
    project.anymod(&["embed", "--host", "rust", "--output", "rust"])?.ok()?;
    let module = String::from_utf8_lossy(&read(&project.path("rust/embedded.rs"))?).into_owned();
    ensure(module.contains("include_bytes!(\"vectors.linux-x64.zstd.payload\")"), || {
        module.clone()
    })?;
    project.anymod(&["embed", "--reset"])?.ok()?;
    from(&node(&project, &cache, &[])?, &local)?;
    std::fs::remove_file(project.installed(MODERN)).map_err(|error| error.to_string())?;
    let missing = project.anymod(&["embed"])?;
    let said = "run `anymod build --target node-linux-x64 --variant all`";
    ensure(missing.status == 1 && missing.output().contains(said), || missing.to_string())
}

/// Every way of packing gives back the bytes that were built, of every variant; what is damaged is not packed.
fn packed() -> Checked {
    let project = embedded("node")?;
    let mut sizes = Vec::new();
    for options in [&[][..], &["--patch"], &["--compression", "gzip"]] {
        project.anymod(&[&["embed"], options].concat())?.ok()?;
        let encoding = if options.contains(&"gzip") { "gzip" } else { "zstd" };
        let payload = project.installed(&format!("vectors.linux-x64.{encoding}.payload"));
        sizes.push(read(&payload)?.len());
        let cache = project.path(&format!("cache-{}", sizes.len()));
        for (variant, file) in [("baseline", BASELINE), ("modern", MODERN)] {
            let mut command = Command::new("node");
            command.arg(project.path("app.cjs")).env("ANYMOD_EXTRACT_DIR", &cache);
            from(&run(command.env("ANYMOD_VARIANT", variant))?, &cache)?;
            let extracted = files(&cache).into_iter().find(|path| path.ends_with(file));
            let extracted = extracted.ok_or_else(|| format!("no {file}"))?;
            ensure(read(&extracted)? == read(&project.installed(file))?, || {
                format!("{options:?}: {file} is not what was packed")
            })?;
        }
        // What a difference is to is not left.
        ensure(files(&cache).len() == 3, || format!("{:?}", files(&cache)))?;
    }
    ensure(sizes[1] < sizes[0], || format!("a difference is not smaller: {sizes:?}"))?;
    change(&project.installed(MODERN), |bytes| {
        bytes.iter_mut().skip(3000).take(1).for_each(|byte| *byte ^= 1)
    })?;
    let damaged = project.anymod(&["embed"])?;
    ensure(damaged.status == 1 && damaged.output().contains("is damaged"), || damaged.to_string())?;
    let refused = project.anymod(&["embed", "--compression", "gzip", "--patch"])?;
    ensure(refused.status == 2, || refused.to_string())
}

/// Writes a line for each file that is put into its place.
const COUNT: &str = "const fs = require('fs');
const rename = fs.renameSync;
fs.renameSync = (from, to) => {
  rename(from, to);
  if (to.endsWith('.node')) fs.appendFileSync(process.env.COUNTED, to + '\\n');
};\n";

/// Many first runs at once do the work once, and all of them have it.
fn crowd() -> Checked {
    let project = embedded("node")?;
    write(&project.path("count.cjs"), COUNT)?;
    let (cache, counted) = (project.path("cache"), project.path("counted"));
    let options = ["--require".to_owned(), project.path("count.cjs").display().to_string()];
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let mut children = Vec::new();
    for _ in 0..16 {
        let command = node_command(&project, &cache, &options).env("COUNTED", &counted);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        children.push(command.spawn().map_err(|error| error.to_string())?);
    }
    for child in children {
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure(said.starts_with(&format!("32 {}/", cache.display())), || {
            format!("{said}{}", String::from_utf8_lossy(&output.stderr))
        })?;
    }
    let counted = String::from_utf8_lossy(&read(&counted)?).into_owned();
    ensure(counted.lines().count() == 2, || format!("extracted more than once:\n{counted}"))?;
    clean(&cache)
}

/// Ends the process as `kill -9` does at its n-th call that changes something, before or after the call.
const KILL: &str = "const fs = require('fs');
let left = Number(process.env.KILL_AT);
const die = () => process.kill(process.pid, 'SIGKILL');
for (const name of ['mkdirSync', 'openSync', 'writeSync', 'writeFileSync', 'linkSync', 'unlinkSync', 'renameSync', 'utimesSync']) {
  const call = fs[name];
  fs[name] = (...rest) => {
    left -= 1;
    if (left === 0 && process.env.KILL_BEFORE) die();
    const result = call(...rest);
    if (left === 0) die();
    return result;
  };
}\n";

/// Whatever the moment, the next start works and clears up.
fn killed() -> Checked {
    let project = embedded("node")?;
    write(&project.path("kill.cjs"), KILL)?;
    let options = ["--require".to_owned(), project.path("kill.cjs").display().to_string()];
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let mut survived = false;
    for at in 1..100 {
        let cache = project.path(&format!("cache-{at}"));
        let command = node_command(&project, &cache, &options).env("KILL_AT", at.to_string());
        if at % 2 == 0 {
            command.env("KILL_BEFORE", "1");
        }
        let ended = run(command)?;
        survived = ended.status == 0;
        if survived {
            break;
        }
        ensure(ended.status == 128 + 9, || ended.to_string())?;
        from(&node(&project, &cache, &[])?, &cache)?;
        clean(&cache)?;
    }
    ensure(survived, || "there is no end of calls".to_owned())?;
    // And at moments that only the machine knows, spread over the whole of a first run.
    let begin = std::time::Instant::now();
    from(&node(&project, &project.path("timed"), &[])?, &project.path("timed"))?;
    let whole = begin.elapsed().as_micros() as u64;
    let mut state = whole;
    for round in 0..torture(12) {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let cache = project.path(&format!("random-{round}"));
        let command = node_command(&project, &cache, &[]).stdin(Stdio::null());
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        std::thread::sleep(std::time::Duration::from_micros((state >> 33) % whole.max(1)));
        let _ = child.kill();
        let _ = child.wait();
        from(&node(&project, &cache, &[])?, &cache)?;
        clean(&cache)?;
        std::fs::remove_dir_all(&cache).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// How often something is done: `cargo xtask torture` says more.
fn torture(usual: u32) -> u32 {
    std::env::var("ANYMOD_TORTURE").ok().and_then(|times| times.parse().ok()).unwrap_or(usual)
}

/// What was extracted and is not whole any more is extracted again; a payload that is not whole is refused.
fn damaged() -> Checked {
    let project = embedded("node")?;
    let cache = project.path("cache");
    from(&node(&project, &cache, &[])?, &cache)?;
    for file in files(&cache) {
        let whole = read(&file)?;
        for length in [0, 100, whole.len() - 1] {
            write(&file, whole.get(..length).unwrap_or_default())?;
            from(&node(&project, &cache, &[])?, &cache)?;
        }
        change(&file, |bytes| bytes.iter_mut().skip(3000).take(1).for_each(|byte| *byte ^= 1))?;
        from(&node(&project, &cache, &[])?, &cache)?;
        ensure(read(&file)? == whole, || format!("{} was not mended", file.display()))?;
    }
    let payload = project.installed(PAYLOAD);
    let whole = read(&payload)?;
    for name in [MODERN, PROBE, BASELINE] {
        std::fs::remove_file(project.installed(name)).map_err(|error| error.to_string())?;
    }
    // What comes right after the index, and the probe, which is the last.
    let index = whole.get(12..16).and_then(|length| length.try_into().ok());
    let first = 16 + index.map_or(0, u32::from_le_bytes) as usize;
    for (at, said) in [
        (first + 100, "it cannot be extracted there: what is embedded is damaged"),
        (whole.len() - 3000, "anymod-probe.linux-x64.node: its content is not what was built"),
    ] {
        write(&payload, &whole)?;
        change(&payload, |bytes| bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1))?;
        let other = project.path(&format!("other-{at}"));
        let ended = node(&project, &other, &[])?;
        ensure(ended.status == 1 && ended.output().contains(said), || ended.to_string())?;
        ensure(files(&other).iter().all(|path| !path.ends_with(MODERN)), || {
            "a damaged file was left".to_owned()
        })?;
    }
    Ok(())
}

/// Versions have directories of their own; one that nobody used for long goes when another is extracted.
fn versions() -> Checked {
    let project = embedded("node")?;
    let cache = project.path("cache");
    let beside = |name: &str| cache.join("addons/vectors").join(name);
    for (name, days) in [("0.0.1-old", "40 days ago"), ("0.0.2-used", "2 days ago")] {
        write(&beside(name).join(MODERN), "of another version")?;
        run(Command::new("touch").args(["-d", days]).arg(beside(name)))?.ok()?;
    }
    from(&node(&project, &cache, &[])?, &cache)?;
    ensure(!beside("0.0.1-old").exists() && beside("0.0.2-used").exists(), || {
        "not the one that is too old went".to_owned()
    })
}

/// Runs a program in another directory with mounts that no one else sees: HOME cannot be written, and in the temporary
/// directory nothing can be run; nor in the others for everyone, if nowhere is to be left.
fn mounted(program: &Path, nowhere: bool) -> Checked<Finished> {
    let script = "set -e
mkdir -p \"$1/home\" \"$1/temporary\" \"$1/elsewhere\"
mount -t tmpfs -o ro none \"$1/home\"
mount -t tmpfs -o noexec none \"$1/temporary\"
mount -t tmpfs -o \"$2\" none /var/tmp
mount -t tmpfs -o noexec none /dev/shm
cd \"$1/elsewhere\"
exec \"$3\"\n";
    let directory = program.parent().unwrap_or(program);
    let mut command = Command::new("unshare");
    command.args(mount_options().unwrap_or_default()).args(["sh", "-c", script, "sh"]);
    command.arg(directory).arg(if nowhere { "noexec" } else { "exec" }).arg(program);
    for variable in ["XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "ANYMOD_EXTRACT_DIR"] {
        command.env_remove(variable);
    }
    command.env("HOME", directory.join("home")).env("TMPDIR", directory.join("temporary"));
    run(&mut command)
}

/// The options by which this machine lets a process mount for itself; none if it does not.
pub(crate) fn mount_options() -> Option<Vec<&'static str>> {
    let ways = [vec!["--mount"], vec!["--mount", "--map-root-user"]];
    let works = |way: &Vec<&str>| {
        let mut command = Command::new("unshare");
        command.args(way).args(["mount", "-t", "tmpfs", "none", "/var/tmp"]);
        run(&mut command).is_ok_and(|ended| ended.status == 0)
    };
    ways.into_iter().find(works)
}

/// A program finds a place where it can, and says what is wrong with each where it cannot.
fn finds_a_place(program: &Path) -> Checked {
    let ended = mounted(program, false)?;
    ensure(ended.status == 0 && ended.stdout.starts_with("32 /var/tmp/anymod-"), || {
        ended.to_string()
    })?;
    let ended = mounted(program, true)?;
    let said = [
        "home/.cache/anymod",
        "it cannot be extracted there",
        "ANYMOD_EXTRACT_DIR can name another directory",
        "its directory may forbid that files are run (noexec)",
    ];
    ensure(ended.status == 1, || ended.to_string())?;
    said.iter().try_for_each(|text| {
        ensure(ended.output().contains(text), || format!("no `{text}` in {ended}"))
    })
}

fn tool(name: &str) -> Checked<Command> {
    Ok(Command::new(component("node-tools")?.join("node_modules/.bin").join(name)))
}

/// A single executable application of Node.js.
fn single_executable() -> Checked {
    let project = embedded("node")?;
    let directory = project.directory.path();
    let bundle =
        ["app.cjs", "--bundle", "--platform=node", "--external:*.node", "--outfile=bundle.cjs"];
    run(tool("esbuild")?.args(bundle).current_dir(directory))?.ok()?;
    let payload = PAYLOAD;
    let settings = format!(
        "{{ \"main\": \"bundle.cjs\", \"output\": \"blob\", \"disableExperimentalSEAWarning\": true,
  \"assets\": {{ \"{payload}\": \"dist/node/vectors/{payload}\" }} }}\n"
    );
    write(&project.path("sea.json"), settings)?;
    run(Command::new("node")
        .args(["--experimental-sea-config", "sea.json"])
        .current_dir(directory))?
    .ok()?;
    let node = run(Command::new("node").args(["-p", "process.execPath"]))?.ok()?;
    let program = project.path("apart/app");
    program::copy(Path::new(node.stdout.trim()), &program);
    let fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
    let inject = ["apart/app", "NODE_SEA_BLOB", "blob", "--sentinel-fuse", fuse];
    run(tool("postject")?.args(inject).current_dir(directory))?.ok()?;
    finds_a_place(&program)
}

/// A program that bun made.
fn bun() -> Checked {
    let project = embedded("bun")?;
    let program = project.path("apart/app");
    write(&program, "")?;
    let build = ["build", "--compile", "app.cjs", "--external", "*.node", "--outfile", "apart/app"];
    run(tool("bun")?.args(build).current_dir(project.directory.path()))?.ok()?;
    // What it was made of is where it looks next.
    std::fs::rename(project.path("dist"), project.path("away"))
        .map_err(|error| error.to_string())?;
    finds_a_place(&program)?;
    // Without embedding, as any script.
    std::fs::rename(project.path("away"), project.path("dist"))
        .map_err(|error| error.to_string())?;
    project.anymod(&["embed", "--reset"])?.ok()?;
    let ended = run(tool("bun")?.arg(project.path("app.cjs")))?;
    from(&ended, &project.path("dist/node/vectors"))
}
