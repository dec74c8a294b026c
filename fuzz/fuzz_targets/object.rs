//! Bytes as a WebAssembly object: read, its symbols renamed, finished and measured as if it were a bundle; and as an archive.
#![no_main]

use anymod_link::wasm::{
    Binding, Finish, Origin, Renames, finish, read_member, read_object, rename, sizes,
};
use anymod_link::{archive, stamp};
use anymod_model::{Place, Stamp};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let place = Place::file("fuzz.o");
    if let Ok(object) = read_object(data, &place) {
        let names = object.symbols.iter().map(|symbol| symbol.name.to_owned()).collect();
        let renames = Renames { names, suffix: ".m".to_owned() };
        let renamed = rename(data, &renames, &place).expect("what can be read can be renamed");
        let again = read_object(&renamed, &place).expect("a renamed object can be read");
        assert_eq!(object.symbols.len(), again.symbols.len(), "no symbol comes or goes");
        for (old, new) in object.symbols.iter().zip(&again.symbols) {
            let suffix = if old.binding == Binding::Local { "" } else { ".m" };
            assert_eq!(format!("{}{suffix}", old.name), new.name, "every symbol is renamed");
        }
    }
    let _ = read_member(data, &place);
    let origins = [Origin { name: "fuzz.a".to_owned(), functions: 3 }];
    let stamp = Stamp::new().with("target", "wasi");
    let how = Finish { keep: &|name| name.len() != 1, stamp: &stamp, origins: &origins };
    if let Ok(finished) = finish(data, "fuzz.wasm", &how) {
        let again = finish(&finished, "fuzz.wasm", &how).expect("a finished module can be finished");
        assert_eq!(finished, again, "once is enough");
    }
    if let Ok(sizes) = sizes(data, "fuzz.wasm") {
        let sections: u64 = sizes.sections.iter().map(|section| section.bytes).sum();
        assert_eq!(sections + 8, sizes.total, "every byte is in a section");
        assert!(sizes.debug <= sizes.total);
    }
    let _ = stamp::read(data, "fuzz.o");
    let _ = Stamp::read_all(data);
    let archived = [b"!<arch>\n", data].concat();
    let _ = archive::members(&archived, "fuzz.a");
    let _ = stamp::read(&archived, "fuzz.a");
    let _ = archive::members(&[b"!<thin>\n", data].concat(), "fuzz.a");
});
