//! `split interpose` on wheels of PyPI that bring SQLite and OpenSSL along, in a Python whose host exports both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use super::fixtures::{Place, libraries};
use super::support::machine::foreign_wheel;
use super::support::process::{Finished, run};

/// A Python that uses SQLite and OpenSSL in modules of its own, which are all that it exports.
fn build(place: &Place) {
    place.write(
        "host.c",
        "#include <Python.h>\nint main(int n, char **a) { return Py_BytesMain(n, a); }",
    );
    place.cc("-I/usr/include/python3.11 -O1 -fPIC -c host.c");
    place.object(
        "m",
        "#include <sqlite3.h>\n#include <openssl/ssl.h>\n
         int anymod_init_m(void) { return sqlite3_libversion_number() > 0 && SSL_CTX_new(TLS_client_method()) != 0; }",
        "",
    );
    let mut manifest = "[split]\nexport = \"whole\"\ndirectory = \".\"\nobjects = [\"host.o\"]\n
        ldflags = [\"-lpython3.11\", \"-lm\", \"-ldl\", \"-lpthread\"]\n
        [split.module.m]\nobjects = [\"m.o\"]\nlibraries = [\"sqlite3\", \"ssl\", \"crypto\"]\n"
        .to_owned();
    for name in ["sqlite3", "ssl", "crypto"] {
        let archive = libraries().join(format!("lib{name}.a"));
        manifest += &format!("[split.library.{name}]\narchive = \"{}\"\n", archive.display());
    }
    place.write("anymod.toml", manifest);
    place.split("link --no-store").ok().unwrap();
}

/// What a loader did.
struct Loaded {
    ran: Finished,
    /// Files of the unpacked wheel that it loaded.
    files: BTreeSet<String>,
    /// What it bound to the host: file and symbol.
    bound: BTreeSet<(String, String)>,
}

/// Runs code that loads modules of the unpacked wheel.
fn load(place: &Place, code: &str) -> Loaded {
    let mut command = Command::new("./host");
    command.current_dir(place.path("")).args(["-S", "-c", code]).env("PYTHONHOME", "/usr");
    command.env("PYTHONPATH", place.path("wheel")).env("LD_BIND_NOW", "1");
    let ran = run(command.env("LD_DEBUG", "bindings")).unwrap().ok().unwrap();
    let (mut files, mut bound) = (BTreeSet::new(), BTreeSet::new());
    for line in ran.stderr.lines() {
        // `binding file A [0] to B [0]: normal symbol `NAME' [VERSION]`
        let Some((_, rest)) = line.split_once("binding file ") else { continue };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let (Some(user), Some(owner)) = (words.first(), words.get(3)) else { continue };
        let Some((_, user)) = user.split_once("/wheel/") else { continue };
        // Libraries are found from the module's own directory: `PACKAGE/../LIBRARIES`.
        let user = user.split_once("/../").map_or(user, |(_, user)| user).to_owned();
        files.insert(user.clone());
        if *owner == "./host" {
            let symbol = rest.split(['`', '\'']).nth(1).unwrap_or_default();
            bound.insert((user, symbol.to_owned()));
        }
    }
    Loaded { ran, files, bound }
}

/// The same as it is foretold, and how many symbols of which library.
type Foretold = (BTreeSet<(String, String)>, BTreeMap<String, usize>);

fn foretold(report: &serde_json::Value) -> Foretold {
    let (mut symbols, mut owners) = (BTreeSet::new(), BTreeMap::new());
    for pair in report["reports"][0]["pairs"].as_array().unwrap() {
        let text = |key: &str| pair[key].as_str().unwrap().to_owned();
        for symbol in pair["symbols"].as_array().unwrap() {
            symbols.insert((text("user"), symbol.as_str().unwrap().to_owned()));
        }
        let owner = text("owner");
        let name = Path::new(&owner).file_name().unwrap().to_string_lossy().into_owned();
        let name = name.split(['-', '.']).next().unwrap().to_owned();
        *owners.entry(name).or_default() += pair["symbols"].as_array().unwrap().len();
    }
    (symbols, owners)
}

#[test]
fn what_a_python_takes_over_in_wheels_is_what_a_loader_binds() {
    for (wheel, code, owner) in [
        ("pysqlite3_binary", "import pysqlite3; print(pysqlite3.sqlite_version)", "_sqlite3"),
        ("psycopg2_binary", "import psycopg2; print(psycopg2.__libpq_version__)", "libcrypto"),
    ] {
        let place = Place::new();
        build(&place);
        let file = foreign_wheel(wheel).unwrap().display().to_string();
        place.run("python3", &format!("-m zipfile -e {file} wheel")).ok().unwrap();
        let (status, report) = place.json(&format!("interpose host --against {file}"));
        let (mut symbols, owners) = foretold(&report);
        let before = load(&place, code);
        assert_eq!(status, 1);
        // One of them has a module twice, the second where nothing can import it.
        symbols.retain(|(file, _)| before.files.contains(file));
        assert_eq!(symbols, before.bound, "{wheel}");
        assert!(owners.get(owner).is_some_and(|count| *count > 50), "{owners:?}");

        // The mend is applied in one step, and then the wheel has what it brought along.
        let applied = format!("interpose host --against {file} --apply --no-store");
        let (status, report) = place.json(&applied);
        assert_eq!(status, 0, "{report:#}");
        let after = load(&place, code);
        assert_eq!(after.bound, BTreeSet::new(), "{wheel}");
        println!("{wheel}: {owners:?} {}", report["applied"]);
        if wheel == "pysqlite3_binary" {
            assert_ne!(
                before.ran.stdout, after.ran.stdout,
                "the host's SQLite before, its own now"
            );
        }
    }
}
