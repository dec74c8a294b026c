//! Code itself: indices and jumps of bytecode, and where native code is entered.

use anymod_model::codes::pack as codes;
use anymod_model::{Diagnostic, mpy};

use super::super::bytecode::{self, Prelude};
use super::super::file::{Body, Code, Mpy};
use super::super::opcode::{self, Argument, Instruction};
use super::{Findings, Loader};

pub(super) fn check(findings: &mut Findings, mpy: &Mpy, piece: &Code, loader: &Loader) {
    match piece.body {
        Body::Bytecode => {
            if let Some(prelude) = prelude(findings, mpy, piece, 0) {
                instructions(findings, mpy, piece, prelude.instructions_at);
            }
        }
        Body::NativePy { prelude_offset } => {
            prelude(findings, mpy, piece, usize::try_from(prelude_offset).unwrap_or(usize::MAX));
            entry(findings, mpy, piece, loader);
        }
        Body::Viper { .. } | Body::Asm { .. } => entry(findings, mpy, piece, loader),
    }
}

fn prelude(findings: &mut Findings, mpy: &Mpy, piece: &Code, at: usize) -> Option<Prelude> {
    let place = piece.offset.0.saturating_add(at);
    let Some(prelude) = bytecode::prelude(&piece.data, at) else {
        findings.error(&codes::LOAD_BYTECODE, place, "a prelude does not fit its code");
        return None;
    };
    for name in &prelude.names {
        if *name >= mpy.qstrs.len() as u64 {
            let message = format!("a prelude names qstr {name}; there are {}", mpy.qstrs.len());
            findings.error(&codes::LOAD_BYTECODE, place, message);
        }
    }
    Some(prelude)
}

fn instructions(findings: &mut Findings, mpy: &Mpy, piece: &Code, start: usize) {
    let code = piece.data.get(start..).unwrap_or_default();
    let place = |at: usize| piece.offset.0 + start + at;
    let all = match bytecode::instructions(code) {
        Ok(all) => all,
        Err(at) => {
            findings.error(&codes::LOAD_BYTECODE, place(at), "bytecode ends inside an instruction");
            return;
        }
    };
    for instruction in &all {
        if let Some(problem) = problem(instruction, &all, mpy, piece, code.len()) {
            let message = format!("`{}` {problem}", opcode::name(instruction.opcode));
            findings.error(&codes::LOAD_BYTECODE, place(instruction.at), message);
        }
    }
}

fn problem(
    it: &Instruction,
    all: &[Instruction],
    mpy: &Mpy,
    piece: &Code,
    end: usize,
) -> Option<String> {
    let beyond = |what: &str, index: u64, len: usize| {
        (index >= len as u64).then(|| format!("uses {what} {index}; there are {len}"))
    };
    if opcode::name(it.opcode) == "?" {
        return Some(format!("is no opcode: {:#04x}", it.opcode));
    }
    match it.argument {
        Argument::Qstr(index) => beyond("qstr", index, mpy.qstrs.len()),
        Argument::Object(index) => beyond("constant", index, mpy.objects.len()),
        Argument::Number(index, _) if opcode::makes_function(it.opcode) => beyond(
            "piece of code",
            u64::try_from(index).unwrap_or(u64::MAX),
            piece.children().len(),
        ),
        Argument::Jump(target) => {
            let target = usize::try_from(target).ok();
            let lands = target.is_some_and(|target| {
                target == end || all.binary_search_by_key(&target, |it| it.at).is_ok()
            });
            (!lands).then(|| "does not lead to an instruction".to_owned())
        }
        Argument::None | Argument::Number(..) => None,
    }
}

/// Native code is called at its first byte; linked modules jump from there to `mpy_init`.
fn entry(findings: &mut Findings, mpy: &Mpy, piece: &Code, loader: &Loader) {
    let place = piece.offset.0;
    if piece.data.is_empty() {
        findings.error(
            &codes::LOAD_ENTRY,
            place,
            "native code is empty, so there is nothing to call",
        );
        return;
    }
    let linked = piece.scope_flags() & mpy::SCOPE_RELOC != 0;
    let (Some(arch), Some(jump_target)) = (mpy.header.arch(), loader.jump_target) else {
        return;
    };
    let len = piece.data.len();
    if let Some(target) = jump_target(arch, &piece.data).filter(|_| linked)
        && !usize::try_from(target).is_ok_and(|target| target < len)
    {
        let message =
            format!("the jump to `mpy_init` leads to {target:#x}; the code has {len:#x} bytes");
        findings.add(
            Diagnostic::error(&codes::LOAD_ENTRY, message)
                .hint("`mpy_ld.py` up to 1.28 jumps wrongly if `mpy_init` is not in the first section: link again with anymod"),
            place,
        );
    }
}
