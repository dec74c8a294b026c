//! What travels inside a program: the archive of a platform's files, and the module that says where it is.
//!
//! Files are packed in parts, so that whoever unpacks them holds one at a time, or works at several at once. Not every Node.js
//! has zstd: the probe that is embedded with it unpacks, and is not compressed itself.

use std::hash::Hasher as _;
use std::io::Write as _;

use anymod_model::payload::{Encoding, Index, Packed, Part, header};
use sha2::{Digest as _, Sha256};
use twox_hash::XxHash64;

use super::loader::quoted;

/// A kind of program that an addon can be embedded into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// A single executable application of Node.js, or a bundle that Node.js runs.
    Node,
    /// What `bun build --compile` makes.
    Bun,
    /// A program in Rust that uses `anymod-load`.
    Rust,
}

impl Host {
    /// Name of the module that programs take in.
    #[must_use]
    pub fn module(self) -> &'static str {
        match self {
            Host::Node | Host::Bun => "embedded.cjs",
            Host::Rust => "embedded.rs",
        }
    }
}

/// A file to be packed.
#[derive(Clone, Debug)]
pub struct Content {
    /// Its name.
    pub file: String,
    /// Name of its variant; empty if it has none.
    pub variant: String,
    /// Level of x86-64 that it needs; 0 on other architectures.
    pub level: u32,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Length of what a part holds: what several processors have in memory at once is small, and little is lost by what one part
/// cannot say of another.
const PART: usize = 2 << 20;
/// The best of miniz and of zstd below what needs more memory to decompress.
const GZIP_LEVEL: u8 = 9;
const ZSTD_LEVEL: i32 = 19;

/// What is packed, and how.
#[derive(Clone, Copy, Debug)]
pub struct Packing<'a> {
    /// Name of the addon.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Name of the platform.
    pub platform: &'a str,
    /// How the variants are compressed.
    pub encoding: Encoding,
    /// True if every variant but the first is packed as what differs from it, which only zstd can.
    pub patch: bool,
}

/// Packs the files of an addon, the variants and the probe if one is needed; the archive and its index.
///
/// # Errors
/// What the compressor says.
pub fn archive(
    packing: Packing<'_>,
    variants: &[Content],
    probe: Option<&Content>,
) -> std::io::Result<(Vec<u8>, Index)> {
    let Packing { name, version, platform, encoding, patch } = packing;
    let (mut data, mut files, mut all) = (Vec::new(), Vec::new(), Sha256::new());
    let first = variants.first().filter(|_| patch && encoding == Encoding::Zstd);
    for content in variants.iter().chain(probe) {
        all.update(Sha256::digest(&content.bytes));
        let is_probe = probe.is_some_and(|probe| std::ptr::eq(probe, content));
        // The decompressor of zstd is in the probe.
        let unpacks = is_probe && encoding == Encoding::Zstd;
        let encoding = if unpacks { Encoding::Stored } else { encoding };
        let base = first.filter(|first| !is_probe && !std::ptr::eq(*first, content));
        let offset = data.len() as u64;
        // A difference is looked for in the whole of the other file, which takes as much memory anyway.
        let size = if base.is_some() { content.bytes.len().max(1) } else { PART };
        let mut parts = Vec::new();
        for part in content.bytes.chunks(size) {
            let packed = match (encoding, base) {
                (Encoding::Stored, _) => part.to_vec(),
                (Encoding::Gzip, _) => gzip(part),
                (Encoding::Zstd, None) => zstd::bulk::compress(part, ZSTD_LEVEL)?,
                (Encoding::Zstd, Some(base)) => difference(part, &base.bytes)?,
            };
            let mut sum = XxHash64::with_seed(0);
            sum.write(part);
            parts.push(Part {
                packed: packed.len() as u64,
                plain: part.len() as u64,
                sum: sum.finish(),
            });
            data.extend(packed);
        }
        files.push(Packed {
            file: content.file.clone(),
            variant: content.variant.clone(),
            level: content.level,
            size: content.bytes.len() as u64,
            encoding,
            base: base.map(|base| base.file.clone()),
            offset,
            parts,
        });
    }
    let mut digest: String = all.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    digest.truncate(16);
    let index = Index {
        name: name.to_owned(),
        version: version.to_owned(),
        platform: platform.to_owned(),
        encoding,
        digest,
        files,
    };
    let mut archive = header(&index);
    archive.extend(data);
    Ok((archive, index))
}

/// A frame of zstd for whoever has another file already.
fn difference(bytes: &[u8], base: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::with_ref_prefix(Vec::new(), ZSTD_LEVEL, base)?;
    // As far back as both of them go, within what the format has.
    let reach = (bytes.len() + base.len()).next_power_of_two().ilog2().clamp(20, 30);
    encoder.window_log(reach)?;
    encoder.long_distance_matching(true)?;
    encoder.set_pledged_src_size(Some(bytes.len() as u64))?;
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// A member of a gzip file (RFC 1952), without name and time.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    member.extend(miniz_oxide::deflate::compress_to_vec(bytes, GZIP_LEVEL));
    member.extend(crc32fast::hash(bytes).to_le_bytes());
    member.extend((bytes.len() as u32).to_le_bytes());
    member
}

/// Name of an archive's file.
#[must_use]
pub fn archive_name(index: &Index) -> String {
    format!("{}.{}.{}.payload", index.name, index.platform, index.encoding.name())
}

const CODE: &str = include_str!("embedded.cjs");

/// The module that has the index and extracts what is asked for.
#[must_use]
pub fn embedded(host: Host, index: &Index) -> String {
    let archive = archive_name(index);
    let what = format!(
        "Made by `anymod embed`: `{}` {} for {}. `anymod embed --reset` takes it out again.",
        index.name, index.version, index.platform
    );
    let open = match host {
        Host::Rust => {
            return format!(
                "// {what}\n\n/// The archive, for `anymod_load::Addon`.\npub static EMBEDDED: Option<&[u8]> = Some(include_bytes!({archive:?}));\n"
            );
        }
        // A single executable application has it as an asset of this name.
        Host::Node => "(() => { let sea; try { sea = require('node:sea'); } catch {} return sea && sea.isSea() ? Buffer.from(sea.getRawAsset(ARCHIVE)) : path.join(__dirname, ARCHIVE); })()".to_owned(),
        // The bundler takes a file of an unknown kind in as it is and makes this the path inside of the executable, where
        // files can be read as a whole only.
        Host::Bun => {
            let file = quoted(&format!("./{archive}"));
            format!("((found) => fs.readFileSync(found.default || found))(require({file}))")
        }
    };
    let json = serde_json::to_string(index).unwrap_or_default();
    let start = header(index).len();
    format!("// {what}\n{CODE}")
        .replace("@ARCHIVE@", &quoted(&archive))
        .replace("@START@", &start.to_string())
        .replace("@OPEN@", &open)
        .replace("@INDEX@", &json)
}

/// The module if nothing is embedded.
#[must_use]
pub fn stub(host: Host) -> &'static str {
    match host {
        Host::Node | Host::Bun => {
            "// Made by `anymod embed --reset`: nothing is embedded.\nmodule.exports = null;\n"
        }
        Host::Rust => {
            "// Made by `anymod embed --reset`: nothing is embedded.\n\n/// The archive, for `anymod_load::Addon`.\npub static EMBEDDED: Option<&[u8]> = None;\n"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use anymod_model::payload::{parse, places};

    use super::*;

    fn content(bytes: Vec<u8>) -> Vec<Content> {
        let file = "a.linux-x64.node".to_owned();
        vec![Content { file, variant: String::new(), level: 0, bytes }]
    }

    fn unpacked(archive: &[u8], encoding: Encoding, file: usize, base: &[u8]) -> Vec<u8> {
        let (index, start) = parse(archive).unwrap();
        let packed = &index.files[file];
        assert_eq!(packed.encoding, encoding);
        let mut plain = Vec::new();
        for (at, part) in places(start, packed) {
            let bytes = &archive[at as usize..][..part.packed as usize];
            let held = match encoding {
                Encoding::Stored => bytes.to_vec(),
                Encoding::Gzip => {
                    let inside = &bytes[10..bytes.len() - 8];
                    miniz_oxide::inflate::decompress_to_vec(inside).unwrap()
                }
                Encoding::Zstd => {
                    let mut decoder = zstd::Decoder::with_ref_prefix(bytes, base).unwrap();
                    decoder.window_log_max(31).unwrap();
                    let mut held = Vec::new();
                    decoder.read_to_end(&mut held).unwrap();
                    held
                }
            };
            let mut sum = XxHash64::with_seed(0);
            sum.write(&held);
            assert_eq!((held.len() as u64, sum.finish()), (part.plain, part.sum));
            plain.extend(held);
        }
        plain
    }

    fn packing(encoding: Encoding, patch: bool) -> Packing<'static> {
        Packing { name: "a", version: "1", platform: "linux-x64", encoding, patch }
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let bytes: Vec<u8> = (0..PART * 2 + 5).map(|at| (at * at / 7) as u8).collect();
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            for bytes in [bytes.clone(), Vec::new()] {
                let content = content(bytes.clone());
                let probe = Content { file: "probe.node".to_owned(), ..content[0].clone() };
                let (archive, index) =
                    archive(packing(encoding, false), &content, Some(&probe)).unwrap();
                assert_eq!(parse(&archive).unwrap().0, index);
                assert!(unpacked(&archive, encoding, 0, &[]) == bytes);
                let stored = if encoding == Encoding::Zstd { Encoding::Stored } else { encoding };
                assert!(unpacked(&archive, stored, 1, &[]) == bytes);
            }
        }
    }

    #[test]
    fn a_difference_is_small_and_makes_the_same_bytes() {
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let one: Vec<u8> = (0..PART * 2).map(|_| random()).collect();
        let mut other = one.clone();
        other.splice(1000..1100, [7; 300]);
        let mut contents = content(one.clone());
        contents.extend(content(other.clone()));
        let (whole, _) = archive(packing(Encoding::Zstd, false), &contents, None).unwrap();
        let (archive, index) = archive(packing(Encoding::Zstd, true), &contents, None).unwrap();
        assert_eq!(index.files[1].base.as_ref(), Some(&contents[0].file));
        assert!(archive.len() < whole.len() * 6 / 10, "{} of {}", archive.len(), whole.len());
        assert!(unpacked(&archive, Encoding::Zstd, 0, &[]) == one);
        assert!(unpacked(&archive, Encoding::Zstd, 1, &one) == other);
    }
}
