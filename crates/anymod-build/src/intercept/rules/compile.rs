//! Rules on options of compilation: what the target does not have, and what only other compilers know.

use std::ffi::OsStr;

use super::{Context, Rule};
use crate::intercept::command::{Driver, Item};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "openmp",
        what: "fails commands with `-fopenmp` and its kin; `-fopenmp-simd` stays",
        why: "the runtime has no threads and no OpenMP library; a package that tries it has to see that",
        apply: openmp,
    },
    Rule {
        name: "threads",
        what: "drops `-pthread`",
        why: "the runtime has no shared memory, and a module that asks for it cannot be loaded",
        apply: |driver, _| {
            Ok(driver.remove_flags(|flag| matches!(flag, "-pthread" | "-pthreads" | "-mt")))
        },
    },
    Rule {
        name: "simd",
        what: "with `-msimd128`, replaces `-msse…` and `-mavx` by the macros of emscripten's headers for them; without it they are left for the compiler to refuse",
        why: "the headers translate these instruction sets to that of WebAssembly, and clang has no such options for it",
        apply: simd,
    },
    Rule {
        name: "host-processor",
        what: "drops `-march=`, `-mtune=`, `-mcpu=`, `-m32`, `-m64`, `-mpopcnt`, `-mfpmath=`, `-mno-…` of x86 and other options of the build machine's processor",
        why: "they choose or forbid instructions that the target does not have",
        apply: |driver, _| Ok(driver.remove_flags(host_processor)),
    },
    Rule {
        name: "hardening",
        what: "drops `-fstack-protector…`, `-fstack-clash-protection`, `-fcf-protection…`, `-mbranch-protection=`",
        why: "the runtime does not offer what they need; WebAssembly's own stack and calls cannot be overwritten",
        apply: |driver, _| Ok(driver.remove_flags(hardening)),
    },
    Rule {
        name: "other-compilers",
        what: "drops options that only GCC or Apple's clang knows: `-fno-strict-overflow`, `-fno-semantic-interposition`, `-specs=`, `-fvar-tracking…`, `-ffat-lto-objects` and others",
        why: "Python's build settings and packages name them for the compiler of the build machine",
        apply: |driver, _| Ok(driver.remove_flags(other_compilers)),
    },
    Rule {
        name: "fortran-flags",
        what: "drops `-lgfortran`, `-lquadmath`, `-ffixed-form` and other options of Fortran",
        why: "the target has no Fortran",
        apply: |driver, _| Ok(driver.remove(fortran)),
    },
    Rule {
        name: "link-time-optimisation",
        what: "drops `-flto…`",
        why: "the objects have to be WebAssembly, so that archives, `nm` and the store can look at them",
        apply: |driver, _| {
            Ok(driver.remove_flags(|flag| flag.starts_with("-flto") || flag == "-fno-lto"))
        },
    },
    Rule {
        name: "apple",
        what: "drops `-bundle`, `-arch`, `-undefined dynamic_lookup`, `-mmacosx-version-min=`, `-framework` and others; `-dynamiclib` becomes `-shared`",
        why: "they are for the linker and the machines of macOS",
        apply: |driver, _| Ok(apple(driver)),
    },
    Rule {
        name: "chosen-compiler",
        what: "drops `--target=`, `--sysroot`, `-B`, `-fuse-ld=`, `--gcc-toolchain` and `-resource-dir`",
        why: "they choose another target or another compiler's files than the target environment's",
        apply: |driver, _| Ok(chosen_compiler(driver)),
    },
    Rule {
        name: "emscripten-settings",
        what: "drops emcc's `-sNAME=VALUE`, `-s NAME=VALUE` and options for JavaScript; `-sSIDE_MODULE` becomes `-shared`",
        why: "they are for emcc's driver, which is not run",
        apply: |driver, _| Ok(emscripten_settings(driver)),
    },
];

fn openmp(driver: &mut Driver, _: &Context<'_>) -> Result<bool, String> {
    let asks = |flag: &str| {
        matches!(flag, "-fopenmp" | "-openmp" | "-qopenmp" | "-fiopenmp" | "-xopenmp")
            || flag.starts_with("-fopenmp=")
            || flag.starts_with("-fopenacc")
    };
    let flag = |item: &Item| match item {
        Item::Valued { name: "-Xclang" | "-Xpreprocessor", value, .. } => {
            value.to_str().map(str::to_owned)
        }
        item => item.flag().map(str::to_owned),
    };
    match driver.items.iter().filter_map(flag).find(|flag| asks(flag)) {
        Some(flag) => Err(format!("`{flag}`: the runtime has no threads and no OpenMP library")),
        None => Ok(false),
    }
}

/// Each option of x86, and the macros of emscripten's headers that it stands for: itself and all before it.
const X86: &[(&str, &str)] = &[
    ("-msse", "__SSE__"),
    ("-msse2", "__SSE2__"),
    ("-msse3", "__SSE3__"),
    ("-mssse3", "__SSSE3__"),
    ("-msse4.1", "__SSE4_1__"),
    ("-msse4.2", "__SSE4_2__"),
    ("-mavx", "__AVX__"),
];

fn simd(driver: &mut Driver, _: &Context<'_>) -> Result<bool, String> {
    if !driver.has("-msimd128") && !driver.has("-mrelaxed-simd") {
        return Ok(false);
    }
    let level = |item: &Item| {
        let flag = item.flag()?;
        let flag = if flag == "-msse4" { "-msse4.2" } else { flag };
        X86.iter().position(|row| row.0 == flag)
    };
    let Some(highest) = driver.items.iter().filter_map(level).max() else { return Ok(false) };
    driver.remove(|item| level(item).is_some());
    let macros = X86.iter().take(highest + 1);
    driver.items.extend(macros.map(|(_, name)| Item::joined("-D", format!("{name}=1"))));
    Ok(true)
}

fn host_processor(flag: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "-march=",
        "-mtune=",
        "-mcpu=",
        "-mfpu=",
        "-mfloat-abi=",
        "-mfpmath=",
        "-mcmodel=",
        "-mabi=",
        "-mno-sse",
        "-mno-avx",
        "-mno-fma",
        "-mno-ssse",
        "-mtls-dialect=",
        "-mno-omit-leaf",
        "-momit-leaf",
        "-mstack",
        "-mprefer-vector-width=",
        "-mno-red-zone",
    ];
    const WORDS: &[&str] = &[
        "-m64",
        "-m32",
        "-mx32",
        "-mpopcnt",
        "-mno-mmx",
        "-mno-80387",
        "-msoft-float",
        "-maes",
        "-mno-popcnt",
        "-mno-aes",
        "-mcx16",
        "-mthumb",
    ];
    WORDS.contains(&flag) || PREFIXES.iter().any(|prefix| flag.starts_with(prefix))
}

fn hardening(flag: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "-fstack-protector",
        "-fno-stack-protector",
        "-fstack-clash-protection",
        "-fcf-protection",
        "-mbranch-protection",
        "-fhardened",
        "-fstack-check",
    ];
    PREFIXES.iter().any(|prefix| flag.starts_with(prefix))
}

fn other_compilers(flag: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "-specs=",
        "--specs=",
        "-fvar-tracking",
        "-fno-var-tracking",
        "-fno-ipa-",
        "-fipa-",
        "-fno-tree-",
        "-ftree-",
        "-fgraphite",
        "-floop-",
        "-fsched",
        "-fno-gcse",
        "-fgcse",
        "-ffat-lto-objects",
        "-fno-fat-lto-objects",
        "-fuse-linker-plugin",
        "-fno-use-linker-plugin",
        "-fno-canonical-system-headers",
        "-fcanonical-system-headers",
        "-fprofile-partial-training",
        "-fno-reorder-",
        "-freorder-",
        "-frecord-gcc-switches",
        "-fno-plt",
        "-fno-var",
        "-fwhole-program",
        "-fmax-errors=",
        "-fcompare-debug",
    ];
    const WORDS: &[&str] = &[
        "-fno-strict-overflow",
        "-fstrict-overflow",
        "-fno-semantic-interposition",
        "-fsemantic-interposition",
        "-fno-caller-saves",
        "-fno-peephole2",
        "-fno-delete-null-pointer-checks",
        "-rdynamic",
        "-pipe",
        "-static-libgcc",
        "-static-libstdc++",
        "-shared-libgcc",
        "-mimpure-text",
    ];
    WORDS.contains(&flag) || PREFIXES.iter().any(|prefix| flag.starts_with(prefix))
}

fn fortran(item: &Item) -> bool {
    let library = |name: &OsStr| name == "gfortran" || name == "quadmath" || name == "f2c";
    match item {
        Item::Valued { name: "-l", value, .. } => library(value),
        item => item.flag().is_some_and(|flag| {
            matches!(
                flag,
                "-ffixed-form"
                    | "-ffree-form"
                    | "-fno-second-underscore"
                    | "-fsecond-underscore"
                    | "-fallow-argument-mismatch"
                    | "-static-libgfortran"
                    | "-fdefault-integer-8"
                    | "-fcray-pointer"
                    | "-fimplicit-none"
                    | "-cpp"
            ) || flag.starts_with("-ffixed-line-length")
                || flag.starts_with("-ffree-line-length")
        }),
    }
}

fn apple(driver: &mut Driver) -> bool {
    const VALUED: &[&str] = &[
        "-arch",
        "-undefined",
        "-framework",
        "-weak_framework",
        "-F",
        "-iframework",
        "-isysroot",
        "-install_name",
        "-dylib_install_name",
        "-current_version",
        "-compatibility_version",
        "-exported_symbols_list",
        "-unexported_symbols_list",
        "-bundle_loader",
        "-seg1addr",
    ];
    let unwanted = |flag: &str| {
        matches!(
            flag,
            "-bundle"
                | "-flat_namespace"
                | "-twolevel_namespace"
                | "-dead_strip"
                | "-mlinker-version"
        ) || flag.starts_with("-mmacosx-version-min")
            || flag.starts_with("-mmacos-version-min")
            || flag.starts_with("-stdlib=libstdc++")
    };
    let mut changed = driver.remove(|item| match item {
        Item::Valued { name, .. } => VALUED.contains(name),
        item => item.flag().is_some_and(unwanted),
    });
    for item in &mut driver.items {
        if item.flag() == Some("-dynamiclib") {
            *item = Item::Flag("-shared".into());
            changed = true;
        }
    }
    changed
}

fn chosen_compiler(driver: &mut Driver) -> bool {
    const VALUED: &[&str] = &[
        "--target=",
        "-target",
        "--sysroot",
        "--sysroot=",
        "-B",
        "--gcc-toolchain=",
        "-gcc-toolchain",
        "-resource-dir",
        "-imultilib",
        "-wrapper",
    ];
    driver.remove(|item| match item {
        Item::Valued { name, .. } => VALUED.contains(name),
        item => item.flag().is_some_and(|flag| {
            flag.starts_with("-fuse-ld=") || flag.starts_with("-resource-dir=")
        }),
    })
}

fn emscripten_settings(driver: &mut Driver) -> bool {
    const VALUED: &[&str] = &[
        "-s",
        "--js-library",
        "--pre-js",
        "--post-js",
        "--extern-pre-js",
        "--extern-post-js",
        "--embed-file",
        "--preload-file",
    ];
    const WORDS: &[&str] = &[
        "--bind",
        "--profiling",
        "--profiling-funcs",
        "--emrun",
        "-gsource-map",
        "--no-entry",
        "--cpuprofiler",
        "--memoryprofiler",
        "--emit-symbol-map",
    ];
    let side_module = driver.items.iter().any(|item| match item {
        Item::Valued { name: "-s", value, .. } => {
            let value = value.to_string_lossy();
            value.starts_with("SIDE_MODULE") && value != "SIDE_MODULE=0"
        }
        _ => false,
    });
    let changed = driver.remove(|item| match item {
        Item::Valued { name, .. } => VALUED.contains(name),
        item => item.flag().is_some_and(|flag| {
            WORDS.contains(&flag)
                || flag.starts_with("--closure")
                || flag.starts_with("-sUSE_")
                || flag.starts_with("--use-port=")
        }),
    });
    if side_module && !driver.has("-shared") {
        driver.items.push(Item::Flag("-shared".into()));
    }
    changed
}
