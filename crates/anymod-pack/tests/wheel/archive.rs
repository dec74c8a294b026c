//! Zip files put together by hand, right or wrong in any field.

/// An entry with every field that can lie.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    /// The name in the local header.
    pub(crate) local_name: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) size: u32,
    pub(crate) compressed: u32,
    pub(crate) checksum: u32,
    pub(crate) mode: u32,
    /// Offset in the directory, if not the true one.
    pub(crate) offset: Option<u32>,
}

/// A stored file as an honest writer makes it.
pub(crate) fn stored(name: &str, data: &[u8]) -> Entry {
    let size = u32::try_from(data.len()).unwrap();
    Entry {
        name: name.into(),
        local_name: name.into(),
        data: data.to_vec(),
        method: 0,
        flags: 0,
        size,
        compressed: size,
        checksum: crc32(data),
        mode: 0o100_644,
        offset: None,
    }
}

/// Bit by bit, to check the writer's table-driven one.
pub(crate) fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// The file.
pub(crate) fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let start = u32::try_from(out.len()).unwrap();
        let fields = |name: &[u8]| {
            let mut common = Vec::new();
            for field in [20, entry.flags, entry.method, 0, 0x21] {
                common.extend(field.to_le_bytes());
            }
            for field in [entry.checksum, entry.compressed, entry.size] {
                common.extend(field.to_le_bytes());
            }
            common.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            common.extend([0, 0]);
            common
        };
        out.extend(b"PK\x03\x04");
        out.extend(fields(&entry.local_name));
        out.extend(&entry.local_name);
        out.extend(&entry.data);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(fields(&entry.name));
        directory.extend([0; 6]);
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(entry.offset.unwrap_or(start).to_le_bytes());
        directory.extend(&entry.name);
    }
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    let start = u32::try_from(out.len()).unwrap().to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend([size, start].concat());
    out.extend([0, 0]);
    out
}
