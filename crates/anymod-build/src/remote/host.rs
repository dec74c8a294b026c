//! Compilers of this machine, on workers that have the same.
//!
//! Whether they have is not taken on trust. A worker runs the compiler from a script that says, in digests, which programs the
//! compiler is made of and which files of the worker's own it read. The script that tells of the programs is run here as well:
//! what a worker made counts only if it says the same there, and if every file that was read is the same here. So the key of an
//! action, in which this machine's compiler is, is the worker's too.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anymod_store::Digest;

/// What a compiler consists of. Drivers are small programs; what they call may be replaced on its own.
const PROGRAMS: &str = r#"export PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8
sha256sum "$cc"
for part in cc1 cc1plus as; do
    if found=$(command -v "$("$cc" "-print-prog-name=$part")"); then sha256sum "$found"; fi
done
"#;
/// The script of an action: the compiler, the output for what it tells, the dependency file, files that the command line names,
/// and the command line. The last option is the one that this machine adds with its own directory in it.
const COMPILE: &str = r#"set -e
cc=$1 sums=$2 deps=$3 named=$4; shift 4
{ PROGRAMS } >"$sums"
"$cc" "$@" "-ffile-prefix-map=$PWD=."
{ printf '%s\n' "$named"; tr -s ' \\' '\n\n' <"$deps"; } | grep '^/' | sort -u | xargs -r sha256sum >>"$sums"
"#;
/// What the output of the script is called, after the dependency file.
const SUMS: &str = ".sums";

/// What is known of this machine's compilers and files; asked once in a run.
#[derive(Default)]
pub(super) struct Host {
    programs: Mutex<HashMap<String, Option<String>>>,
    files: Mutex<HashMap<String, Option<Digest>>>,
}

/// Where the script tells what was used.
pub(super) fn sums(depfile: &str) -> String {
    format!("{depfile}{SUMS}")
}

/// A command line that runs a compiler with options by the script.
pub(super) fn command_line(program: &str, depfile: &str, options: Vec<String>) -> Vec<String> {
    let named =
        options.iter().filter_map(|word| named(word)).filter(|path| Path::new(path).is_file());
    let named: Vec<&str> = named.collect();
    let script = COMPILE.replace("PROGRAMS", PROGRAMS);
    let named = named.join("\n");
    let words = ["/bin/sh", "-c", &script, "sh", program, &sums(depfile), depfile, &named];
    words.into_iter().map(str::to_owned).chain(options).collect()
}

/// The file or directory of this machine that a word names.
fn named(word: &str) -> Option<&str> {
    let path = match word.strip_prefix("--") {
        Some(option) => option.split_once('=')?.1,
        None => word,
    };
    path.starts_with('/').then_some(path)
}

impl Host {
    /// Whether what a worker says of its compiler and files is so here.
    ///
    /// # Errors
    /// What is different, in words.
    pub(super) fn vouch(
        &self,
        program: &str,
        told: &str,
        discovered: &[String],
    ) -> Result<(), String> {
        let Some(own) = self.programs(program) else {
            return Err(format!("`{program}` cannot be told apart from another one here"));
        };
        compare(program, &own, told, discovered, |path| self.file(path))
    }

    /// What the script says of a compiler of this machine.
    fn programs(&self, program: &str) -> Option<String> {
        let mut known = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let ask = || {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", &format!("cc=$1\n{PROGRAMS}"), "sh", program]);
            let output = command.env_clear().stdin(Stdio::null()).output().ok()?;
            let text = String::from_utf8(output.stdout).ok()?;
            (output.status.success() && !text.is_empty()).then_some(text)
        };
        known.entry(program.to_owned()).or_insert_with(ask).clone()
    }

    fn file(&self, path: &str) -> Option<Digest> {
        let mut known = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || std::fs::read(path).ok().map(|bytes| Digest::of(&bytes));
        *known.entry(path.to_owned()).or_insert_with(read)
    }
}

/// Compares what a worker told of its programs and files with what is here. Any text is taken; only what is told of all that was
/// read, and is so here, is let pass.
fn compare(
    program: &str,
    own: &str,
    told: &str,
    discovered: &[String],
    here: impl Fn(&str) -> Option<Digest>,
) -> Result<(), String> {
    let Some(rest) = told.strip_prefix(own) else {
        return Err(format!("the worker's `{program}` is not this machine's"));
    };
    let lines = rest.lines().filter_map(|line| line.split_once("  "));
    let files: BTreeMap<&str, Option<Digest>> =
        lines.map(|(hash, path)| (path, Digest::from_hex(hash))).collect();
    let outside = discovered.iter().map(String::as_str).filter(|path| path.starts_with('/'));
    for path in outside.chain(files.keys().copied()) {
        let there = files.get(path).copied().flatten();
        if there.is_none() || there != here(path) {
            return Err(format!("the worker's `{path}` is not this machine's"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest(path: &str) -> Option<Digest> {
        (path != "/usr/include/absent.h").then(|| Digest::of(path.as_bytes()))
    }

    fn line(path: &str, of: &str) -> String {
        format!("{}  {path}\n", Digest::of(of.as_bytes()))
    }

    #[test]
    fn only_what_is_the_same_here_is_let_pass() {
        let own = line("/usr/bin/cc", "cc");
        let header = "/usr/include/stdio.h".to_owned();
        let same = format!("{own}{}", line(&header, &header));
        let cases = [
            (same.clone(), vec!["m.c".to_owned(), header.clone()], true),
            (same.clone(), vec![header.clone(), "/usr/include/untold.h".to_owned()], false),
            (same.replacen("/usr/bin/cc", "/opt/bin/cc", 1), vec![header.clone()], false),
            (format!("{own}{}", line(&header, "other")), vec![header.clone()], false),
            // Told of, though nobody found it: a file that the command line names.
            (format!("{own}{}", line("/opt/specs", "other")), Vec::new(), false),
            (format!("{own}{}", line("/usr/include/absent.h", "x")), Vec::new(), false),
            (own.clone(), vec![header], false),
            (own, Vec::new(), true),
            (String::new(), Vec::new(), false),
        ];
        for (told, discovered, passes) in cases {
            let compared =
                compare("/usr/bin/cc", &line("/usr/bin/cc", "cc"), &told, &discovered, digest);
            assert_eq!(compared.is_ok(), passes, "{told} {discovered:?}");
        }
    }

    #[test]
    fn the_script_tells_of_what_is_here() {
        // A shell is no compiler, but a program.
        let told = Host::default().programs("/bin/sh").unwrap();
        assert!(told.contains("  /bin/sh\n"), "{told}");
        assert_eq!(Host::default().programs("/nowhere/cc"), None);
        assert_eq!(named("--specs=/usr/lib/p.specs"), Some("/usr/lib/p.specs"));
        assert_eq!(
            (named("/usr/include"), named("-DX=/usr"), named("-c")),
            (Some("/usr/include"), None, None)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_compared(told in "([0-9a-f]{64}  /[a-z]{1,3}\n|.|\n){0,5}", path in "/[a-z]{1,3}") {
            let compared = compare("cc", "", &told, std::slice::from_ref(&path), |_| Some(Digest::of(b"x")));
            prop_assert!(compared.is_err() || told.contains(&Digest::of(b"x").to_string()));
            prop_assert!(compare("cc", "own", &told, &[], |_| None).is_err());
        }
    }
}
