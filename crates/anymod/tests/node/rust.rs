//! Addons that Cargo makes: a plain crate, one of napi-rs, and what is said when there is not just one artifact.

use std::process::Command;

use crate::Case;
use crate::project::Project;
use crate::support::process::run;
use crate::support::{Checked, ensure, read, scratch, write};

pub(crate) const CASES: &[Case] = &[
    ("node::rust::plain", plain),
    ("node::rust::places", places),
    ("node::rust::flags", flags),
    ("node::rust::artifacts", artifacts),
    ("node::rust::missing_std", missing_std),
    ("node::rust::napi_rs", napi_rs),
];

/// A crate without any dependency: Node-API by its C functions.
const PLAIN: &str = "use std::ffi::{c_char, c_void};
unsafe extern \"C\" {
    fn napi_create_uint32(env: *mut c_void, value: u32, result: *mut *mut c_void) -> i32;
    fn napi_set_named_property(env: *mut c_void, object: *mut c_void, name: *const c_char, value: *mut c_void) -> i32;
}
/// What Node.js calls.
#[unsafe(no_mangle)]
pub extern \"C\" fn napi_register_module_v1(env: *mut c_void, exports: *mut c_void) -> *mut c_void {
    let mut value = exports;
    unsafe {
        napi_create_uint32(env, option_env!(\"ANSWER\").map_or(42, |text| text.len() as u32), &mut value);
        napi_set_named_property(env, exports, c\"answer\".as_ptr(), value);
    }
    exports
}
";

fn project(targets: &str, kind: &str, source: &str) -> Checked<Project> {
    let directory = scratch()?;
    let path = |name: &str| directory.path().join(name);
    write(&path("speed/src/lib.rs"), source)?;
    let package = format!(
        "[package]\nname = \"speed\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [{kind}]\n[workspace]\n"
    );
    write(&path("speed/Cargo.toml"), package)?;
    let manifest = format!(
        "[project]\nversion = \"0.1.0\"\ntargets = [{targets}]\n[module.speed.node]\ncrate = \"speed\"\n"
    );
    write(&path("anymod.toml"), manifest)?;
    Ok(Project { directory })
}

fn plain() -> Checked {
    let project = project("\"node-linux-x64\"", "\"cdylib\"", PLAIN)?;
    project.build(&["--variant", "all"])?;
    let script = "console.log(require('./dist/node/speed/index.cjs').answer)";
    let said = project.node(script)?.ok()?;
    ensure(said.stdout == "42\n", || said.to_string())?;
    for variant in ["modern", "baseline"] {
        let file = format!("dist/node/speed/speed.linux-x64-{variant}.node");
        project.anymod(&["audit", "--stripped", &file])?.ok()?;
    }
    // Cargo wrote its lock in the first build, so that the second cannot know what it read.
    project.build(&["--variant", "all"])?;
    let again = project.build(&["--variant", "all"])?;
    ensure(again.output().contains("0 actions ran"), || again.to_string())?;
    write(&project.path("speed/src/lib.rs"), PLAIN.replace("map_or(42", "map_or(43"))?;
    project.build(&["--variant", "all"])?;
    let said = project.node(script)?.ok()?;
    ensure(said.stdout == "43\n", || said.to_string())
}

/// What Cargo made in one directory is taken from the store in another.
fn places() -> Checked {
    let [one, other] = [(); 2].map(|()| project("\"node-linux-x64\"", "\"cdylib\"", PLAIN));
    let (one, other) = (one?, other?);
    let build = |project: &Project, options: &[&str]| -> Checked<String> {
        run(Command::new("cargo")
            .args(["generate-lockfile", "--manifest-path"])
            .arg(project.path("speed/Cargo.toml")))?
        .ok()?;
        let command = project.command(&["build", "--variant", "modern"]).args(options);
        Ok(run(command.env("ANYMOD_STORE", one.path("store")))?.ok()?.output())
    };
    for options in [&[][..], &["--build-type", "debug"]] {
        build(&one, options)?;
        let again = build(&other, options)?;
        // A debug build is sealed again, because what is said of it is not kept.
        let taken = "cargo      speed  node-linux-x64  speed  (store)";
        ensure(again.contains(taken), || again.clone())?;
    }
    Ok(())
}

/// `RUSTFLAGS` of whoever builds takes the place of the variant's, and makes another artifact.
fn flags() -> Checked {
    let wide =
        format!("{PLAIN}\n#[cfg(target_feature = \"avx2\")]\ncompile_error!(\"for AVX2\");\n");
    let project = project("\"node-linux-x64\"", "\"cdylib\"", &wide)?;
    let refused = project.anymod(&["build", "--variant", "modern"])?;
    ensure(refused.status == 4 && refused.output().contains("for AVX2"), || refused.to_string())?;
    let mut command = project.command(&["build", "--variant", "modern"]);
    command.env("RUSTFLAGS", "-Ctarget-cpu=x86-64");
    run(command)?.ok()?;
    command = project.command(&["build", "--variant", "modern"]);
    let again = run(command.env("RUSTFLAGS", "-Ctarget-cpu=x86-64-v2"))?.ok()?;
    ensure(again.output().contains("cargo      speed"), || again.to_string())
}

fn artifacts() -> Checked {
    let project = project("\"node-linux-x64\"", "\"rlib\"", PLAIN)?;
    let ended = project.anymod(&["build"])?;
    let said = ["N0105", "made 0 libraries", "libspeed.rlib` (rlib)", "crate-type = [\"cdylib\"]"];
    ensure(ended.status == 1, || ended.to_string())?;
    said.iter().try_for_each(|text| ensure(ended.output().contains(text), || ended.to_string()))
}

fn missing_std() -> Checked {
    let project = project("\"node-win32-arm64\"", "\"cdylib\"", PLAIN)?;
    let ended = project.anymod(&["build"])?;
    let said = [
        "N0106",
        "missing std for `aarch64-pc-windows-gnullvm`",
        "rustup target add aarch64-pc-windows-gnullvm",
    ];
    ensure(ended.status == 3, || ended.to_string())?;
    said.iter().try_for_each(|text| ensure(ended.output().contains(text), || ended.to_string()))
}

const NAPI_RS: &str = "use napi::bindgen_prelude::*;
use napi_derive::napi;

/// A counter.
#[napi]
pub struct Counter { value: i32 }

#[napi]
impl Counter {
    #[napi(constructor)]
    pub fn new(start: Option<i32>) -> Self { Counter { value: start.unwrap_or(0) } }
    #[napi]
    pub fn add(&mut self, step: i32) -> i32 { self.value += step; self.value }
}

#[napi]
pub enum Color { Red, Green = 5, Blue }

#[napi]
pub async fn later(number: u32) -> Result<u32> { Ok(number) }

#[napi]
pub fn sum(data: Uint8Array) -> u32 { data.iter().map(|byte| u32::from(*byte)).sum() }
";

/// Classes, enums, async functions and buffers, in both variants; the declarations are TypeScript.
fn napi_rs() -> Checked {
    let project = project("\"node-linux-x64\"", "\"cdylib\"", NAPI_RS)?;
    let manifest = String::from_utf8_lossy(&read(&project.path("speed/Cargo.toml"))?).into_owned();
    let more = "[dependencies]\nnapi = { version = \"3\", default-features = false, features = [\"napi8\", \"tokio_rt\"] }\n\
                napi-derive = \"3\"\n[build-dependencies]\nnapi-build = \"2\"\n[profile.release]\nopt-level = 1\n";
    write(&project.path("speed/Cargo.toml"), manifest + more)?;
    write(&project.path("speed/build.rs"), "fn main() { napi_build::setup(); }\n")?;
    project.build(&["--variant", "all"])?;
    let script = "import { Counter, Color, later, sum } from './dist/node/speed/index.mjs';
const counter = new Counter(3);
console.log(counter.add(4), Color.Green, Color.Blue, sum(Uint8Array.of(1, 2, 3)), await later(9));\n";
    write(&project.path("use.mjs"), script)?;
    for variant in ["modern", "baseline"] {
        let mut node = Command::new("node");
        let ended = run(node.arg(project.path("use.mjs")).env("ANYMOD_VARIANT", variant))?.ok()?;
        ensure(ended.stdout == "7 5 6 6 9\n", || ended.to_string())?;
    }
    let script = "import { Counter, Color, later, sum } from './dist/node/speed/index';
const counter: Counter = new Counter(3);
const total: number = counter.add(sum(new Uint8Array(2)));
const color: Color = Color.Green;
const done: Promise<number> = later(total + color);
// @ts-expect-error: a counter counts numbers.
counter.add('one');
export { done };\n";
    write(&project.path("use.ts"), script)?;
    let directory = project.directory.path();
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-save", "--no-audit", "typescript@5"])
        .current_dir(directory);
    run(&mut npm)?.ok()?;
    let mut tsc = Command::new("node");
    tsc.args([
        "node_modules/typescript/bin/tsc",
        "--strict",
        "--noEmit",
        "--target",
        "es2022",
        "use.ts",
    ]);
    run(tsc.current_dir(directory))?.ok().map(drop)
}
