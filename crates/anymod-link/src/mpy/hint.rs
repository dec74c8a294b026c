//! What to do about an error, where the architecture or the symbol says more than the code's own text.

use anymod_model::codes::link as code;
use anymod_model::{Arch, Code};

use super::options::Options;

/// The hint for a code under these options.
pub(crate) fn of(code: &'static Code, options: &Options) -> Option<&'static str> {
    let is_riscv = matches!(options.arch, Arch::Rv32imc | Arch::Rv64imc);
    let is_xtensa = matches!(options.arch, Arch::Xtensa | Arch::Xtensawin);
    Some(match code.id {
        id if id == code::COMPAT_REFUSED.id => "link without `--compat`",
        id if id == code::NOT_POSITION_INDEPENDENT.id && is_riscv => {
            "compile with `-fpic` and `-mcmodel=medany`"
        }
        id if id == code::NOT_POSITION_INDEPENDENT.id => "compile with `-fpic`",
        id if id == code::STATIC_DATA.id => {
            "make the data `const`, or initialise it in `mpy_init`; if this runtime's code memory is writable, allow static data in it"
        }
        id if id == code::STATIC_BSS.id => {
            "make the variable global (without `static`), or allocate it in `mpy_init`"
        }
        id if id == code::THREAD_LOCAL.id => "remove `thread_local` or `__thread`",
        id if id == code::DIRECT_EXTERNAL.id && is_xtensa => {
            "compile with `-fpic` or `-mlongcalls`, so that the address is a literal"
        }
        id if id == code::DIRECT_EXTERNAL.id => {
            "compile with `-fpic` and without `-fvisibility=hidden` for runtime symbols"
        }
        id if id == code::DISCARDED_REFERENCE.id => {
            "rebuild all objects with the same compiler and headers"
        }
        id if id == code::WEAK_UNDEFINED.id => {
            "define the symbol, or take its address with `-fpic`"
        }
        id if id == code::OUT_OF_RANGE.id => {
            "make the module smaller, or compile with `-mlong-calls` or `-mlongcalls`"
        }
        id if id == code::UNALIGNED_WORD.id => {
            "remove `packed` from the structure that holds the address"
        }
        id if id == code::UNPAIRED.id => "compile with `-mcmodel=medany`",
        _ => return None,
    })
}

/// The hint for an undefined symbol.
pub(crate) fn undefined(name: &str, options: &Options) -> String {
    if name == super::resolve::ENTRY {
        return "define `mp_obj_t mpy_init(…)`".to_string();
    }
    if let Some(qstr) = name.strip_prefix("MP_QSTR_") {
        return format!(
            "`{qstr}` is not among the module's qstrs; preprocess the source that uses it"
        );
    }
    if name.starts_with("mp_") {
        return format!(
            "MicroPython {} does not offer `{name}` to native modules; use what `py/dynruntime.h` declares",
            options.abi.releases()
        );
    }
    let is_helper = name.starts_with("__aeabi_")
        || name.starts_with("__gnu_thumb1_")
        || name.starts_with("__")
            && (name.ends_with("si3")
                || name.ends_with("di3")
                || name.ends_with("f2")
                || name.ends_with("f3"))
        || name.contains("float")
        || name.contains("fix");
    if is_helper {
        return "a compiler's support function: add `libraries = [\"libgcc\"]` to the manifest, or `-l` with the path that `cc -print-libgcc-file-name` prints".to_string();
    }
    if C_LIBRARY.contains(&name) {
        return "a C library function: add `libraries = [\"libc\"]` to the manifest or `-l libc.a`, or write it"
            .to_string();
    }
    if C_MATHS.contains(&name.strip_suffix('f').unwrap_or(name)) {
        return "a C library function: add `libraries = [\"libm\"]` to the manifest or `-l libm.a`"
            .to_string();
    }
    "add the source or archive that defines it, or give its address with `--externs`".to_string()
}

/// Functions of `libm` that modules commonly use, without the suffix of the single precision ones.
const C_MATHS: [&str; 22] = [
    "acos", "asin", "atan", "atan2", "cbrt", "ceil", "cos", "cosh", "exp", "fabs", "floor", "fmod",
    "hypot", "log", "log10", "log2", "pow", "round", "sin", "sqrt", "tan", "trunc",
];

/// C functions that modules commonly use without having them.
const C_LIBRARY: [&str; 26] = [
    "abort", "atoi", "bcmp", "calloc", "free", "malloc", "memchr", "memcmp", "printf", "putchar",
    "puts", "qsort", "rand", "realloc", "snprintf", "sprintf", "strcat", "strchr", "strcmp",
    "strcpy", "strlen", "strncmp", "strncpy", "strrchr", "strstr", "strtol",
];
