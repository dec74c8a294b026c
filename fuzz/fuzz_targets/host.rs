//! Bytes as an archive, object, program or linker script of an ELF host, read and held against everything that is asked of it.
#![no_main]

use anymod_link::host::linkers::{LINKERS, USES, outcome};
use anymod_link::host::{archive, fingerprint, fix, image, inspect, library};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = archive::script_inputs(data);
    let _ = image::read(data).map(|image| image.init_functions().count());
    let _ = image::inside(data).map(|inside| fingerprint::Held::of(&inside));
    let Ok(library) = library::read("fuzz", data, &mut |_| Some(data)) else { return };
    let shown = library.symbols.iter().take(4).map(|symbol| symbol.name.to_owned());
    let wishes = fix::Wishes {
        flatten: true,
        localize: shown.collect(),
        prefix: Some("p_".to_owned()),
        ..fix::Wishes::default()
    };
    let _ = fix::fix("fuzz", data, &mut |_| None, &wishes);
    let blockers = inspect::blockers(&library, &inspect::Providers::default());
    let _ = inspect::findings(&library, &blockers);
    for linker in LINKERS {
        for r#use in USES {
            let _ = outcome(&library, linker, r#use, false, false);
        }
    }
});
