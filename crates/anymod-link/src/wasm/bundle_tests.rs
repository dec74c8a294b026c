//! Policies, isolation and clashes, on symbols made here.

use super::*;
use crate::wasm::{NamedExport, SymbolKind};

fn symbol(name: &'static str) -> Symbol<'static> {
    Symbol {
        name,
        kind: SymbolKind::Function,
        defined: true,
        binding: Binding::Global,
        hidden: true,
        exported: false,
        import: None,
    }
}

fn shown(name: &'static str) -> Symbol<'static> {
    Symbol { hidden: false, ..symbol(name) }
}

fn needed(name: &'static str) -> Symbol<'static> {
    Symbol { defined: false, ..symbol(name) }
}

fn object(symbols: &[Symbol<'static>], named: &[(&'static str, &'static str)]) -> Object<'static> {
    let exports = named.iter().map(|(name, of)| NamedExport {
        name,
        symbol: symbols.iter().find(|symbol| symbol.name == *of).copied(),
    });
    Object { symbols: symbols.to_vec(), exports: exports.collect() }
}

fn unit(archive: &str, objects: Vec<Object<'static>>) -> Unit<'static> {
    let members = objects.into_iter().enumerate();
    Unit {
        archive: format!("{archive}.a"),
        suffix: format!(".{archive}"),
        members: members.map(|(index, object)| (format!("{index}.o"), object)).collect(),
    }
}

fn names(policy: &ExportPolicy, units: &[Unit<'_>]) -> (Vec<String>, Vec<String>) {
    let exports = exports(policy, units);
    (exports.allowed.into_iter().collect(), exports.options)
}

#[test]
fn policies_choose_what_is_exported() {
    let local = Symbol { binding: Binding::Local, ..symbol("hid_local") };
    let units = [unit(
        "a",
        vec![object(
            &[symbol("hidden"), shown("seen"), symbol("inner"), local],
            &[("outer", "inner")],
        )],
    )];
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let all = names(&ExportPolicy::All, &units);
    assert_eq!(all, (list(&["outer", "seen"]), list(&["--export-dynamic"])));
    assert_eq!(names(&ExportPolicy::Named, &units), (list(&["outer"]), list(&[])));
    let chosen = ExportPolicy::List(list(&["hidden", "outer", "malloc"]));
    let expected =
        (list(&["hidden", "malloc", "outer"]), list(&["--export=hidden", "--export=malloc"]));
    assert_eq!(names(&chosen, &units), expected);
    let prefix = ExportPolicy::Prefix(list(&["hid", "out"]));
    assert_eq!(names(&prefix, &units), (list(&["hidden", "outer"]), list(&["--export=hidden"])));
}

#[test]
fn only_what_clashes_and_is_not_exported_is_renamed() {
    let units = [
        unit("a", vec![object(&[symbol("helper"), symbol("alone"), shown("seen")], &[])]),
        unit(
            "b",
            vec![object(&[symbol("helper"), shown("seen")], &[]), object(&[needed("helper")], &[])],
        ),
        unit("c", vec![object(&[needed("alone")], &[])]),
    ];
    let exported = exports(&ExportPolicy::All, &units).symbols;
    let renames = isolate(&units, &exported).unwrap();
    let renamed: Vec<Vec<&str>> =
        renames.iter().map(|one| one.names.iter().map(String::as_str).collect()).collect();
    assert_eq!(renamed, [vec!["helper"], vec!["helper"], vec![]]);
    assert_eq!(renames[1].suffix, ".b");
}

#[test]
fn a_symbol_that_could_be_either_of_two_is_refused() {
    let units = [
        unit("a", vec![object(&[symbol("helper")], &[])]),
        unit("b", vec![object(&[symbol("helper")], &[])]),
        unit("c", vec![object(&[needed("helper")], &[])]),
    ];
    let error = isolate(&units, &BTreeSet::new()).unwrap_err();
    assert_eq!((error.0.len(), error.0[0].code.id), (1, "G0105"));
    assert_eq!(error.0[0].notes, ["defined in `a.a(0.o)`", "defined in `b.a(0.o)`"]);
}

#[test]
fn one_export_name_for_two_functions_is_refused_with_both() {
    let units = [
        unit("a", vec![object(&[symbol("one")], &[("run", "one")])]),
        unit("b", vec![object(&[symbol("two")], &[("run", "two")])]),
    ];
    let duplicate = |units: &[Unit<'_>], renames: &[Renames]| {
        let exports = exports(&ExportPolicy::All, units);
        duplicate_exports(units, &exports, renames)
    };
    let error = duplicate(&units, &[]).unwrap_err();
    assert_eq!(error.0[0].message, "`run` is exported by `a.a(0.o)` and by `b.a(0.o)`");
    let by_symbol = [units[0].clone(), unit("b", vec![object(&[shown("run")], &[])])];
    assert_eq!(duplicate(&by_symbol, &[]).unwrap_err().0[0].code.id, "G0104");
    // Copies of one inline function are one function; functions that got names of their own are two.
    let copies = [units[0].clone(), unit("b", vec![object(&[symbol("one")], &[("run", "one")])])];
    assert!(duplicate(&copies, &[]).is_ok());
    let renames = isolate(&copies, &BTreeSet::new()).unwrap();
    assert_eq!(duplicate(&copies, &renames).unwrap_err().0.len(), 1);
}
