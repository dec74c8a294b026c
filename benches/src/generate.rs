//! Generated inputs: C programs whose objects refer to each other, the same for every run.

use std::fmt::Write;

/// The size of a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    /// Its files, besides the one with the entry.
    pub(crate) files: usize,
    /// Functions in each file.
    pub(crate) functions: usize,
}

/// A program whose files have about 10 KB of text each on a 32-bit target.
pub(crate) const LARGE: Program = Program { files: 200, functions: 60 };

/// C source of file number `file` of a program, after the lines of `head`, which include `stdint.h`. Functions call each
/// other within the file and across files, read constants, global and file-local tables, and take addresses, so that
/// every common kind of relocation occurs.
pub(crate) fn source(program: Program, file: usize, head: &str) -> String {
    let mut text = head.to_owned();
    let mut random = Random(file as u64 + 1);
    let next_file = (file + 1) % program.files;
    for function in 0..program.functions {
        for declared in [file, next_file] {
            let _ = writeln!(text, "uint32_t f{declared}_{function}(uint32_t a, uint32_t b);");
        }
    }
    let _ = writeln!(text, "extern const uint32_t table{next_file}[16];");
    let values: Vec<String> = (0..16).map(|_| format!("{:#x}u", random.next() as u32)).collect();
    let _ = writeln!(text, "const uint32_t table{file}[16] = {{{}}};", values.join(", "));
    let _ = writeln!(
        text,
        "static const char *const names[] = {{\"alpha{file}\", \"beta{file}\", \"gamma{file}\"}};"
    );
    for function in 0..program.functions {
        let _ = writeln!(text, "uint32_t f{file}_{function}(uint32_t a, uint32_t b) {{");
        for _ in 0..8 {
            let (shift, index) = (random.next() % 31 + 1, random.next() % 16);
            let constant = random.next() as u32;
            let table = if random.next().is_multiple_of(2) { file } else { next_file };
            let _ = writeln!(
                text,
                "  a = (a << {shift}) ^ (b + {constant:#x}u) ^ table{table}[(a + {index}) & 15];"
            );
            let _ =
                writeln!(text, "  if (a & {}u) b += names[a % 3][b & 3];", 1u64 << (shift % 31));
        }
        // Calls only go to later functions, so that the program ends.
        if function + 1 < program.functions {
            let _ = writeln!(text, "  b ^= f{next_file}_{}(b, a);", function + 1);
            let _ = writeln!(text, "  a += f{file}_{}(a, b);", function + 1);
        }
        let _ = writeln!(text, "  return a ^ b;\n}}");
    }
    text
}

/// C source of the program's entry.
pub(crate) fn entry() -> String {
    "#include <stdint.h>\nextern uint32_t f0_0(uint32_t a, uint32_t b);\n\
     void *mpy_init(void *self, unsigned long n, unsigned long k, void **args) {\n  \
     return (void *)(uintptr_t)f0_0((uint32_t)n, (uint32_t)k);\n}\n"
        .to_owned()
}

/// SplitMix64: all that is needed is the same numbers every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
