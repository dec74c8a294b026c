//! Records: round trips, and what damage does to them.

use proptest::prelude::*;

use super::*;

const KEY: &str = "a record's key";

fn digest() -> impl Strategy<Value = Digest> {
    // Few, so that entries share them.
    (0u8..8).prop_map(|seed| Digest::of(&[seed]))
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z/ ]{0,6}", "[\\\\\t\n\rnt=é\u{85}\u{2028}]{0,6}", any::<String>()]
}

fn output() -> impl Strategy<Value = Output> {
    (text(), digest(), any::<u64>(), any::<bool>())
        .prop_map(|(name, digest, size, executable)| Output { name, digest, size, executable })
}

fn entry() -> impl Strategy<Value = Entry> {
    let found = prop::collection::vec((text(), digest()), 0..5);
    let passed = prop::collection::vec(text(), 0..4);
    (found, passed, prop::collection::vec(output(), 0..4), text())
        .prop_map(|(found, passed, outputs, said)| Entry { found, passed, outputs, said })
}

fn record() -> impl Strategy<Value = Record> {
    let field = (text(), text()).prop_map(|(name, value)| Field { name, value });
    (prop::collection::vec(field, 0..5), prop::collection::vec(entry(), 0..=MAX_ENTRIES))
        .prop_map(|(walk, entries)| Record { walk, entries })
}

proptest! {
    #[test]
    fn a_record_is_read_as_it_was_written(record in record()) {
        let key = Digest::of(KEY.as_bytes());
        let text = record.encode("compile", &key);
        prop_assert_eq!(Record::decode(text.as_bytes(), "compile", &key), Some(record));
        prop_assert_eq!(Record::decode(text.as_bytes(), "link", &key), None);
        prop_assert_eq!(Record::decode(text.as_bytes(), "compile", &Digest::of(b"another")), None);
    }

    #[test]
    fn a_damaged_record_is_none(
        record in record(),
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
        cut in any::<bool>(),
    ) {
        let key = Digest::of(KEY.as_bytes());
        let mut bytes = record.encode("compile", &key).into_bytes();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << bit;
        }
        // The digits of a checksum may be spelled in one way only.
        prop_assert_eq!(Record::decode(&bytes, "compile", &key), None);
    }

    #[test]
    fn foreign_lines_under_a_right_checksum_do_not_panic(lines in "([wfpeos=]\t[0-9a-f\\\\ x\t-]{0,70}\n){0,9}") {
        let key = Digest::of(KEY.as_bytes());
        let mut text = format!("{}{lines}", first_line("compile", &key));
        let sum = Digest::of(text.as_bytes());
        line(&mut text, '=', [sum.to_string().as_str()]);
        if let Some(record) = Record::decode(text.as_bytes(), "compile", &key) {
            let again = record.encode("compile", &key);
            prop_assert_eq!(Record::decode(again.as_bytes(), "compile", &key), Some(record));
        }
    }
}

#[test]
fn the_newest_entry_comes_first_and_the_oldest_goes() {
    let mut record = Record::default();
    for number in 0..20u8 {
        let found = vec![("header.h".to_owned(), Digest::of(&[number]))];
        record.add(Entry { found, ..Entry::default() });
    }
    assert_eq!(record.entries.len(), MAX_ENTRIES);
    assert_eq!(record.entries[0].found[0].1, Digest::of(&[19]));
    let again = Entry { said: "again".to_owned(), ..record.entries[7].clone() };
    record.add(again.clone());
    assert_eq!(record.entries.len(), MAX_ENTRIES);
    assert_eq!(record.entries[0], again);
}

#[test]
fn shared_inputs_are_listed_once() {
    let mut record = Record::default();
    for number in 0..16u8 {
        let header = |index: u8| (format!("include/header{index}.h"), Digest::of(&[index]));
        let mut found: Vec<(String, Digest)> = (0..60).map(header).collect();
        found[usize::from(number)].1 = Digest::of(b"edited");
        record.add(Entry { found, ..Entry::default() });
    }
    let text = record.encode("compile", &Digest::of(b""));
    assert!(text.len() < 12_000, "{}", text.len());
}
