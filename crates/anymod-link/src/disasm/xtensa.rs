//! Xtensa instructions as a table: the core, code density, windowed registers, loops, multiplication and division, and
//! single-precision floating point, which is what the ESP8266 and the ESP32 family have. MAC16 and vendor instructions
//! are not in it and come out as bytes.
//!
//! Facts from the Xtensa Instruction Set Architecture Reference Manual (little-endian configurations).

use super::Line;

/// Disassembles from `base`, byte by byte where no instruction is known.
pub(super) fn disassemble(code: &[u8], base: u64) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let address = base.wrapping_add(at as u64);
        let rest = code.get(at..).unwrap_or_default();
        let (len, text) = match decode(rest, address as u32) {
            Some(found) => found,
            None => (1, super::byte_text(rest.get(..1).unwrap_or_default())),
        };
        lines.push(Line { address, bytes: rest.get(..len).unwrap_or_default().to_vec(), text });
        at += len;
    }
    lines
}

/// The instruction's length and text.
fn decode(code: &[u8], address: u32) -> Option<(usize, String)> {
    let (low, high) = (*code.first()?, *code.get(1)?);
    let narrow = u32::from(high) << 8 | u32::from(low);
    let (len, word) = match low & 0xf {
        0..=7 => (3, u32::from(*code.get(2)?) << 16 | narrow),
        8..=13 => (2, narrow),
        _ => return None,
    };
    let row = TABLE.iter().find(|row| word & row.mask == row.bits)?;
    let operands: Vec<String> =
        row.operands.iter().filter_map(|operand| show(*operand, word, address)).collect();
    let name = special(row, word).unwrap_or_else(|| row.name.to_owned());
    Some((len, format!("{name} {}", operands.join(", ")).trim_end().to_owned()))
}

/// The name with the special register that `rsr`, `wsr` and `xsr` read or write.
fn special(row: &Row, word: u32) -> Option<String> {
    let number = word >> 8 & 0xff;
    let named = row.operands.contains(&Special);
    if row.name == "wsr" && number == 226 {
        // Writing the register of pending interrupts sets bits of it, and it goes by another name then.
        return Some("wsr.intset".to_owned());
    }
    let register = SPECIAL_REGISTERS.iter().find(|(known, _)| *known == number);
    register.filter(|_| named).map(|(_, register)| format!("{}.{register}", row.name))
}

struct Row {
    name: &'static str,
    mask: u32,
    bits: u32,
    operands: &'static [Operand],
}

/// Where an operand is in the instruction and what it means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operand {
    /// Address register in field r, s or t.
    R,
    S,
    T,
    /// Floating point register.
    Fr,
    Fs,
    Ft,
    /// Boolean register.
    Br,
    Bs,
    Bt,
    /// Fields as they are.
    ImmS,
    ImmT,
    /// Field t, signed.
    ImmTSigned,
    /// Field t plus 7, of `sext` and `clamps`.
    ImmTPlus7,
    /// Special register that has no name; named ones are part of the mnemonic.
    Special,
    /// User register of `rur` and of `wur`.
    UserRead,
    UserWrite,
    /// Byte offset in words scaled from field r, of narrow loads and stores.
    NarrowOffset,
    /// Byte offset of `l32e` and `s32e`.
    WindowOffset,
    /// Eight bits, scaled by a shift.
    Offset(u8),
    /// Eight bits, signed, scaled by a shift.
    Signed8(u8),
    /// `movi`.
    Signed12,
    /// `addi.n`.
    NarrowAdd,
    /// `movi.n`.
    NarrowMove,
    /// `entry`.
    Frame,
    /// Shift amounts.
    ShiftLeft,
    ShiftRightS,
    ShiftSetup,
    ExtractShift,
    ExtractWidth,
    /// Bit number of `bbci` and `bbsi`.
    Bit,
    /// Constants of comparing branches.
    Constant,
    ConstantUnsigned,
    /// Targets.
    Branch8,
    Branch12,
    Jump18,
    Call,
    Loop,
    NarrowBranch,
    Literal,
}
use Operand::{
    Bit, Br, Branch8, Branch12, Bs, Bt, Call, Constant, ConstantUnsigned, ExtractShift,
    ExtractWidth, Fr, Frame, Fs, Ft, ImmS, ImmT, ImmTPlus7, ImmTSigned, Jump18, Literal, Loop,
    NarrowAdd, NarrowBranch, NarrowMove, NarrowOffset, Offset, R, S, ShiftLeft, ShiftRightS,
    ShiftSetup, Signed8, Signed12, Special, T, UserRead, UserWrite, WindowOffset,
};

fn signed(value: u32, bits: u32) -> i32 {
    (value << (32 - bits)) as i32 >> (32 - bits)
}

fn show(operand: Operand, word: u32, address: u32) -> Option<String> {
    let field = |shift: u32, bits: u32| word >> shift & ((1 << bits) - 1);
    let (t, s, r) = (field(4, 4), field(8, 4), field(12, 4));
    let target =
        |offset: i32| format!("{:#x}", address.wrapping_add(4).wrapping_add_signed(offset));
    Some(match operand {
        R => format!("a{r}"),
        S => format!("a{s}"),
        T => format!("a{t}"),
        Fr => format!("f{r}"),
        Fs => format!("f{s}"),
        Ft => format!("f{t}"),
        Br => format!("b{r}"),
        Bs => format!("b{s}"),
        Bt => format!("b{t}"),
        ImmS => s.to_string(),
        ImmT => t.to_string(),
        ImmTSigned => signed(t, 4).to_string(),
        ImmTPlus7 => (t + 7).to_string(),
        Special => {
            let number = field(8, 8);
            let named = SPECIAL_REGISTERS.iter().any(|(known, _)| *known == number);
            return (!named).then(|| number.to_string());
        }
        UserRead => (s << 4 | t).to_string(),
        UserWrite => field(8, 8).to_string(),
        NarrowOffset => (r * 4).to_string(),
        WindowOffset => (r as i32 * 4 - 64).to_string(),
        Offset(shift) => (field(16, 8) << shift).to_string(),
        Signed8(shift) => (signed(field(16, 8), 8) << shift).to_string(),
        Signed12 => signed(s << 8 | field(16, 8), 12).to_string(),
        NarrowAdd => if t == 0 { -1 } else { t as i32 }.to_string(),
        NarrowMove => {
            let value = field(4, 3) << 4 | r;
            (if value >= 96 { value as i32 - 128 } else { value as i32 }).to_string()
        }
        Frame => (field(12, 12) * 8).to_string(),
        ShiftLeft => (32 - (field(20, 1) << 4 | t)).to_string(),
        ShiftRightS => (field(20, 1) << 4 | s).to_string(),
        ShiftSetup => (field(4, 1) << 4 | s).to_string(),
        ExtractShift => (field(16, 1) << 4 | s).to_string(),
        ExtractWidth => (field(20, 4) + 1).to_string(),
        Bit => (field(12, 1) << 4 | t).to_string(),
        Constant => constant(r, [-1, 1]),
        ConstantUnsigned => constant(r, [32768, 65536]),
        Branch8 => target(signed(field(16, 8), 8)),
        Branch12 => target(signed(field(12, 12), 12)),
        Jump18 => target(signed(field(6, 18), 18)),
        Call => format!(
            "{:#x}",
            (address & !3).wrapping_add(4).wrapping_add_signed(signed(field(6, 18), 18) << 2)
        ),
        Loop => target(field(16, 8) as i32),
        NarrowBranch => target((field(4, 2) << 4 | r) as i32),
        Literal => format!(
            "{:#x}",
            (address.wrapping_add(3) & !3).wrapping_add(0xfffc_0000 | field(8, 16) << 2)
        ),
    })
}

/// The sixteen constants that comparing branches have; the first two depend on the branch's signedness.
fn constant(index: u32, first: [i32; 2]) -> String {
    const REST: [i32; 14] = [2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64, 128, 256];
    first.iter().chain(&REST).nth(index as usize).map_or(String::new(), ToString::to_string)
}

const fn row(name: &'static str, mask: u32, bits: u32, operands: &'static [Operand]) -> Row {
    Row { name, mask, bits, operands }
}

/// Mask of an instruction without operands.
const FULL: u32 = 0xff_ffff;
/// Mask of an instruction with operands in the fields r, s and t.
const RST: u32 = 0xff_000f;

#[rustfmt::skip]
static TABLE: &[Row] = &[
    // Narrow instructions, two bytes.
    row("l32i.n",  0x000f, 0x0008, &[T, S, NarrowOffset]),
    row("s32i.n",  0x000f, 0x0009, &[T, S, NarrowOffset]),
    row("add.n",   0x000f, 0x000a, &[R, S, T]),
    row("addi.n",  0x000f, 0x000b, &[R, S, NarrowAdd]),
    row("movi.n",  0x008f, 0x000c, &[S, NarrowMove]),
    row("beqz.n",  0x00cf, 0x008c, &[S, NarrowBranch]),
    row("bnez.n",  0x00cf, 0x00cc, &[S, NarrowBranch]),
    row("mov.n",   0xf00f, 0x000d, &[T, S]),
    row("ret.n",   0xffff, 0xf00d, &[]),
    row("retw.n",  0xffff, 0xf01d, &[]),
    row("break.n", 0xf0ff, 0xf02d, &[ImmS]),
    row("nop.n",   0xffff, 0xf03d, &[]),
    row("ill.n",   0xffff, 0xf06d, &[]),

    // Calls, jumps and state.
    row("ill",     FULL, 0x000000, &[]),
    row("ret",     FULL, 0x000080, &[]),
    row("retw",    FULL, 0x000090, &[]),
    row("jx",      0xfff0ff, 0x0000a0, &[S]),
    row("callx0",  0xfff0ff, 0x0000c0, &[S]),
    row("callx4",  0xfff0ff, 0x0000d0, &[S]),
    row("callx8",  0xfff0ff, 0x0000e0, &[S]),
    row("callx12", 0xfff0ff, 0x0000f0, &[S]),
    row("movsp",   0xfff00f, 0x001000, &[T, S]),
    row("isync",   FULL, 0x002000, &[]),
    row("rsync",   FULL, 0x002010, &[]),
    row("esync",   FULL, 0x002020, &[]),
    row("dsync",   FULL, 0x002030, &[]),
    row("excw",    FULL, 0x002080, &[]),
    row("memw",    FULL, 0x0020c0, &[]),
    row("extw",    FULL, 0x0020d0, &[]),
    row("nop",     FULL, 0x0020f0, &[]),
    row("rfe",     FULL, 0x003000, &[]),
    row("rfde",    FULL, 0x003200, &[]),
    row("rfwo",    FULL, 0x003400, &[]),
    row("rfwu",    FULL, 0x003500, &[]),
    row("rfi",     0xfff0ff, 0x003010, &[ImmS]),
    row("break",   0xfff00f, 0x004000, &[ImmS, ImmT]),
    row("syscall", FULL, 0x005000, &[]),
    row("simcall", FULL, 0x005100, &[]),
    row("rsil",    0xfff00f, 0x006000, &[T, ImmS]),
    row("waiti",   0xfff0ff, 0x007000, &[ImmS]),
    row("any4",    0xfff00f, 0x008000, &[Bt, Bs]),
    row("all4",    0xfff00f, 0x009000, &[Bt, Bs]),
    row("any8",    0xfff00f, 0x00a000, &[Bt, Bs]),
    row("all8",    0xfff00f, 0x00b000, &[Bt, Bs]),

    // Arithmetic.
    row("and",     RST, 0x100000, &[R, S, T]),
    row("or",      RST, 0x200000, &[R, S, T]),
    row("xor",     RST, 0x300000, &[R, S, T]),
    row("ssr",     0xfff0ff, 0x400000, &[S]),
    row("ssl",     0xfff0ff, 0x401000, &[S]),
    row("ssa8l",   0xfff0ff, 0x402000, &[S]),
    row("ssa8b",   0xfff0ff, 0x403000, &[S]),
    row("ssai",    0xfff0ef, 0x404000, &[ShiftSetup]),
    row("rer",     0xfff00f, 0x406000, &[T, S]),
    row("wer",     0xfff00f, 0x407000, &[T, S]),
    row("rotw",    0xffff0f, 0x408000, &[ImmTSigned]),
    row("nsa",     0xfff00f, 0x40e000, &[T, S]),
    row("nsau",    0xfff00f, 0x40f000, &[T, S]),
    row("ritlb0",  0xfff00f, 0x503000, &[T, S]),
    row("iitlb",   0xfff0ff, 0x504000, &[S]),
    row("pitlb",   0xfff00f, 0x505000, &[T, S]),
    row("witlb",   0xfff00f, 0x506000, &[T, S]),
    row("ritlb1",  0xfff00f, 0x507000, &[T, S]),
    row("rdtlb0",  0xfff00f, 0x50b000, &[T, S]),
    row("idtlb",   0xfff0ff, 0x50c000, &[S]),
    row("pdtlb",   0xfff00f, 0x50d000, &[T, S]),
    row("wdtlb",   0xfff00f, 0x50e000, &[T, S]),
    row("rdtlb1",  0xfff00f, 0x50f000, &[T, S]),
    row("neg",     0xff0f0f, 0x600000, &[R, T]),
    row("abs",     0xff0f0f, 0x600100, &[R, T]),
    row("add",     RST, 0x800000, &[R, S, T]),
    row("addx2",   RST, 0x900000, &[R, S, T]),
    row("addx4",   RST, 0xa00000, &[R, S, T]),
    row("addx8",   RST, 0xb00000, &[R, S, T]),
    row("sub",     RST, 0xc00000, &[R, S, T]),
    row("subx2",   RST, 0xd00000, &[R, S, T]),
    row("subx4",   RST, 0xe00000, &[R, S, T]),
    row("subx8",   RST, 0xf00000, &[R, S, T]),
    row("slli",    0xef000f, 0x010000, &[R, S, ShiftLeft]),
    row("srai",    0xef000f, 0x210000, &[R, T, ShiftRightS]),
    row("srli",    RST, 0x410000, &[R, T, ImmS]),
    row("xsr",     RST, 0x610000, &[T, Special]),
    row("src",     RST, 0x810000, &[R, S, T]),
    row("srl",     0xff0f0f, 0x910000, &[R, T]),
    row("sll",     0xff00ff, 0xa10000, &[R, S]),
    row("sra",     0xff0f0f, 0xb10000, &[R, T]),
    row("mul16u",  RST, 0xc10000, &[R, S, T]),
    row("mul16s",  RST, 0xd10000, &[R, S, T]),
    row("andb",    RST, 0x020000, &[Br, Bs, Bt]),
    row("andbc",   RST, 0x120000, &[Br, Bs, Bt]),
    row("orb",     RST, 0x220000, &[Br, Bs, Bt]),
    row("orbc",    RST, 0x320000, &[Br, Bs, Bt]),
    row("xorb",    RST, 0x420000, &[Br, Bs, Bt]),
    row("mull",    RST, 0x820000, &[R, S, T]),
    row("muluh",   RST, 0xa20000, &[R, S, T]),
    row("mulsh",   RST, 0xb20000, &[R, S, T]),
    row("quou",    RST, 0xc20000, &[R, S, T]),
    row("quos",    RST, 0xd20000, &[R, S, T]),
    row("remu",    RST, 0xe20000, &[R, S, T]),
    row("rems",    RST, 0xf20000, &[R, S, T]),
    row("rsr",     RST, 0x030000, &[T, Special]),
    row("wsr",     RST, 0x130000, &[T, Special]),
    row("sext",    RST, 0x230000, &[R, S, ImmTPlus7]),
    row("clamps",  RST, 0x330000, &[R, S, ImmTPlus7]),
    row("min",     RST, 0x430000, &[R, S, T]),
    row("max",     RST, 0x530000, &[R, S, T]),
    row("minu",    RST, 0x630000, &[R, S, T]),
    row("maxu",    RST, 0x730000, &[R, S, T]),
    row("moveqz",  RST, 0x830000, &[R, S, T]),
    row("movnez",  RST, 0x930000, &[R, S, T]),
    row("movltz",  RST, 0xa30000, &[R, S, T]),
    row("movgez",  RST, 0xb30000, &[R, S, T]),
    row("movf",    RST, 0xc30000, &[R, S, Bt]),
    row("movt",    RST, 0xd30000, &[R, S, Bt]),
    row("rur",     RST, 0xe30000, &[R, UserRead]),
    row("wur",     RST, 0xf30000, &[T, UserWrite]),
    row("extui",   0x0e000f, 0x040000, &[R, T, ExtractShift, ExtractWidth]),

    // Floating point.
    row("lsx",     RST, 0x080000, &[Fr, S, T]),
    row("lsxu",    RST, 0x180000, &[Fr, S, T]),
    row("ssx",     RST, 0x480000, &[Fr, S, T]),
    row("ssxu",    RST, 0x580000, &[Fr, S, T]),
    row("add.s",   RST, 0x0a0000, &[Fr, Fs, Ft]),
    row("sub.s",   RST, 0x1a0000, &[Fr, Fs, Ft]),
    row("mul.s",   RST, 0x2a0000, &[Fr, Fs, Ft]),
    row("madd.s",  RST, 0x4a0000, &[Fr, Fs, Ft]),
    row("msub.s",  RST, 0x5a0000, &[Fr, Fs, Ft]),
    row("round.s", RST, 0x8a0000, &[R, Fs, ImmT]),
    row("trunc.s", RST, 0x9a0000, &[R, Fs, ImmT]),
    row("floor.s", RST, 0xaa0000, &[R, Fs, ImmT]),
    row("ceil.s",  RST, 0xba0000, &[R, Fs, ImmT]),
    row("float.s", RST, 0xca0000, &[Fr, S, ImmT]),
    row("ufloat.s", RST, 0xda0000, &[Fr, S, ImmT]),
    row("utrunc.s", RST, 0xea0000, &[R, Fs, ImmT]),
    row("mov.s",   0xff00ff, 0xfa0000, &[Fr, Fs]),
    row("abs.s",   0xff00ff, 0xfa0010, &[Fr, Fs]),
    row("rfr",     0xff00ff, 0xfa0040, &[R, Fs]),
    row("wfr",     0xff00ff, 0xfa0050, &[Fr, S]),
    row("neg.s",   0xff00ff, 0xfa0060, &[Fr, Fs]),
    row("un.s",    RST, 0x1b0000, &[Br, Fs, Ft]),
    row("oeq.s",   RST, 0x2b0000, &[Br, Fs, Ft]),
    row("ueq.s",   RST, 0x3b0000, &[Br, Fs, Ft]),
    row("olt.s",   RST, 0x4b0000, &[Br, Fs, Ft]),
    row("ult.s",   RST, 0x5b0000, &[Br, Fs, Ft]),
    row("ole.s",   RST, 0x6b0000, &[Br, Fs, Ft]),
    row("ule.s",   RST, 0x7b0000, &[Br, Fs, Ft]),
    row("moveqz.s", RST, 0x8b0000, &[Fr, Fs, T]),
    row("movnez.s", RST, 0x9b0000, &[Fr, Fs, T]),
    row("movltz.s", RST, 0xab0000, &[Fr, Fs, T]),
    row("movgez.s", RST, 0xbb0000, &[Fr, Fs, T]),
    row("movf.s",  RST, 0xcb0000, &[Fr, Fs, Bt]),
    row("movt.s",  RST, 0xdb0000, &[Fr, Fs, Bt]),
    row("lsi",     0x00f00f, 0x000003, &[Ft, S, Offset(2)]),
    row("ssi",     0x00f00f, 0x004003, &[Ft, S, Offset(2)]),
    row("lsiu",    0x00f00f, 0x008003, &[Ft, S, Offset(2)]),
    row("ssiu",    0x00f00f, 0x00c003, &[Ft, S, Offset(2)]),

    // Loads, stores and immediates.
    row("l32e",    RST, 0x090000, &[T, S, WindowOffset]),
    row("s32e",    RST, 0x490000, &[T, S, WindowOffset]),
    row("l32r",    0x00000f, 0x000001, &[T, Literal]),
    row("l8ui",    0x00f00f, 0x000002, &[T, S, Offset(0)]),
    row("l16ui",   0x00f00f, 0x001002, &[T, S, Offset(1)]),
    row("l32i",    0x00f00f, 0x002002, &[T, S, Offset(2)]),
    row("s8i",     0x00f00f, 0x004002, &[T, S, Offset(0)]),
    row("s16i",    0x00f00f, 0x005002, &[T, S, Offset(1)]),
    row("s32i",    0x00f00f, 0x006002, &[T, S, Offset(2)]),
    row("dpfr",    0x00f0ff, 0x007002, &[S, Offset(2)]),
    row("dpfw",    0x00f0ff, 0x007012, &[S, Offset(2)]),
    row("dpfro",   0x00f0ff, 0x007022, &[S, Offset(2)]),
    row("dpfwo",   0x00f0ff, 0x007032, &[S, Offset(2)]),
    row("dhwb",    0x00f0ff, 0x007042, &[S, Offset(2)]),
    row("dhwbi",   0x00f0ff, 0x007052, &[S, Offset(2)]),
    row("dhi",     0x00f0ff, 0x007062, &[S, Offset(2)]),
    row("dii",     0x00f0ff, 0x007072, &[S, Offset(2)]),
    row("ipf",     0x00f0ff, 0x0070c2, &[S, Offset(2)]),
    row("ihi",     0x00f0ff, 0x0070e2, &[S, Offset(2)]),
    row("iii",     0x00f0ff, 0x0070f2, &[S, Offset(2)]),
    row("l16si",   0x00f00f, 0x009002, &[T, S, Offset(1)]),
    row("movi",    0x00f00f, 0x00a002, &[T, Signed12]),
    row("l32ai",   0x00f00f, 0x00b002, &[T, S, Offset(2)]),
    row("addi",    0x00f00f, 0x00c002, &[T, S, Signed8(0)]),
    row("addmi",   0x00f00f, 0x00d002, &[T, S, Signed8(8)]),
    row("s32c1i",  0x00f00f, 0x00e002, &[T, S, Offset(2)]),
    row("s32ri",   0x00f00f, 0x00f002, &[T, S, Offset(2)]),

    // Control flow.
    row("call0",   0x00003f, 0x000005, &[Call]),
    row("call4",   0x00003f, 0x000015, &[Call]),
    row("call8",   0x00003f, 0x000025, &[Call]),
    row("call12",  0x00003f, 0x000035, &[Call]),
    row("j",       0x00003f, 0x000006, &[Jump18]),
    row("beqz",    0x0000ff, 0x000016, &[S, Branch12]),
    row("bnez",    0x0000ff, 0x000056, &[S, Branch12]),
    row("bltz",    0x0000ff, 0x000096, &[S, Branch12]),
    row("bgez",    0x0000ff, 0x0000d6, &[S, Branch12]),
    row("beqi",    0x0000ff, 0x000026, &[S, Constant, Branch8]),
    row("bnei",    0x0000ff, 0x000066, &[S, Constant, Branch8]),
    row("blti",    0x0000ff, 0x0000a6, &[S, Constant, Branch8]),
    row("bgei",    0x0000ff, 0x0000e6, &[S, Constant, Branch8]),
    row("entry",   0x0000ff, 0x000036, &[S, Frame]),
    row("bf",      0x00f0ff, 0x000076, &[Bs, Branch8]),
    row("bt",      0x00f0ff, 0x001076, &[Bs, Branch8]),
    row("loop",    0x00f0ff, 0x008076, &[S, Loop]),
    row("loopnez", 0x00f0ff, 0x009076, &[S, Loop]),
    row("loopgtz", 0x00f0ff, 0x00a076, &[S, Loop]),
    row("bltui",   0x0000ff, 0x0000b6, &[S, ConstantUnsigned, Branch8]),
    row("bgeui",   0x0000ff, 0x0000f6, &[S, ConstantUnsigned, Branch8]),
    row("bnone",   0x00f00f, 0x000007, &[S, T, Branch8]),
    row("beq",     0x00f00f, 0x001007, &[S, T, Branch8]),
    row("blt",     0x00f00f, 0x002007, &[S, T, Branch8]),
    row("bltu",    0x00f00f, 0x003007, &[S, T, Branch8]),
    row("ball",    0x00f00f, 0x004007, &[S, T, Branch8]),
    row("bbc",     0x00f00f, 0x005007, &[S, T, Branch8]),
    row("bbci",    0x00e00f, 0x006007, &[S, Bit, Branch8]),
    row("bany",    0x00f00f, 0x008007, &[S, T, Branch8]),
    row("bne",     0x00f00f, 0x009007, &[S, T, Branch8]),
    row("bge",     0x00f00f, 0x00a007, &[S, T, Branch8]),
    row("bgeu",    0x00f00f, 0x00b007, &[S, T, Branch8]),
    row("bnall",   0x00f00f, 0x00c007, &[S, T, Branch8]),
    row("bbs",     0x00f00f, 0x00d007, &[S, T, Branch8]),
    row("bbsi",    0x00e00f, 0x00e007, &[S, Bit, Branch8]),
];

/// Numbers and names of the special registers that code on these chips touches.
#[rustfmt::skip]
const SPECIAL_REGISTERS: [(u32, &str); 61] = [
    (0, "lbeg"), (1, "lend"), (2, "lcount"), (3, "sar"), (4, "br"), (5, "litbase"), (12, "scompare1"),
    (16, "acclo"), (17, "acchi"), (32, "m0"), (33, "m1"), (34, "m2"), (35, "m3"), (72, "windowbase"),
    (73, "windowstart"), (83, "ptevaddr"), (96, "ibreakenable"), (97, "memctl"), (99, "atomctl"), (104, "ddr"),
    (128, "ibreaka0"), (129, "ibreaka1"), (144, "dbreaka0"), (145, "dbreaka1"), (160, "dbreakc0"),
    (161, "dbreakc1"), (176, "configid0"), (177, "epc1"), (178, "epc2"), (179, "epc3"), (180, "epc4"), (181, "epc5"),
    (182, "epc6"), (183, "epc7"), (192, "depc"), (194, "eps2"), (195, "eps3"), (196, "eps4"), (197, "eps5"),
    (198, "eps6"), (199, "eps7"), (208, "configid1"), (209, "excsave1"), (210, "excsave2"), (211, "excsave3"),
    (224, "cpenable"), (226, "interrupt"), (227, "intclear"), (228, "intenable"), (230, "ps"), (231, "vecbase"),
    (232, "exccause"), (233, "debugcause"), (234, "ccount"), (235, "prid"), (236, "icount"), (237, "icountlevel"),
    (238, "excvaddr"), (240, "ccompare0"), (241, "ccompare1"), (244, "misc0"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_consistent_and_reachable() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.bits & !row.mask, 0, "{} has bits outside of its mask", row.name);
            let first = TABLE.iter().position(|other| row.bits & other.mask == other.bits);
            assert_eq!(first, Some(index), "{} is hidden by an earlier row", row.name);
        }
    }

    /// Encodings and texts as GNU objdump for lx106 and esp32 shows them, at address 0x100.
    const KNOWN: &[(&[u8], &str)] = &[
        (&[0x12, 0xc1, 0xf0], "addi a1, a1, -16"),
        (&[0x02, 0x61, 0x03], "s32i a0, a1, 12"),
        (&[0x09, 0x31], "s32i.n a0, a1, 12"),
        (&[0x0c, 0x12], "movi.n a2, 1"),
        (&[0x7c, 0xf2], "movi.n a2, -1"),
        (&[0x6c, 0x12], "movi.n a2, -31"),
        (&[0x22, 0xaf, 0xff], "movi a2, -1"),
        (&[0x21, 0xff, 0xff], "l32r a2, 0xfc"),
        (&[0x06, 0x00, 0x00], "j 0x104"),
        (&[0x46, 0xff, 0xff], "j 0x101"),
        (&[0x05, 0x00, 0x00], "call0 0x104"),
        (&[0x0d, 0xf0], "ret.n"),
        (&[0x36, 0x41, 0x00], "entry a1, 32"),
        (&[0x1d, 0xf0], "retw.n"),
        (&[0xe0, 0x08, 0x00], "callx8 a8"),
        (&[0xc0, 0x20, 0x00], "memw"),
        (&[0x70, 0x22, 0x74], "extui a2, a7, 2, 8"),
        (&[0x50, 0x31, 0x11], "slli a3, a1, 11"),
        (&[0x50, 0x3f, 0x31], "srai a3, a5, 31"),
        (&[0x20, 0x03, 0x03], "rsr.sar a2"),
        (&[0x20, 0xc8, 0x03], "rsr a2, 200"),
        (&[0x76, 0x82, 0x05], "loop a2, 0x109"),
        (&[0x26, 0x02, 0x00], "beqi a2, -1, 0x104"),
        (&[0xf6, 0x12, 0x00], "bgeui a2, 65536, 0x104"),
        (&[0x8c, 0x12], "beqz.n a2, 0x105"),
        (&[0x0b, 0x22], "addi.n a2, a2, -1"),
        (&[0x30, 0x22, 0x82], "mull a2, a2, a3"),
        (&[0x20, 0x32, 0x0a], "add.s f3, f2, f2"),
        (&[0x0e, 0x00, 0x00], ".byte 0x0e"),
    ];

    #[test]
    fn known_encodings() {
        for (bytes, text) in KNOWN {
            let line = disassemble(bytes, 0x100).remove(0);
            assert_eq!(line.text, *text, "{bytes:x?}");
        }
    }

    #[test]
    fn every_byte_is_in_exactly_one_line() {
        let code: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        let lines = disassemble(&code, 7);
        let bytes: Vec<u8> = lines.iter().flat_map(|line| line.bytes.clone()).collect();
        assert_eq!(bytes, code);
        assert!(
            lines
                .windows(2)
                .all(|pair| { pair[0].address + pair[0].bytes.len() as u64 == pair[1].address })
        );
    }
}
