//! Bytes as an archive, object, program or linker script of an ELF host, read and held against everything that is asked of it.
#![no_main]

use anymod_link::host::linkers::{LINKERS, USES, outcome};
use anymod_link::host::{archive, fingerprint, fix, image, inspect, library, segments};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = archive::script_inputs(data);
    let _ = image::read(data).map(|image| image.init_functions().count());
    let _ = image::read_dynamic(data).and_then(|_| image::looked_up(data));
    let _ = image::inside(data).map(|inside| fingerprint::Held::of(&inside));
    if let Ok(Some(restored)) = segments::with_sections(data) {
        let again = segments::with_sections(&restored).expect("what was restored can be read");
        assert!(again.is_none(), "once is enough");
        let _ = image::read(&restored).and_then(|_| image::looked_up(&restored));
    }
    let Ok(library) = library::read("fuzz", data, &mut |_| Some(data)) else { return };
    let shown = library.symbols().iter().take(4).map(|symbol| symbol.name.to_owned());
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
