//! Every rule on the commands of `cases.txt`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use super::*;
use crate::target::fixture;

/// What the rules are to make of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
enum After {
    Rewritten { words: String, fired: Vec<String> },
    Refused(String),
}

/// The file's cases: the rule that each is about, the command, and what is expected.
fn cases() -> Vec<(String, String, After)> {
    let (mut rule, mut before, mut words) = (String::new(), String::new(), String::new());
    let mut cases = Vec::new();
    for line in include_str!("cases.txt").lines().filter(|line| !line.starts_with('#')) {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        let after = match mark {
            "" => continue,
            "rule" => {
                rest.clone_into(&mut rule);
                continue;
            }
            "<" => {
                rest.clone_into(&mut before);
                continue;
            }
            ">" => {
                rest.clone_into(&mut words);
                continue;
            }
            "!" => After::Refused(rest.to_owned()),
            "=" => {
                let fired = rest.split_whitespace().map(str::to_owned).collect();
                After::Rewritten { words: words.clone(), fired }
            }
            _ => panic!("{line}"),
        };
        cases.push((rule.clone(), before.clone(), after));
    }
    cases
}

/// The rules on a command in a directory with a target environment.
fn rewritten(config: &Config, directory: &Path, before: &str) -> After {
    let mut driver = Driver::parse(before.split_whitespace().map(OsString::from).collect());
    match apply(&mut driver, &Context { config, directory }) {
        Ok(fired) => {
            let words = driver.words();
            let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap()).collect();
            let fired = fired.into_iter().map(str::to_owned).collect();
            After::Rewritten { words: words.join(" "), fired }
        }
        Err(refusal) => After::Refused(refusal.reason),
    }
}

#[test]
fn commands_become_what_the_table_says() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().canonicalize().unwrap();
    for header in ["include/Python.h", "include/pyconfig.h", "host/internal/x.h"] {
        let path = directory.join(header);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let target = fixture::target(&directory, "0.29.5");
    std::fs::create_dir_all(&target.directory).unwrap();
    std::fs::write(target.symbols(), "cos\ndeflate\n").unwrap();
    let mut config = Config::new(&target, &directory.join("trace"));
    config.host_python = vec![directory.join("host")];
    config.roots = vec![("/usr/src/mine".into(), "src".to_owned())];
    let filled = |text: &str| {
        text.replace("{target}", target.directory.to_str().unwrap())
            .replace("{python}", directory.join("host").to_str().unwrap())
            .replace("{here}", directory.to_str().unwrap())
    };
    let mut seen: BTreeMap<String, BTreeSet<bool>> = BTreeMap::new();
    for (rule, before, after) in cases() {
        let expected = match after {
            After::Rewritten { words, fired } => {
                seen.entry(rule.clone()).or_default().insert(fired.contains(&rule));
                After::Rewritten { words: filled(&words), fired }
            }
            refused @ After::Refused(_) => {
                seen.entry(rule.clone()).or_default().insert(true);
                refused
            }
        };
        assert_eq!(rewritten(&config, &directory, &filled(&before)), expected, "{rule}: {before}");
        // Turned off, a rule leaves the command to the others.
        let off = Config { rules_off: vec![rule.clone()], ..config.clone() };
        if let After::Rewritten { fired, .. } = rewritten(&off, &directory, &filled(&before)) {
            assert!(!fired.contains(&rule), "{rule}: {before}");
        }
    }
    for rule in all() {
        let acts = seen.get(rule.name).is_some_and(|seen| seen.contains(&true));
        assert!(acts, "no case in which `{}` does something", rule.name);
    }
}

#[test]
fn names_are_unique_and_explained() {
    let mut names = std::collections::BTreeSet::new();
    let added = added::ADDED.iter().map(|added| (added.name, added.why));
    for (name, why) in all().map(|rule| (rule.name, rule.why)).chain(added) {
        assert!(names.insert(name), "{name} is used twice");
        assert!(name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'));
        assert!(!why.is_empty() && !why.ends_with('.'), "{name}");
        assert!(is_rule(name));
    }
}
