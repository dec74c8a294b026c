//! How a snapshot is written down: numbers, texts and expectations in bytes.

use super::{Expected, Users};
use crate::stat::Stat;

#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn number(&mut self, number: usize) {
        self.0.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.extend(text.as_bytes());
    }

    pub(super) fn expected(&mut self, expected: Expected) {
        let (stat, names) = match expected {
            Expected::Nothing => return self.0.push(0),
            Expected::NoFile => return self.0.push(1),
            Expected::Stat(stat) => (stat, None),
            Expected::Listing(stat, names) => (stat, Some(names)),
        };
        self.0.push(if names.is_some() { 3 } else { 2 });
        for word in [stat.size, stat.modified as u64, stat.changed as u64, stat.inode] {
            self.0.extend(word.to_le_bytes());
        }
        self.0.extend(names.into_iter().flat_map(u64::to_le_bytes));
    }

    pub(super) fn variable(&mut self, name: &str, value: Option<&str>) {
        self.text(name);
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            self.text(value);
        }
    }

    /// Writes the users of a file.
    pub(super) fn users(&mut self, users: &Users) {
        match users {
            Users::Outputs(outputs) => {
                self.number(outputs.len());
                self.0.extend(outputs.iter().flat_map(|output| output.to_le_bytes()));
            }
            Users::Everything => self.0.extend(EVERYTHING.to_le_bytes()),
        }
    }
}

/// A count of users that stands for everything.
const EVERYTHING: u32 = u32::MAX;

pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(super) fn word(&mut self) -> Option<u64> {
        let (word, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*word))
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*word))
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = self.number()? as usize;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    pub(super) fn expected(&mut self) -> Option<Expected> {
        match self.byte()? {
            0 => Some(Expected::Nothing),
            1 => Some(Expected::NoFile),
            2 => self.stat().map(Expected::Stat),
            _ => Some(Expected::Listing(self.stat()?, self.word()?)),
        }
    }

    fn stat(&mut self) -> Option<Stat> {
        let size = self.word()?;
        let (modified, changed) = (self.word()? as i64, self.word()? as i64);
        Some(Stat { size, modified, changed, inode: self.word()? })
    }

    pub(super) fn variable(&mut self) -> Option<(&'a str, Option<&'a str>)> {
        let name = self.text()?;
        let value = if self.byte()? == 0 { None } else { Some(self.text()?) };
        Some((name, value))
    }

    /// The bytes of the users of a file.
    pub(super) fn raw_users(&mut self) -> Option<&'a [u8]> {
        let start = self.0;
        let count = self.number()?;
        if count != EVERYTHING {
            self.0 = self.0.get((count as usize).checked_mul(4)?..)?;
        }
        start.get(..start.len() - self.0.len())
    }

    pub(super) fn users(&mut self) -> Option<Users> {
        let count = self.number()?;
        if count == EVERYTHING {
            return Some(Users::Everything);
        }
        (0..count).map(|_| self.number()).collect::<Option<_>>().map(Users::Outputs)
    }
}
