//! What a member of an archive is, and why it cannot be in a WebAssembly link if it cannot.

use anymod_model::codes::{link, wasm as code};
use anymod_model::{Diagnostic, Place};
use object::{Object as _, ObjectKind};

use super::object::{Object, read_object};

/// Reads a member as an object.
///
/// # Errors
/// In one line each: `L0012` if it is empty, `G0101` if it is native code or no object at all, `L0007` if it is bitcode,
/// `L0010` if it is an archive itself, `G0102` if it was linked already, `L0602` if it is damaged.
pub fn read_member<'a>(bytes: &'a [u8], place: &Place) -> Result<Object<'a>, Diagnostic> {
    if bytes.starts_with(b"\0asm") {
        return read_object(bytes, place);
    }
    let refuse = |code, message: String, hint: &str| {
        Err(Diagnostic::error(code, message).at(place.clone()).hint(hint))
    };
    if bytes.is_empty() {
        return refuse(&link::EMPTY_INPUT, "the member is empty".to_owned(), "build it again");
    }
    if crate::archive::is_archive(bytes) {
        let hint = "unpack it with `ar x` and make one flat archive";
        return refuse(&link::NESTED_ARCHIVE, "the member is itself an archive".to_owned(), hint);
    }
    if bytes.starts_with(b"BC\xc0\xde") || bytes.starts_with(b"\xde\xc0\x17\x0b") {
        let hint = "compile with `-fno-lto`: bitcode binds you to one version of LLVM";
        return refuse(&link::LTO_OBJECT, "LLVM bitcode, not WebAssembly".to_owned(), hint);
    }
    refuse(
        &code::NOT_WASM_OBJECT,
        what_else(bytes),
        "build the archive for wasm32, or leave it out of the bundle",
    )
}

/// What it is instead.
fn what_else(bytes: &[u8]) -> String {
    let Ok(file) = object::File::parse(bytes) else {
        return "not a WebAssembly object".to_owned();
    };
    let kind = match file.kind() {
        ObjectKind::Relocatable => "object",
        ObjectKind::Executable => "program",
        ObjectKind::Dynamic => "shared library",
        _ => "file",
    };
    let architecture = format!("{:?}", file.architecture()).to_lowercase();
    let format = match file.format() {
        object::BinaryFormat::Elf => "ELF",
        object::BinaryFormat::MachO => "Mach-O",
        object::BinaryFormat::Coff | object::BinaryFormat::Pe => "COFF",
        _ => "native",
    };
    format!("native {format} {kind} for {architecture}, not a WebAssembly object")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_linked_is_named() {
        let mut native = object::write::Object::new(
            object::BinaryFormat::Elf,
            object::Architecture::X86_64,
            object::Endianness::Little,
        );
        native.add_file_symbol(b"a.c".to_vec());
        let native = native.write().unwrap();
        let cases: [(&[u8], &str, &str); 8] = [
            (b"", "L0012", "empty"),
            (b"!<arch>\n", "L0010", "archive"),
            (b"BC\xc0\xde", "L0007", "bitcode"),
            (&native, "G0101", "native ELF object for x86_64"),
            (b"int x;", "G0101", "not a WebAssembly object"),
            (b"\0asm\x01\0\0\0", "G0102", "linked already"),
            (b"\0asm\x0d\0\x01\0", "G0102", "component"),
            (b"\0asm\x01\0\0\0\x01\x20", "L0602", "damaged"),
        ];
        let place = Place::Binary {
            file: "x.a".to_owned(),
            member: Some("m.o".to_owned()),
            section: None,
            offset: None,
        };
        for (bytes, id, text) in cases {
            let error = read_member(bytes, &place).unwrap_err();
            assert_eq!(error.code.id, id, "{error}");
            assert!(error.message.contains(text) && !error.message.contains('\n'), "{error}");
            assert!(error.place.unwrap().to_string().starts_with("x.a(m.o)"));
        }
    }
}
