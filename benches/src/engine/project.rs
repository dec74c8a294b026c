//! The projects that are built: a tree of many small modules, and one module of many real-sized files.
//!
//! Both are linear to write, the same for every run, and written only where something is new.

use std::path::{Path, PathBuf};

use crate::files::{make_dir, write};
use crate::generate::{self, Program};

/// A project on disk.
pub(crate) struct Project {
    /// Its directory.
    pub(crate) root: PathBuf,
    /// The architectures that it is built for.
    pub(super) arches: &'static [&'static str],
    /// What it consists of.
    pub(super) modules: Vec<Module>,
}

/// A module of a project.
pub(super) struct Module {
    pub(super) name: String,
    /// C sources, relative to the project.
    pub(super) sources: Vec<String>,
}

/// Headers of the tree that do the same and are included by different numbers of modules: name and number.
pub(super) const SHARED: [(&str, usize); 3] = [("one", 1), ("ten", 10), ("hundred", 100)];

/// Writes a tree of so many modules for two architectures: for each of them qstrs, one compilation, one link.
pub(crate) fn tree(directory: &Path, modules: usize) -> Result<Project, String> {
    let root = directory.join(format!("tree-{modules}"));
    let mut manifest =
        String::from("[project]\ntargets = [\"micropython-x64\", \"micropython-armv7m\"]\n");
    make_dir(&root.join("src"))?;
    make_dir(&root.join("include"))?;
    let mut described = Vec::new();
    for number in 0..modules {
        let source = format!("src/m{number}.c");
        manifest += &format!(
            "\n[module.m{number}]\nsources = [\"{source}\"]\ninclude-dirs = [\"include\"]\n"
        );
        write(&root.join(&source), &small_source(number))?;
        described.push(Module { name: format!("m{number}"), sources: vec![source] });
    }
    for (name, users) in SHARED {
        for number in 0..modules.div_ceil(users) {
            set_header(&root, name, number, 0)?;
        }
    }
    write(&root.join("anymod.toml"), &manifest)?;
    Ok(Project { root, arches: &["x64", "armv7m"], modules: described })
}

/// Writes one of a tree's shared headers with a value in it; another value gives other objects.
pub(super) fn set_header(root: &Path, name: &str, number: usize, value: u32) -> Result<(), String> {
    let text = format!(
        "#pragma once\n\nstatic inline int {name}{number}(int x) {{ return x * {number} + {value}; }}\n"
    );
    write(&root.join(format!("include/{name}{number}.h")), &text)
}

fn small_source(number: usize) -> String {
    let headers = SHARED.map(|(name, users)| (name, number / users));
    let includes: String =
        headers.iter().map(|(name, number)| format!("#include \"{name}{number}.h\"\n")).collect();
    let calls: String =
        headers.iter().map(|(name, number)| format!("    x = {name}{number}(x);\n")).collect();
    format!(
        "#include \"anymod/micropython.h\"\n{includes}\n\
         static mp_obj_t f(mp_obj_t argument) {{\n    int x = mp_obj_get_int(argument);\n{calls}    \
         return mp_obj_new_int(x + {number});\n}}\n\
         static MP_DEFINE_CONST_FUN_OBJ_1(f_obj, f);\n\n\
         mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {{\n    \
         MP_DYNRUNTIME_INIT_ENTRY\n    \
         mp_store_global(MP_QSTR_f{number}, MP_OBJ_FROM_PTR(&f_obj));\n    \
         MP_DYNRUNTIME_INIT_EXIT\n}}\n"
    )
}

/// Writes a tree of so many modules for one architecture, each of so many small sources: a few functions that call each
/// other across files, headers of the C library and one of the module's own.
pub(crate) fn small_files(
    directory: &Path,
    modules: usize,
    files: usize,
) -> Result<Project, String> {
    let root = directory.join(format!("small-{modules}x{files}"));
    let mut manifest = String::from("[project]\ntargets = [\"micropython-x64\"]\n");
    let program = Program { files: files - 1, functions: 2 };
    let mut described = Vec::new();
    for module in 0..modules {
        let name = format!("m{module}");
        make_dir(&root.join(&name))?;
        manifest += &format!("\n[module.{name}]\nsources = [\"{name}/*.c\"]\n");
        let header = format!("#pragma once\n#include <stdint.h>\n#define MODULE {module}\n");
        write(&root.join(&name).join("module.h"), &header)?;
        // Each module is another one: what two have in common would be compiled once.
        let head = "#include <stdint.h>\n#include <stdlib.h>\n#include <string.h>\n#include \"module.h\"\n\n";
        let mut sources = vec![format!("{name}/entry.c")];
        write(&root.join(&sources[0]), &generate::entry())?;
        for file in 0..program.files {
            let source = format!("{name}/f{file}.c");
            let own = format!(
                "static const unsigned own = MODULE;\nunsigned own_{file}(void) {{ return own; }}\n"
            );
            let text = generate::source(program, file, &format!("{head}{own}"));
            write(&root.join(&source), &text)?;
            sources.push(source);
        }
        described.push(Module { name, sources });
    }
    write(&root.join("anymod.toml"), &manifest)?;
    Ok(Project { root, arches: &["x64"], modules: described })
}

/// Writes a module of so many files of about 10 KB, each with headers of the system and of the project.
pub(super) fn many_files(directory: &Path, files: usize) -> Result<Project, String> {
    let root = directory.join(format!("files-{files}"));
    make_dir(&root.join("src"))?;
    make_dir(&root.join("include"))?;
    let program = Program { files: files - 1, functions: 9 };
    let mut sources = vec!["src/entry.c".to_owned()];
    write(&root.join("src/entry.c"), &generate::entry())?;
    for file in 0..program.files {
        let source = format!("src/f{file}.c");
        write(&root.join(&source), &generate::source(program, file, &head(file)))?;
        sources.push(source);
    }
    write(&root.join("include/project.h"), PROJECT_HEADER)?;
    write(&root.join("include/limits_of_project.h"), LIMITS_HEADER)?;
    for part in 0..files.div_ceil(FILES_IN_PART) {
        let text = format!("#pragma once\n#include \"project.h\"\n#define PART PROJECT({part})\n");
        write(&root.join(format!("include/part{part}.h")), &text)?;
    }
    let manifest = "[project]\ntargets = [\"micropython-x64\"]\n\n\
                    [module.many]\nsources = [\"src/*.c\"]\ninclude-dirs = [\"include\"]\n";
    write(&root.join("anymod.toml"), manifest)?;
    // In the order in which the pattern gives them.
    sources.sort();
    let modules = vec![Module { name: "many".to_owned(), sources }];
    Ok(Project { root, arches: &["x64"], modules })
}

/// How many files share the header of their part of the program.
const FILES_IN_PART: usize = 20;

const PROJECT_HEADER: &str = "#pragma once\n#include <stddef.h>\n#include <stdint.h>\n#define PROJECT(part) (1000 + (part))\n\
     struct item { const char *name; uint32_t value; size_t size; };\n";

const LIMITS_HEADER: &str = "#pragma once\n#include <limits.h>\n#define MOST_ITEMS 64\n_Static_assert(CHAR_BIT == 8, \"\");\n";

fn head(file: usize) -> String {
    let system = ["errno", "math", "stdbool", "stdint", "stdio", "stdlib", "string", "time"];
    let mut head: String = system.iter().map(|name| format!("#include <{name}.h>\n")).collect();
    let part = file / FILES_IN_PART;
    head += &format!(
        "#include \"project.h\"\n#include \"limits_of_project.h\"\n#include \"part{part}.h\"\n\n"
    );
    head
}
