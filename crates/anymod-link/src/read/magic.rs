//! Tells inputs apart by their first bytes, including all the wrong things that end up on a linker's command line.

use anymod_model::codes::link as code;

use super::Fault;

/// What a linker can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// An ELF file.
    Elf,
    /// An `ar` archive with its members inside.
    Archive,
}

/// Identifies an input, or says what it is instead.
pub(crate) fn identify(data: &[u8]) -> Result<Format, Fault> {
    let is_macho = matches!(data.get(..4), Some([0xcf | 0xce, 0xfa, 0xed, 0xfe]));
    if data.is_empty() {
        Err(Fault::new(&code::EMPTY_INPUT, "the file is empty").hint("build it again"))
    } else if data.starts_with(b"\x7fELF") {
        Ok(Format::Elf)
    } else if data.starts_with(b"!<arch>\n") {
        Ok(Format::Archive)
    } else if data.starts_with(b"!<thin>\n") {
        Err(Fault::new(&code::THIN_ARCHIVE, "thin archive: its members are other files")
            .hint("make a normal archive: `ar rcs new.a $(ar t old.a)`"))
    } else if data.starts_with(b"BC\xc0\xde") || data.starts_with(b"\xde\xc0\x17\x0b") {
        Err(Fault::new(&code::LTO_OBJECT, "LLVM bitcode, not machine code")
            .hint("compile with `-fno-lto`"))
    } else if data.starts_with(b"\0asm") {
        Err(Fault::new(&code::WASM_OBJECT, "WebAssembly object")
            .hint("compile for the module's architecture"))
    } else if is_macho {
        Err(Fault::new(&code::NOT_AN_OBJECT, "Mach-O object of macOS").hint(
            "use a cross compiler that writes ELF, for example `zig cc -target …-freestanding`",
        ))
    } else if data.starts_with(b"M\x06") || data.starts_with(b"M\x05") {
        Err(Fault::new(&code::NOT_AN_OBJECT, "finished `.mpy` module")
            .hint("modules are merged, not linked: `anymod mpy merge`"))
    } else if looks_like_text(data) {
        Err(text_fault(data))
    } else {
        Err(Fault::new(&code::NOT_AN_OBJECT, "neither an ELF object nor an archive"))
    }
}

fn looks_like_text(data: &[u8]) -> bool {
    let head = data.get(..512).unwrap_or(data);
    head.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..))
}

fn text_fault(data: &[u8]) -> Fault {
    let head = String::from_utf8_lossy(data.get(..4096).unwrap_or(data));
    let script_words = ["GROUP", "INPUT", "OUTPUT_FORMAT", "SECTIONS"];
    if script_words.iter().any(|word| head.contains(word)) {
        Fault::new(&code::LINKER_SCRIPT, "linker script, not an archive")
            .hint("name the archives that the script lists instead")
    } else {
        Fault::new(&code::NOT_AN_OBJECT, "text file, neither an ELF object nor an archive")
            .hint("compile it first")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_inputs_are_named() {
        let cases: [(&[u8], &str); 9] = [
            (b"", "L0012"),
            (b"!<thin>\n", "L0009"),
            (b"BC\xc0\xde1234", "L0007"),
            (b"\xde\xc0\x17\x0b", "L0007"),
            (b"\0asm\x01\0\0\0", "L0008"),
            (b"/* GNU ld script */\nGROUP ( /lib/libm.so.6 )\n", "L0011"),
            (b"int main(void) { return 0; }\n", "L0001"),
            (b"\xcf\xfa\xed\xfe\0\0", "L0001"),
            (b"\0\x01\x02", "L0001"),
        ];
        for (bytes, id) in cases {
            assert_eq!(identify(bytes).unwrap_err().code.id, id, "{bytes:?}");
        }
    }
}
