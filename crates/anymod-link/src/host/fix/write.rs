//! Writing an archive: GNU's spelling of `ar`, with an index and nothing of the machine or the moment.

use super::index;

/// A member to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMember {
    /// Name.
    pub name: String,
    /// Bytes.
    pub bytes: Vec<u8>,
}

/// Longest name that fits a header, without the slash that ends it.
const SHORT: usize = 15;

/// The bytes of an archive: the index, the table of long names, the members in their order.
#[must_use]
pub fn archive(members: &[NewMember]) -> Vec<u8> {
    let mut long_names = Vec::new();
    let names: Vec<String> = members.iter().map(|member| name(member, &mut long_names)).collect();
    let symbols: Vec<(usize, String)> = members
        .iter()
        .enumerate()
        .flat_map(|(number, member)| {
            index(&member.bytes).into_iter().map(move |name| (number, name))
        })
        .collect();
    let texts: usize = symbols.iter().map(|(_, name)| name.len() + 1).sum();
    let body: usize = members.iter().map(|member| 60 + even(member.bytes.len())).sum();
    let table = if long_names.is_empty() { 0 } else { 60 + even(long_names.len()) };
    let size_of_index = |word: usize| word * (symbols.len() + 1) + texts;
    // Offsets of 32 bits, as long as they reach.
    let wide = 8 + 60 + even(size_of_index(4)) + table + body > u32::MAX as usize;
    let word = if wide { 8 } else { 4 };
    let mut offset = 8 + 60 + even(size_of_index(word)) + table;
    let mut offsets = Vec::with_capacity(members.len());
    for member in members {
        offsets.push(offset);
        offset += 60 + even(member.bytes.len());
    }
    let mut numbers = vec![symbols.len() as u64];
    numbers.extend(symbols.iter().map(|(at, _)| offsets.get(*at).copied().unwrap_or(0) as u64));
    let mut content = Vec::with_capacity(size_of_index(word));
    for number in numbers {
        let bytes = number.to_be_bytes();
        content.extend(bytes.get(8 - word..).unwrap_or_default());
    }
    for (_, name) in &symbols {
        content.extend(name.as_bytes());
        content.push(0);
    }
    let mut bytes = b"!<arch>\n".to_vec();
    put(&mut bytes, if wide { "/SYM64/" } else { "/" }, &content, "0");
    if !long_names.is_empty() {
        put(&mut bytes, "//", &long_names, "");
    }
    for (member, name) in members.iter().zip(&names) {
        put(&mut bytes, name, &member.bytes, "644");
    }
    bytes
}

fn even(size: usize) -> usize {
    size + size % 2
}

/// A name as the header has it; long ones go into the table.
fn name(member: &NewMember, long_names: &mut Vec<u8>) -> String {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'/';
    if (1..=SHORT).contains(&member.name.len()) && member.name.bytes().all(is_plain) {
        return format!("{}/", member.name);
    }
    let offset = long_names.len();
    let name = if member.name.is_empty() { "unnamed" } else { &member.name };
    long_names.extend(name.replace('\n', "?").as_bytes());
    long_names.extend(b"/\n");
    format!("/{offset}")
}

fn put(bytes: &mut Vec<u8>, name: &str, content: &[u8], mode: &str) {
    let (date, owner) = if mode.is_empty() { ("", "") } else { ("0", "0") };
    let size = content.len();
    let header = format!("{name:<16}{date:<12}{owner:<6}{owner:<6}{mode:<8}{size:<10}`\n");
    bytes.extend(header.as_bytes());
    bytes.extend(content);
    if size % 2 == 1 {
        bytes.push(b'\n');
    }
}
