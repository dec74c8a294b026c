//! What travels inside a program: the archive of a platform's files, and the module that says where it is.
//!
//! Every Node.js has gzip, so that its parts are small: whoever unpacks them holds one at a time. zstd is for hosts that have
//! it for certain, and has one frame for each file.

use anymod_model::payload::{Encoding, Index, Packed, header};
use sha2::{Digest as _, Sha256};

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
    /// How archives are compressed for it if nothing else is said.
    #[must_use]
    pub fn encoding(self) -> Encoding {
        match self {
            // Releases before 22.15 have nothing else.
            Host::Node => Encoding::Gzip,
            Host::Bun | Host::Rust => Encoding::Zstd,
        }
    }

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

/// Length of what a part of gzip holds.
const PART: usize = 1 << 20;
/// The best of miniz and of zstd below what needs more memory to decompress.
const GZIP_LEVEL: u8 = 9;
const ZSTD_LEVEL: i32 = 19;

/// Packs the files of an addon; the archive and its index.
///
/// # Errors
/// What the compressor says.
pub fn archive(
    name: &str,
    version: &str,
    platform: &str,
    encoding: Encoding,
    contents: &[Content],
) -> std::io::Result<(Vec<u8>, Index)> {
    let (mut data, mut files, mut all) = (Vec::new(), Vec::new(), Sha256::new());
    for content in contents {
        let sum = Sha256::digest(&content.bytes);
        all.update(sum);
        let offset = data.len() as u64;
        let mut parts = Vec::new();
        let size = if encoding == Encoding::Gzip { PART } else { content.bytes.len().max(1) };
        for part in content.bytes.chunks(size) {
            let packed = match encoding {
                Encoding::Gzip => gzip(part),
                Encoding::Zstd => zstd::bulk::compress(part, ZSTD_LEVEL)?,
            };
            parts.push(packed.len() as u64);
            data.extend(packed);
        }
        files.push(Packed {
            file: content.file.clone(),
            variant: content.variant.clone(),
            level: content.level,
            size: content.bytes.len() as u64,
            sha256: hexadecimal(&sum),
            offset,
            parts,
        });
    }
    let mut digest = hexadecimal(&all.finalize());
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

/// A member of a gzip file (RFC 1952), without name and time.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    member.extend(miniz_oxide::deflate::compress_to_vec(bytes, GZIP_LEVEL));
    member.extend(crc32fast::hash(bytes).to_le_bytes());
    member.extend((bytes.len() as u32).to_le_bytes());
    member
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
    use anymod_model::payload::{parse, parts};

    use super::*;

    fn content(bytes: Vec<u8>) -> Vec<Content> {
        let file = "a.linux-x64.node".to_owned();
        vec![Content { file, variant: String::new(), level: 0, bytes }]
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let bytes: Vec<u8> = (0..PART * 2 + 5).map(|at| (at * at / 7) as u8).collect();
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            for bytes in [bytes.clone(), Vec::new()] {
                let (archive, index) =
                    archive("a", "1", "linux-x64", encoding, &content(bytes.clone())).unwrap();
                let (read, start) = parse(&archive).unwrap();
                assert_eq!(read, index);
                let mut unpacked = Vec::new();
                for part in parts(&archive, start, &read.files[0]) {
                    match encoding {
                        Encoding::Gzip => {
                            let inside = &part[10..part.len() - 8];
                            unpacked
                                .extend(miniz_oxide::inflate::decompress_to_vec(inside).unwrap());
                        }
                        Encoding::Zstd => unpacked.extend(zstd::decode_all(part).unwrap()),
                    }
                }
                assert!(unpacked == bytes);
            }
        }
    }
}
