//! Command lines of the linker itself, called without a driver, as the driver's that would have led to them.

use std::ffi::OsString;

use super::command::{Driver, Item};

/// Options of linkers whose value is the next word.
const VALUED: &[&str] = &[
    "-m",
    "-soname",
    "--soname",
    "-h",
    "-rpath",
    "--rpath",
    "-rpath-link",
    "--rpath-link",
    "--version-script",
    "--dynamic-list",
    "-dynamic-linker",
    "--dynamic-linker",
    "-plugin",
    "-plugin-opt",
    "-Map",
    "--Map",
    "-mllvm",
    "--export",
    "--export-if-defined",
    "--entry",
    "--defsym",
    "-T",
    "--wrap",
    "-install_name",
    "-arch",
];

/// The driver's command for a linker's.
pub(crate) fn as_driver(arguments: Vec<OsString>) -> Driver {
    const DRIVERS: &[&str] = &["-o", "-L", "-l", "-u", "-e", "-z"];
    const WORDS: &[&str] = &["-r", "--relocatable", "-shared", "--shared", "--version"];
    let mut words = Vec::new();
    let mut rest = arguments.into_iter();
    while let Some(word) = rest.next() {
        let text = word.to_str().unwrap_or_default().to_owned();
        let drivers = DRIVERS.iter().any(|option| text.starts_with(option));
        if !text.starts_with('-') || WORDS.contains(&text.as_str()) {
            words.push(word);
        } else if VALUED.contains(&text.as_str()) {
            words.extend(["-Xlinker".into(), word]);
            words.extend(rest.next().into_iter().flat_map(|value| ["-Xlinker".into(), value]));
        } else if drivers && !text.starts_with("-e") {
            words.push(word);
            if DRIVERS.contains(&text.as_str()) {
                words.extend(rest.next());
            }
        } else {
            words.extend(["-Xlinker".into(), word]);
        }
    }
    let mut driver = Driver::parse(words);
    // Asked about itself, it is the linker that answers.
    for item in &mut driver.items {
        if item.flag() == Some("--version") {
            *item = Item::separate("-Xlinker", "--version");
        }
    }
    driver
}

/// True if the words ask for code of the build machine: a compiler of its own, called by its path, found the stand-in when it
/// looked for its linker.
pub(crate) fn is_for_host(arguments: &[OsString]) -> bool {
    let words = arguments.iter().map(|word| word.to_str().unwrap_or_default());
    let values = words.clone().skip(1).chain([""]);
    words.zip(values).any(|(word, value)| {
        let emulation = if word == "-m" { Some(value) } else { word.strip_prefix("-m") };
        // `-mllvm` and `-m` without a value are no emulations.
        emulation.is_some_and(|name| HOSTS.iter().any(|host| name.starts_with(host)))
            || word == "-arch" && matches!(value, "x86_64" | "arm64")
    })
}

/// How the names of emulations begin of the machines that builds run on.
const HOSTS: [&str; 6] = ["elf_", "elf64", "elf32", "aarch64", "armelf", "i386"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_linker_stay_words_of_the_linker() {
        let line = "-shared -m elf_x86_64 -o x.so a.o -L lib -lz --gc-sections -soname x -O1";
        let driver = as_driver(line.split(' ').map(OsString::from).collect());
        let words: Vec<OsString> = driver.words();
        let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap()).collect();
        let expected = "-shared -Xlinker -m -Xlinker elf_x86_64 -o x.so a.o -L lib -lz -Xlinker --gc-sections \
                        -Xlinker -soname -Xlinker x -Xlinker -O1";
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn links_of_the_build_machine_are_known() {
        for (line, host) in [
            ("-plugin x.so --eh-frame-hdr -m elf_x86_64 -o x a.o", true),
            ("-melf_x86_64_fbsd a.o", true),
            ("-m aarch64linux a.o", true),
            ("-m elf64lriscv a.o", true),
            ("-arch arm64 a.o", true),
            ("-m wasm32 a.o", false),
            ("-shared -mllvm -elf_ a.o -o x.so", false),
            ("a.o -m", false),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(is_for_host(&words), host, "{line}");
        }
    }
}
