//! The dump as text.

use std::fmt::{Result, Write};

use super::{Dump, DumpCode};

impl Dump {
    /// The dump as lines for a terminal, ending with a newline.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.head(&mut out);
        let _ = self.tables(&mut out);
        let _ = code(&mut out, &self.code, 0);
        if self.trailing != 0 {
            let _ = writeln!(out, "bytes after the end: {}", self.trailing);
        }
        out
    }

    fn head(&self, out: &mut String) -> Result {
        writeln!(out, "{}: {} bytes", self.file, self.sizes.file)?;
        let arch = self.arch.as_deref().unwrap_or("bytecode only");
        writeln!(out, "version {} (MicroPython {}), {arch}", self.version, self.releases)?;
        if let Some(flags) = self.arch_flags {
            writeln!(out, "architecture flags {flags:#x}")?;
        }
        writeln!(out, "small integers of {} bits", self.small_int_bits)?;
        writeln!(out, "stored name `{}`", self.source_name.escape_debug())?;
        let sizes = &self.sizes;
        writeln!(
            out,
            "sizes: text {}, rodata {}, bss {}, bytecode {}, {} relocated words",
            sizes.text, sizes.rodata, sizes.bss, sizes.bytecode, sizes.relocations
        )
    }

    fn tables(&self, out: &mut String) -> Result {
        writeln!(out, "\n{} qstrs", self.qstrs.len())?;
        for (index, qstr) in self.qstrs.iter().enumerate() {
            write!(out, "{index:6}  {}", qstr.text.escape_debug())?;
            match qstr.static_number {
                Some(number) => writeln!(out, "  (static {number})")?,
                None => writeln!(out)?,
            }
        }
        writeln!(out, "{} constants", self.objects.len())?;
        for (index, object) in self.objects.iter().enumerate() {
            writeln!(out, "{index:6}  {object}")?;
        }
        Ok(())
    }
}

fn code(out: &mut String, piece: &DumpCode, depth: usize) -> Result {
    let indent = "  ".repeat(depth);
    write!(out, "\n{indent}{}", piece.kind)?;
    if let Some(name) = &piece.name {
        write!(out, " {}({})", name.escape_debug(), piece.arguments.join(", "))?;
    }
    write!(out, ": {} bytes at {:#x}", piece.size, piece.offset)?;
    if piece.scope_flags != 0 {
        write!(out, ", scope flags {:#x}", piece.scope_flags)?;
    }
    if piece.rodata != 0 {
        write!(out, ", rodata {}", piece.rodata)?;
    }
    if piece.bss != 0 {
        write!(out, ", bss {}", piece.bss)?;
    }
    writeln!(out)?;
    for line in &piece.lines {
        writeln!(out, "{indent}{line}")?;
    }
    if !piece.relocations.is_empty() {
        writeln!(out, "{indent}relocated words")?;
    }
    for relocation in &piece.relocations {
        let place = format!("{}+{:#x}", relocation.section, relocation.address);
        writeln!(out, "{indent}  {place:<16} {}", relocation.target)?;
    }
    piece.children.iter().try_for_each(|child| code(out, child, depth + 1))
}
