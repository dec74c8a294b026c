//! Build attributes: what a compiler says of the code in an object.
//!
//! ARM and RISC-V use one container (`A`, then vendors, then scopes, then tags): addenda32 "Build attributes" and the
//! RISC-V ELF psABI "Attributes". A tag's value is a number or a string, which the tag's number tells: from 32 on odd
//! tags are strings. Xtensa has a note of lines `NAME=VALUE` instead.

use object::LittleEndian as LE;
use object::elf::FileHeader32;
use object::read::elf::{AttributeReader, AttributesSection};

/// Tag of a scope that spans the whole file.
const TAG_FILE: u8 = 1;

/// What ARM's attributes say; absent ones are 0, which the specification makes their default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arm {
    /// `Tag_CPU_arch`.
    pub(crate) cpu_arch: u64,
    /// `Tag_CPU_arch_profile`: a letter.
    pub(crate) profile: u64,
    /// `Tag_ARM_ISA_use`: A32 instructions occur.
    pub(crate) arm_isa: u64,
    /// `Tag_FP_arch`: the floating point unit that the code needs.
    pub(crate) fp_arch: u64,
    /// `Tag_ABI_FP_number_model`: 0 if the code uses no floating point numbers.
    pub(crate) number_model: u64,
    /// `Tag_ABI_HardFP_use`: 1 if only single precision is computed in hardware.
    pub(crate) hard_fp_use: u64,
    /// `Tag_ABI_VFP_args`: 0 core registers, 1 the unit's registers, 3 either.
    pub(crate) vfp_args: u64,
}

/// Reads ARM's attributes; `None` if they are damaged, which makes them say nothing.
pub(crate) fn arm(data: &[u8]) -> Option<Arm> {
    let mut arm = Arm::default();
    each(data, b"aeabi", |tag, reader| {
        let slot = match tag {
            4 | 5 => {
                reader.read_string().ok()?;
                return Some(());
            }
            32 => {
                reader.read_integer().ok()?;
                reader.read_string().ok()?;
                return Some(());
            }
            tag if tag > 32 && tag % 2 == 1 => {
                reader.read_string().ok()?;
                return Some(());
            }
            6 => &mut arm.cpu_arch,
            7 => &mut arm.profile,
            8 => &mut arm.arm_isa,
            10 => &mut arm.fp_arch,
            23 => &mut arm.number_model,
            27 => &mut arm.hard_fp_use,
            28 => &mut arm.vfp_args,
            _ => {
                reader.read_integer().ok()?;
                return Some(());
            }
        };
        *slot = reader.read_integer().ok()?;
        Some(())
    })?;
    Some(arm)
}

/// The instruction set string of RISC-V's attributes (`Tag_RISCV_arch`), for instance `rv32i2p1_m2p0_c2p0`.
pub(crate) fn riscv_arch(data: &[u8]) -> Option<String> {
    let mut arch = None;
    each(data, b"riscv", |tag, reader| {
        if tag % 2 == 0 {
            reader.read_integer().ok()?;
        } else {
            let text = reader.read_string().ok()?;
            if tag == 5 {
                arch = Some(String::from_utf8_lossy(text).into_owned());
            }
        }
        Some(())
    })?;
    arch
}

/// Calls `read` for each tag of a vendor's file scope; it must consume the tag's value.
fn each<'a>(
    data: &'a [u8],
    vendor: &[u8],
    mut read: impl FnMut(u64, &mut AttributeReader<'a>) -> Option<()>,
) -> Option<()> {
    let section = AttributesSection::<FileHeader32<LE>>::new(LE, data).ok()?;
    let mut vendors = section.subsections().ok()?;
    while let Some(subsection) = vendors.next().ok()? {
        if subsection.vendor() != vendor {
            continue;
        }
        let mut scopes = subsection.subsubsections();
        while let Some(scope) = scopes.next().ok()? {
            if scope.tag().0 != TAG_FILE {
                continue;
            }
            let mut reader = scope.attributes();
            while let Some(tag) = reader.read_tag().ok()? {
                read(tag, &mut reader)?;
            }
        }
    }
    Some(())
}

/// The value of a name in Xtensa's note, for instance `1` for `ABI`.
pub(crate) fn xtensa<'a>(data: &'a [u8], name: &str) -> Option<&'a str> {
    // Three words, then the padded name "Xtensa_Info", then the text.
    let text = data.get(24..)?;
    let text = text.split(|byte| *byte == 0).next().unwrap_or(text);
    let lines = std::str::from_utf8(text).ok()?.lines();
    lines.filter_map(|line| line.split_once('=')).find(|(key, _)| *key == name).map(|pair| pair.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section with one vendor and one file scope.
    fn section(vendor: &str, tags: &[u8]) -> Vec<u8> {
        let mut scope = vec![TAG_FILE];
        scope.extend((5 + tags.len() as u32).to_le_bytes());
        scope.extend(tags);
        let mut data = vec![b'A'];
        data.extend((4 + vendor.len() as u32 + 1 + scope.len() as u32).to_le_bytes());
        data.extend(vendor.as_bytes());
        data.push(0);
        data.extend(scope);
        data
    }

    #[test]
    fn arm_tags_of_all_value_kinds_are_read() {
        let tags = b"\x05cortex-m4\0\x06\x0d\x07M\x0a\x06\x17\x03\x1b\x01\x1c\x01\x43\x32.09\0";
        let expected = Arm {
            cpu_arch: 13,
            profile: u64::from(b'M'),
            arm_isa: 0,
            fp_arch: 6,
            number_model: 3,
            hard_fp_use: 1,
            vfp_args: 1,
        };
        assert_eq!(arm(&section("aeabi", tags)), Some(expected));
        assert_eq!(arm(&section("gnu", tags)), Some(Arm::default()));
        assert_eq!(arm(b"A\xff\xff"), None);
    }

    #[test]
    fn riscv_arch_is_found() {
        let data = section("riscv", b"\x04\x10\x05rv32i2p1_c2p0\0");
        assert_eq!(riscv_arch(&data).as_deref(), Some("rv32i2p1_c2p0"));
    }

    #[test]
    fn xtensa_note_is_read() {
        let mut note = b"\x0c\0\0\0\x20\0\0\0\x01\0\0\0Xtensa_Info\0".to_vec();
        note.extend(b"USE_ABSOLUTE_LITERALS=0\nABI=1\n\0\0");
        assert_eq!(xtensa(&note, "ABI"), Some("1"));
        assert_eq!(xtensa(&note, "OTHER"), None);
    }
}
