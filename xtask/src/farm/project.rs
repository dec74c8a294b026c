//! The project that is built: one module of many C sources, for every target of MicroPython that zig compiles for.

use std::fmt::Write as _;
use std::path::Path;

/// Sources besides the module's own.
const SOURCES: u32 = 29;
/// Functions in each.
const FUNCTIONS: u32 = 40;
/// The targets, as its manifest names them.
const TARGETS: [&str; 4] =
    ["micropython-x86", "micropython-x64", "micropython-arm*", "micropython-rv*"];

const ENTRY: &str = r#"#include "anymod/micropython.h"

uint32_t part0_0(uint32_t a);

static mp_obj_t run(mp_obj_t number) {
    return mp_obj_new_int_from_uint(part0_0(mp_obj_get_int(number)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(run_object, run);

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_run, MP_OBJ_FROM_PTR(&run_object));
    MP_DYNRUNTIME_INIT_EXIT
}
"#;

/// Writes the project. Sources of different `salt` are different, so that no result of one is one of the other.
pub(super) fn write(root: &Path, salt: u32) -> Result<(), String> {
    let put = |name: &str, text: &str| {
        let path = root.join(name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    std::fs::create_dir_all(root).map_err(|error| error.to_string())?;
    let targets = TARGETS.map(|target| format!("\"{target}\"")).join(", ");
    let manifest =
        format!("[project]\ntargets = [{targets}]\n\n[module.parts]\nsources = [\"*.c\"]\n");
    put("anymod.toml", &manifest)?;
    put("parts.c", ENTRY)?;
    for part in 0..SOURCES {
        put(&format!("part{part}.c"), &source(part, salt))?;
    }
    Ok(())
}

/// Functions that call each other and the next source's, so that all of them are needed.
fn source(part: u32, salt: u32) -> String {
    let next = part + 1;
    let mut text = String::from("#include <stdint.h>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(text, "uint32_t part{next}_0(uint32_t a);");
    for function in (0..FUNCTIONS).rev() {
        let _ = writeln!(text, "uint32_t part{part}_{function}(uint32_t a) {{");
        for step in 0..8 {
            let number = (part * FUNCTIONS + function) * 8 + step + salt * 1_000_003;
            let _ = writeln!(text, "    a = (a << {}) ^ (a * {number}u);", step + 1);
        }
        let call = match (function + 1 < FUNCTIONS, next < SOURCES) {
            (true, _) => format!("part{part}_{}(a)", function + 1),
            (false, true) => format!("part{next}_0(a)"),
            (false, false) => "a".to_owned(),
        };
        let _ = writeln!(text, "    return {call};\n}}");
    }
    text
}
