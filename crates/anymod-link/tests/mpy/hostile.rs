//! Whatever bytes come in, the linker answers: it does not panic, and it stays within the inputs' order of size and
//! time.

use anymod_link::mpy::{Compat, Options, link};
use anymod_model::Arch;
use anymod_model::arch::ARCHES;
use object::SectionKind;
use proptest::prelude::*;

use crate::archives::archive;
use crate::objects::{Maker, inputs, options};

/// An object that has something of everything: code, constants, variables, groups, attributes, relocations of all
/// kinds.
fn rich_object(arch: Arch) -> Vec<u8> {
    let mut maker = Maker::with_entry(arch);
    let code = maker.text(".text", &[0x17; 64]);
    let literal = maker.text(".literal", &[9; 16]);
    let rodata = maker.section(".rodata", SectionKind::ReadOnlyData, &[1; 32], 8);
    let data = maker.section(".data", SectionKind::Data, &[2; 32], 8);
    let bss = maker.section(".bss", SectionKind::UninitializedData, &[0; 32], 8);
    let inline = maker.text(".text.inline", &[0; 8]);
    let group = maker.weak("inline", inline, 0);
    maker.comdat(group, inline);
    maker.common("common", 8, 8);
    maker.section(
        ".ARM.attributes",
        SectionKind::Metadata,
        b"A\x0f\0\0\0aeabi\0\x01\x07\0\0\0\x06\x0d",
        1,
    );
    let symbols = [
        maker.function("function", code, 4),
        maker.local("label", code, 8),
        maker.data("table", rodata, 0),
        maker.data("variable", data, 0),
        maker.data("zero", bss, 0),
        maker.local("pool", literal, 0),
        maker.undefined("mp_fun_table"),
        maker.undefined("memset"),
        maker.undefined_weak("weak"),
    ];
    for (index, symbol) in symbols.into_iter().enumerate() {
        let offset = index as u64 * 4;
        maker.relocation((code, offset), [2, 4, 9, 20, 26, 27, 23, 24, 1][index], symbol, 0);
        maker.relocation((rodata, offset & 24), [1, 2][index % 2], symbol, 0);
    }
    maker.bytes()
}

fn every_mode(arch: Arch) -> [Options; 3] {
    let mut whole = options(arch);
    whole.gc_sections = false;
    let mut compat = options(arch);
    compat.compat = Some(Compat::V1_26);
    [options(arch), whole, compat]
}

fn link_everywhere(arch: Arch, data: &[u8]) {
    let object = [("fuzz.o", data.to_vec())];
    let main = [("main.o", Maker::with_entry(arch).bytes())];
    for options in every_mode(arch) {
        let _ = link(&inputs(&object), &[], &options);
        let _ = link(&inputs(&main), &inputs(&object), &options);
    }
}

#[derive(Clone, Debug)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Word(prop::sample::Index, u32),
    Cut(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let word = prop_oneof![Just(0), Just(u32::MAX), Just(0x7fff_ffff), 0..64_u32, any::<u32>()];
    prop_oneof![
        6 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        6 => (any::<prop::sample::Index>(), word).prop_map(|(at, word)| Damage::Word(at, word)),
        1 => any::<prop::sample::Index>().prop_map(Damage::Cut),
    ]
}

fn apply(mut data: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        if data.len() < 4 {
            break;
        }
        match damage {
            Damage::Flip(at, bit) => {
                let at = at.index(data.len());
                data[at] ^= 1 << (bit % 8);
            }
            Damage::Word(at, word) => {
                let at = at.index(data.len() - 3);
                data[at..at + 4].copy_from_slice(&word.to_le_bytes());
            }
            Damage::Cut(at) => {
                let at = at.index(data.len());
                data.truncate(at);
            }
        }
    }
    data
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn damaged_objects_are_answered(
        row in 0..ARCHES.len(),
        damages in prop::collection::vec(damage(), 1..8),
    ) {
        let arch = ARCHES[row].arch;
        link_everywhere(arch, &apply(rich_object(arch), &damages));
    }

    #[test]
    fn damaged_archives_are_answered(damages in prop::collection::vec(damage(), 1..6)) {
        let object = rich_object(Arch::X64);
        let members: [(&str, &[u8]); 2] = [("one.o", &object), ("two.o", &object)];
        let data = archive(&members, &[("mpy_init", 0), ("function", 1)]);
        link_everywhere(Arch::X64, &apply(data, &damages));
    }

    #[test]
    fn arbitrary_bytes_are_answered(data in prop::collection::vec(any::<u8>(), 0..300)) {
        link_everywhere(Arch::Armv7m, &data);
        let mut object = b"\x7fELF\x01\x01\x01\0".to_vec();
        object.extend(&data);
        link_everywhere(Arch::Armv7m, &object);
        let mut file = b"!<arch>\n".to_vec();
        file.extend(&data);
        link_everywhere(Arch::Armv7m, &file);
    }
}

#[test]
fn every_truncation_is_answered() {
    let object = rich_object(Arch::Rv32imc);
    for length in 0..object.len() {
        link_everywhere(Arch::Rv32imc, &object[..length]);
    }
}
