//! What every command gets: the options that make a compiler or linker of the machine one for the target.
//!
//! The table is what `anymod flags` documents. Like the rules that take things away, each row has a name to turn it off by.

use std::ffi::OsString;

use anymod_model::pyodide::Exceptions;

use super::command::Driver;
use super::config::Config;
use super::text::joined;
use crate::target::{Compiler, TargetEnvironment, Tools};

/// Where words go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Before a package's own options for the compiler, which can override them.
    CompileFirst,
    /// After them.
    Compile,
    /// To the linker.
    Link,
}

impl Step {
    /// How documentation calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Step::CompileFirst | Step::Compile => "compile",
            Step::Link => "link",
        }
    }

    /// How a user can have it otherwise, besides turning the rule off.
    pub(crate) fn overridden_by(self) -> &'static str {
        match self {
            Step::CompileFirst => {
                "a package's own options, `CFLAGS`, or `cflags` in the manifest, which all come later"
            }
            Step::Compile => "`cflags` in the manifest, which come later",
            Step::Link => "`ldflags` in the manifest, which come later",
        }
    }
}

/// Words that are added.
pub(crate) struct Added {
    pub(crate) name: &'static str,
    pub(crate) step: Step,
    pub(crate) words: fn(&TargetEnvironment) -> Vec<OsString>,
    pub(crate) why: &'static str,
}

/// All that is added, in order.
pub(crate) const ADDED: &[Added] = &[
    Added {
        name: "errors",
        step: Step::CompileFirst,
        words: |_| {
            texts(&[
                "-Werror=implicit-function-declaration",
                "-Werror=mismatched-parameter-types",
                "-Werror=return-type",
            ])
        },
        why: "what other machines forgive is a trap at run time in WebAssembly, where a call has to have the type of what it calls",
    },
    Added {
        name: "visibility",
        step: Step::CompileFirst,
        words: |_| texts(&["-fvisibility=default"]),
        why: "clang hides symbols of WebAssembly by default, unlike those of every other target",
    },
    Added {
        name: "target",
        step: Step::Compile,
        words: |target| match target.description.tools.compiler {
            Compiler::Emcc => Vec::new(),
            Compiler::Clang | Compiler::Zig => texts(&["--target=wasm32-unknown-emscripten"]),
        },
        why: "the runtime's instruction set and system",
    },
    Added {
        name: "sysroot",
        step: Step::Compile,
        words: |target| {
            if is_emcc(target) {
                return Vec::new();
            }
            let mut words = vec![joined("--sysroot=", target.sysroot())];
            words.extend(texts(&["-Xclang", "-iwithsysroot/include/compat"]));
            words
        },
        why: "headers of the C and C++ libraries that the runtime was built with",
    },
    Added {
        name: "position-independent",
        step: Step::Compile,
        words: |_| texts(&["-fPIC"]),
        why: "extension modules are loaded wherever there is room",
    },
    Added {
        name: "exceptions",
        step: Step::Compile,
        words: exceptions,
        why: "exceptions and `longjmp` have to leave functions as the runtime's own do",
    },
    Added {
        name: "emscripten-version",
        step: Step::Compile,
        words: emscripten_version,
        why: "sources ask which emscripten the runtime was built with",
    },
    Added {
        name: "shared",
        step: Step::Link,
        words: |target| for_linker(target, &["-shared", "--experimental-pic"]),
        why: "extension modules, and programs that are linked to see whether they can be, import memory and tables from the runtime",
    },
    Added {
        name: "symbols",
        step: Step::Link,
        words: |target| match is_emcc(target) {
            true => Vec::new(),
            false => vec![joined("--allow-undefined-file=", target.symbols())],
        },
        why: "a symbol that the runtime's main module does not have is an error when linking, not when loading",
    },
    Added {
        name: "throw",
        step: Step::Link,
        words: TargetEnvironment::throw_support,
        why: "a function of JavaScript has no address in a module that was loaded ahead of its import, and `throw` is one where exceptions go through JavaScript",
    },
    Added {
        name: "fatal-warnings",
        step: Step::Link,
        words: |target| match is_emcc(target) {
            true => texts(&["-Wl,--fatal-warnings"]),
            false => texts(&["--fatal-warnings"]),
        },
        why: "the linker only warns of functions that are called with other types than they have, which traps at run time",
    },
    Added {
        name: "optimise",
        step: Step::Link,
        words: |_| texts(&["-O2"]),
        why: "merges equal strings",
    },
    Added {
        name: "strip-debug",
        step: Step::Link,
        words: |target| for_linker(target, &["--strip-debug"]),
        why: "debugging information is several times the size of the code; a link with `-g` keeps it",
    },
    Added {
        name: "exports",
        step: Step::Link,
        words: |target| for_linker(target, &["--no-export-dynamic"]),
        why: "modules show what the policy of exports says, by default only the function that Python calls; what is not shown and not used is left out",
    },
];

fn texts(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn is_emcc(target: &TargetEnvironment) -> bool {
    target.description.tools.compiler == Compiler::Emcc
}

/// Words for the linker that emcc sees to by itself.
fn for_linker(target: &TargetEnvironment, words: &[&str]) -> Vec<OsString> {
    if is_emcc(target) { Vec::new() } else { texts(words) }
}

fn exceptions(target: &TargetEnvironment) -> Vec<OsString> {
    let throws = target.description.facts.exceptions;
    match (throws, target.description.tools.compiler) {
        (Exceptions::Wasm, Compiler::Emcc) => {
            texts(&["-fwasm-exceptions", "-sSUPPORT_LONGJMP=wasm"])
        }
        (Exceptions::JavaScript, Compiler::Emcc) => texts(&["-fexceptions"]),
        (Exceptions::Wasm, Compiler::Clang) => {
            texts(&["-fwasm-exceptions", "-mllvm", "-wasm-enable-sjlj"])
        }
        // Its clang is a newer one, whose own encoding of exceptions runtimes do not take yet.
        (Exceptions::Wasm, Compiler::Zig) => texts(&[
            "-fwasm-exceptions",
            "-mllvm",
            "-wasm-enable-sjlj",
            "-mllvm",
            "-wasm-use-legacy-eh",
        ]),
        (Exceptions::JavaScript, Compiler::Clang | Compiler::Zig) => texts(&[
            "-fexceptions",
            "-mllvm",
            "-enable-emscripten-cxx-exceptions",
            "-mllvm",
            "-enable-emscripten-sjlj",
        ]),
    }
}

fn emscripten_version(target: &TargetEnvironment) -> Vec<OsString> {
    if is_emcc(target) {
        return Vec::new();
    }
    let version = target.description.facts.emscripten.split('.');
    let parts = ["major", "minor", "tiny"].into_iter().zip(version);
    parts.map(|(part, number)| format!("-D__EMSCRIPTEN_{part}__={number}").into()).collect()
}

/// The words of a step, but those that were turned off.
pub(crate) fn words(step: Step, config: &Config) -> Vec<OsString> {
    let target = config.environment();
    let rows = ADDED.iter().filter(|added| added.step == step && config.applies(added.name));
    rows.flat_map(|added| (added.words)(&target)).collect()
}

/// The compiler and the words that choose its part, for a target's tools.
pub(crate) fn compiler(config: &Config, cxx: bool) -> Vec<OsString> {
    compiler_of(&config.target.tools, cxx)
}

/// The same for tools without a stand-in.
pub(crate) fn compiler_of(tools: &Tools, cxx: bool) -> Vec<OsString> {
    let program = if cxx { &tools.cxx } else { &tools.cc };
    let mut words = vec![program.clone().into_os_string()];
    if tools.compiler == Compiler::Zig {
        words.push("clang".into());
        words.extend(cxx.then(|| "--driver-mode=g++".into()));
    }
    words
}

/// The same for the other tools.
pub(crate) fn tool(config: &Config, path: &std::path::Path, part: &str) -> Vec<OsString> {
    tool_of(&config.target.tools, path, part)
}

/// The same for tools without a stand-in.
pub(crate) fn tool_of(tools: &Tools, path: &std::path::Path, part: &str) -> Vec<OsString> {
    let mut words = vec![path.as_os_str().to_owned()];
    if tools.compiler == Compiler::Zig {
        words.push(part.into());
    }
    words
}

/// True if a link asks to keep debugging information.
pub(crate) fn keeps_debug(driver: &Driver) -> bool {
    let level = |flag: &str| flag.starts_with("-g") && !flag.starts_with("-gnu") && flag != "-g0";
    driver.items.iter().filter_map(super::command::Item::flag).any(level)
}
