//! Bytes as an archive, object, program or linker script of an ELF host, read and held against everything that is asked of it.
#![no_main]

use anymod_link::host::linkers::{LINKERS, USES, outcome};
use anymod_link::host::{archive, fingerprint, image, inspect, library};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = archive::script_inputs(data);
    let _ = image::read(data).map(|image| image.init_functions().count());
    let _ = image::inside(data).map(|inside| fingerprint::Held::of(&inside));
    let Ok(library) = library::read("fuzz", data, &mut |_| Some(data)) else { return };
    let blockers = inspect::blockers(&library, &inspect::Providers::default());
    let _ = inspect::findings(&library, &blockers);
    for linker in LINKERS {
        for r#use in USES {
            let _ = outcome(&library, linker, r#use, false, false);
        }
    }
});
