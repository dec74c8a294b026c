//! A program of a few bytes to try an executor with: a static ELF executable for Linux on x86-64 that writes a text into
//! the file `out` and ends well. It needs no loader, no library and no shell.

const BASE: u64 = 0x40_0000;
const HEADERS: u64 = 64 + 56;
const NAME: &[u8] = b"out\0";

/// The program that writes this text.
pub(crate) fn program(text: &str) -> Vec<u8> {
    let code = code(text.len() as u32);
    let size = HEADERS + code.len() as u64 + NAME.len() as u64 + text.len() as u64;
    let mut bytes = Vec::new();
    // ELF header: 64 bits, little endian, version 1; executable, x86-64; entry, program headers; sizes of headers.
    bytes.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    bytes.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    for word in [BASE + HEADERS, 64, 0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0, 0, 0, 0, 0]);
    // One segment with everything in it: loaded, readable and executable.
    bytes.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    for word in [0, BASE, BASE, size, size, 0x1000] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(code);
    bytes.extend(NAME);
    bytes.extend(text.as_bytes());
    bytes
}

/// What a program of [`program`] writes.
pub(crate) fn written(program: &[u8]) -> Vec<u8> {
    let before = HEADERS as usize + code(0).len() + NAME.len();
    program.get(before..).unwrap_or_default().to_vec()
}

/// `open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644)`, `write(file, text, length)`, `exit(0)`. Name and text come right after.
fn code(length: u32) -> Vec<u8> {
    let mut code = vec![0xb8, 2, 0, 0, 0]; // mov eax, 2
    code.extend([0x48, 0x8d, 0x3d, 42, 0, 0, 0]); // lea rdi, [rip + name]
    code.extend([0xbe, 0x41, 2, 0, 0]); // mov esi, 0x241
    code.extend([0xba, 0xa4, 1, 0, 0]); // mov edx, 0644
    code.extend([0x0f, 0x05]); // syscall
    code.extend([0x89, 0xc7]); // mov edi, eax
    code.extend([0xb8, 1, 0, 0, 0]); // mov eax, 1
    code.extend([0x48, 0x8d, 0x35, 20, 0, 0, 0]); // lea rsi, [rip + text]
    code.push(0xba); // mov edx, length
    code.extend(length.to_le_bytes());
    code.extend([0x0f, 0x05]); // syscall
    code.extend([0x31, 0xff]); // xor edi, edi
    code.extend([0xb8, 60, 0, 0, 0]); // mov eax, 60
    code.extend([0x0f, 0x05]); // syscall
    code
}

#[cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_program_runs_here() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("probe");
        let program = super::program("some text");
        std::fs::write(&path, &program).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let status = std::process::Command::new(&path).current_dir(directory.path()).status();
        assert!(status.unwrap().success());
        let out = std::fs::read(directory.path().join("out")).unwrap();
        assert_eq!(out, b"some text");
        assert_eq!(out, super::written(&program));
    }
}
