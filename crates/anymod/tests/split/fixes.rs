//! `split fix`: every blocker, found before, and after the fix linked into a host by each linker and used by a module.

use super::fixtures::{Place, codes, libraries};
use super::hosts::HOST;

const LINKERS: [&str; 3] = ["bfd", "lld", "mold"];

/// A blocker and its mend.
struct Case {
    /// Archives of the host, all of each.
    archives: &'static [&'static str],
    /// The one that is at fault, and the code of its finding.
    broken: (&'static str, &'static str),
    /// Options that mend it.
    fix: &'static str,
    /// What they say.
    done: &'static [&'static str],
    /// What a module does with it, and what comes out.
    module: (&'static str, i32),
}

const CASES: &[Case] = &[
    Case {
        archives: &["nested.a"],
        broken: ("nested.a", "H0101"),
        fix: "--flatten",
        done: &["opened `inner.a`, 2 members", "`x.o` of `inner.a` is now `inner-x.o`"],
        module: (
            "int x(void); int inner(void); int deep(void); int anymod_init_m(void) { return x() + inner() + deep(); }",
            1 + 20 + 300,
        ),
    },
    Case {
        archives: &["lost.a"],
        broken: ("lost.a", "H0102"),
        fix: "--drop lost.o",
        done: &["left out `lost.o`, "],
        module: ("int x(void); int anymod_init_m(void) { return x(); }", 1),
    },
    Case {
        archives: &["twice.a"],
        broken: ("twice.a", "H0104"),
        fix: "--localize again.o:x",
        done: &["`x` of `again.o` is now the member's own"],
        module: (
            "int x(void); int again(void); int anymod_init_m(void) { return x() * 100 + again(); }",
            107,
        ),
    },
    Case {
        archives: &["empty.a"],
        broken: ("empty.a", "H0105"),
        fix: "--drop empty.o",
        done: &["left out `empty.o`, 0 bytes"],
        module: ("int x(void); int anymod_init_m(void) { return x(); }", 1),
    },
    Case {
        archives: &["mention.a"],
        broken: ("mention.a", "H0103"),
        fix: "--export x",
        done: &["`x` of `mention.o` has default visibility now"],
        module: (
            "int x(void); int mention(void); int anymod_init_m(void) { return x() + mention(); }",
            2,
        ),
    },
    Case {
        archives: &["plain.a", "builtins.a"],
        broken: ("builtins.a", "H0103"),
        fix: "--localize x",
        done: &["`x` of `builtins.o` is now the member's own"],
        module: (
            "int x(void); int builtins(void); int anymod_init_m(void) { return x() * 100 + builtins(); }",
            109,
        ),
    },
];

fn build(place: &Place) {
    place.object("host", HOST, "");
    place.object("x", "int x(void) { return 1; }", "");
    std::fs::create_dir(place.path("in")).unwrap();
    place.object("deep", "int deep(void) { return 300; }", "");
    place.archive("deepest.a", "deep.o");
    place.object("in/x", "int inner(void) { return 20; }", "");
    place.archive("inner.a", "in/x.o deepest.a");
    place.archive("nested.a", "x.o inner.a");
    place.object("lost", "int nowhere(void); int lost(void) { return nowhere(); }", "");
    place.archive("lost.a", "x.o lost.o");
    // Relocations by name and through a group: calls of what becomes local go on to reach it.
    place.object("again", "__attribute__((noinline)) int x(void) { return 7; } int (*pointer)(void) = x; int again(void) { return pointer(); }", "");
    place.archive("twice.a", "x.o again.o");
    place.write("empty.o", "");
    place.archive("empty.a", "x.o empty.o");
    place.object(
        "mention",
        "__attribute__((visibility(\"hidden\"))) int x(void); int mention(void) { return x(); }",
        "",
    );
    place.archive("mention.a", "x.o mention.o");
    place.archive("plain.a", "x.o");
    place.object("builtins", "__attribute__((weak, noinline, visibility(\"hidden\"))) int x(void) { return 9; } int builtins(void) { return x(); }", "");
    place.archive("builtins.a", "builtins.o");
}

/// Links a host of archives and runs a module in it; what went wrong, or what the host printed.
fn try_out(place: &Place, linker: &str, archives: &[String]) -> String {
    let whole = format!("-Wl,--whole-archive {} -Wl,--no-whole-archive", archives.join(" "));
    let linked = place.link(linker, &format!("host.o -rdynamic -o host {whole}"));
    if linked.status != 0 {
        return "refused".to_owned();
    }
    let ran = place.run("./host", "./m.so");
    if ran.status == 0 { ran.stdout } else { "not loaded".to_owned() }
}

#[test]
fn every_blocker_is_mended() {
    let place = Place::new();
    build(&place);
    for case in CASES {
        let (broken, code) = case.broken;
        let all = case.archives.join(" ");
        let (status, report) = place.json(&format!("inspect {all}"));
        let found: Vec<&str> = report["files"].as_array().unwrap().iter().flat_map(codes).collect();
        assert_eq!((status, found), (1, vec![code]), "{broken}: {report:#}");
        place.object("m", case.module.0, "");
        place.cc("-shared m.o -o m.so");
        let expected = format!("m: {}\n", case.module.1);
        let before: Vec<String> = case.archives.iter().map(|name| (*name).to_owned()).collect();
        for linker in LINKERS {
            // What mold leaves out of this one is nothing.
            if (broken, linker) == ("empty.a", "mold") {
                continue;
            }
            assert_ne!(
                try_out(&place, linker, &before),
                expected,
                "{broken} was no blocker for {linker}"
            );
        }
        let original = std::fs::read(place.path(broken)).unwrap();
        let fixed = place.split(&format!("fix {broken} --out fixed.a {}", case.fix)).ok().unwrap();
        for line in case.done {
            assert!(fixed.stdout.contains(line), "{fixed}");
        }
        assert_eq!(std::fs::read(place.path(broken)).unwrap(), original);
        let after: Vec<String> = before
            .iter()
            .map(|name| if name == broken { "fixed.a".to_owned() } else { name.clone() })
            .collect();
        for linker in LINKERS {
            assert_eq!(try_out(&place, linker, &after), expected, "{broken} with {linker}");
        }
        let clean = place.split(&format!("inspect {}", after.join(" ")));
        assert_eq!(clean.status, 0, "{clean}");
    }
}

#[test]
fn a_member_that_others_need_stays() {
    let place = Place::new();
    place.object("a", "int b(void); int a(void) { return b(); }", "");
    place.object("b", "int b(void) { return 1; }", "");
    place.archive("lib.a", "a.o b.o");
    let refused = place.split("fix lib.a --out new.a --drop b.o");
    assert_eq!(refused.status, 1);
    assert!(
        refused.stderr.contains("H0302") && refused.stderr.contains("they are `a.o`"),
        "{refused}"
    );
    assert!(!place.path("new.a").exists());
    let unknown = place.split("fix lib.a --out new.a --drop c.o --localize none");
    assert!(unknown.stderr.contains("H0301"), "{unknown}");
    let unknown = place.split("fix lib.a --out new.a --localize none");
    assert!(unknown.status == 1 && unknown.stderr.contains("H0303"), "{unknown}");
    place.split("fix lib.a --out new.a --drop b.o --force").ok().unwrap();
    assert_eq!(place.run("ar", "t new.a").stdout, "a.o\n");
    let both = place.split("fix lib.a --out none.a --drop b.o --drop a.o");
    assert_eq!(both.status, 0, "{both}");
    let itself = place.split("fix lib.a --out lib.a --drop b.o --force");
    assert_eq!(itself.status, 2, "{itself}");
}

#[test]
fn what_is_written_depends_on_content_alone() {
    let place = Place::new();
    build(&place);
    place.run("ar", "rcs dated.a x.o again.o").ok().unwrap();
    let undated = place.run("ar", "rcsU dated2.a x.o again.o").ok().unwrap();
    drop(undated);
    let outputs = ["twice.a", "dated.a", "dated2.a"].map(|archive| {
        place.split(&format!("fix {archive} --out out.a --localize again.o:x")).ok().unwrap();
        std::fs::read(place.path("out.a")).unwrap()
    });
    assert!(outputs.iter().all(|bytes| *bytes == outputs[0]));
    // The index is what binutils would have written.
    place.run("ranlib", "-D out.a").ok().unwrap();
    assert_eq!(std::fs::read(place.path("out.a")).unwrap(), outputs[0]);
}

#[test]
fn a_namespaced_library_lives_beside_the_other() {
    let place = Place::new();
    let zlib = libraries().join("libz.a").display().to_string();
    place.split(&format!("fix {zlib} --out mine.a --prefix mine_")).ok().unwrap();
    let source = "
        const char *zlibVersion(void); const char *mine_zlibVersion(void); 
        unsigned long crc32(unsigned long, const char *, unsigned); unsigned long mine_crc32(unsigned long, const char *, unsigned);
        int main(void) { return (void *)zlibVersion == (void *)mine_zlibVersion || crc32(0, \"abc\", 3) != mine_crc32(0, \"abc\", 3); }";
    place.object("main", source, "");
    for linker in LINKERS {
        place.link(linker, &format!("main.o mine.a -o main {zlib}")).ok().unwrap();
        assert_eq!(place.run("./main", "").status, 0, "{linker}");
    }
}

#[test]
fn some_symbols_keep_their_names() {
    let place = Place::new();
    place.object("a", "int b(void); int c(void); int a(void) { return b() + c(); }", "");
    place.object("b", "int b(void) { return 1; }", "");
    place.archive("lib.a", "a.o b.o");
    place.split("fix lib.a --out new.a --prefix p_ --keep b").ok().unwrap();
    let names = place.run("nm", "-jg new.a").stdout;
    let mut names: Vec<&str> =
        names.lines().filter(|l| !l.is_empty() && !l.contains(':')).collect();
    names.sort_unstable();
    // `c` is somebody else's.
    assert_eq!(names, ["b", "b", "c", "p_a"]);
}

#[test]
fn a_large_library_survives_every_change() {
    let place = Place::new();
    let crypto = libraries().join("libcrypto.a").display().to_string();
    let options =
        "--export OPENSSL_cpuid_setup --localize CRYPTO_zalloc --drop libcrypto-lib-bss_log.o";
    let refused = place.split(&format!("fix {crypto} --out new.a {options}"));
    // Others need `BIO_s_log`; that is worth knowing before anything is written.
    assert!(refused.status == 0 || refused.stderr.contains("H0302"), "{refused}");
    place.split(&format!("fix {crypto} --out new.a --export OPENSSL_cpuid_setup")).ok().unwrap();
    assert_eq!(place.split("inspect new.a").status, 0);
    place.split(&format!("fix {crypto} --out own.a --prefix own_")).ok().unwrap();
    let source = "
        #include <stdio.h>
        unsigned char *own_SHA256(const unsigned char *, unsigned long, unsigned char *);
        int main(void) { unsigned char digest[32]; own_SHA256((const unsigned char *)\"abc\", 3, digest); printf(\"%02x%02x\\n\", digest[0], digest[31]); return 0; }";
    place.object("main", source, "");
    for linker in LINKERS {
        place.link(linker, "main.o own.a -o main -lpthread -ldl").ok().unwrap();
        assert_eq!(place.run("./main", "").stdout, "baad\n", "{linker}");
    }
}
