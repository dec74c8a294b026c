//! Where the bytes of the two linkers are not the same, and why. `docs/differences.md` tells the same for people.

use crate::support::{Checked, ensure, machine, read};

/// What happens instead of the same bytes.
pub(crate) enum Expected {
    /// The incumbent does not link, and says so with these words; ours links, or refuses with a code.
    IncumbentFails { says: &'static str, we_refuse: Option<&'static str> },
    /// The incumbent links something that is wrong; ours refuses with a code.
    WeRefuse { code: &'static str },
}

/// A difference.
pub(crate) struct Difference {
    /// Heading in `docs/differences.md` that explains it.
    heading: &'static str,
    /// Examples, architectures and compilers for which it holds.
    examples: &'static [&'static str],
    arches: &'static [&'static str],
    compilers: &'static [&'static str],
    pub(crate) expected: Expected,
}

const ARM: &[&str] = &["armv6m", "armv7m", "armv7emsp", "armv7emdp"];

const GOT_PREL: Difference = Difference {
    heading: "clang reaches the GOT on ARM by R_ARM_GOT_PREL",
    examples: &["features0", "features1", "features3", "features4", "heapq"],
    arches: ARM,
    compilers: &["zig"],
    expected: Expected::IncumbentFails { says: "AssertionError: (96, ", we_refuse: None },
};

const ROUTINES: Difference = Difference {
    heading: "The support routines of zig have a `.data` section",
    examples: &["random"],
    arches: &["armv6m"],
    compilers: &["zig"],
    expected: Expected::IncumbentFails {
        says: "__stack_chk_guard non-empty",
        we_refuse: Some("L0401"),
    },
};

/// All of them. Each is checked to be there still: one that has gone fails the test.
static DIFFERENCES: &[Difference] = &[
    GOT_PREL,
    Difference { examples: &["random"], arches: &["armv7m", "armv7emsp", "armv7emdp"], ..GOT_PREL },
    Difference { examples: &["features2"], arches: &["armv7emdp"], ..GOT_PREL },
    ROUTINES,
    // These define `memset` themselves, which the incumbent takes for a second definition even where one is weak.
    Difference {
        examples: &["deflate", "framebuf", "re"],
        arches: ARM,
        expected: Expected::IncumbentFails {
            says: "__stack_chk_guard non-empty",
            we_refuse: Some("L0102"),
        },
        ..ROUTINES
    },
    Difference {
        examples: &["features2"],
        arches: &["x86", "x64", "armv6m", "armv7m", "armv7emsp", "rv32imc"],
        ..ROUTINES
    },
    Difference {
        heading: "GCC 12 for xtensa writes an addend into a literal",
        examples: &["features0", "features1", "features3", "features4", "heapq", "re"],
        arches: &["xtensa"],
        compilers: &["gnu"],
        expected: Expected::IncumbentFails {
            says: "AssertionError: ('mp_native_qstr_table+0x",
            we_refuse: Some("L0401"),
        },
    },
    Difference {
        heading: "The addend of a literal is lost",
        examples: &["re"],
        arches: &["xtensa"],
        compilers: &["gnu-no-force-l32"],
        expected: Expected::WeRefuse { code: "L0401" },
    },
    Difference {
        heading: "Division on the ESP8266 is in its ROM",
        examples: &["deflate", "framebuf", "random"],
        arches: &["xtensa"],
        compilers: &["gnu", "gnu-no-force-l32"],
        expected: Expected::IncumbentFails {
            says: "undefined symbol: __",
            we_refuse: Some("L0101"),
        },
    },
];

/// The difference of a module, if it has one.
pub(crate) fn expected(example: &str, arch: &str, compiler: &str) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| {
        difference.examples.contains(&example)
            && difference.arches.contains(&arch)
            && difference.compilers.contains(&compiler)
    })
}

/// Every difference has its heading in the page.
pub(crate) fn documented() -> Checked {
    let page = machine::repository().join("docs/differences.md");
    let text = String::from_utf8_lossy(&read(&page)?).into_owned();
    for difference in DIFFERENCES {
        let heading = format!("## {}", difference.heading);
        ensure(text.lines().any(|line| line == heading), || {
            format!("{}: no heading `{heading}`", page.display())
        })?;
    }
    Ok(())
}
