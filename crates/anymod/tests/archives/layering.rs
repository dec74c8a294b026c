//! Where manifests come from: above a file, by `--module`, by `module-dirs`, and not at all.

use crate::Case;
use crate::desk::{Desk, refused};
use crate::support::process::run;
use crate::support::{Checked, ensure};

pub(crate) const CASES: [Case; 5] = [
    ("modules_are_added_with_their_own_paths", added),
    ("without_the_manifest_only_what_is_added_counts", without),
    ("what_is_outside_has_to_be_allowed", outside),
    ("a_missing_module_is_told_with_its_neighbour", missing),
    ("a_change_in_an_added_manifest_is_noticed", noticed),
];

const MAGIC: &str =
    "[module.magic]\nsources = [\"magic.c\"]\narchive = { public-include-dirs = [\"inc\"] }\n";

fn magic(desk: &Desk, directory: &str) -> Checked {
    desk.write(&format!("{directory}/anymod.toml"), MAGIC)?;
    desk.write(&format!("{directory}/inc/magic.h"), "int magic(void);\n")?;
    desk.write(
        &format!("{directory}/magic.c"),
        "#include <magic.h>\nint magic(void) { return 3; }\n",
    )
}

fn added() -> Checked {
    let desk = Desk::new()?;
    magic(&desk, "modules/magic")?;
    // From an entry file deep inside, the project's manifest is found upward.
    desk.write("apps/deep/entry.toy", "")?;
    let built = desk
        .anymod(&[
            "build",
            "-t",
            "wasi",
            "--manifest",
            "apps/deep/entry.toy",
            "--module",
            "modules/magic",
        ])?
        .ok()?;
    ensure(built.stderr.contains("3 modules in place"), || built.to_string())?;
    ensure(desk.path("build/wasi/release/magic.a").is_file(), || "no archive".to_owned())?;
    desk.edit("anymod.toml", "[project]", "[project]\nmodule-dirs = [\"modules/magic\"]")?;
    let told = desk.anymod(&["info", "magic", "-t", "wasi"])?.ok()?;
    ensure(told.stdout.contains("/modules/magic/inc\n"), || told.to_string())?;
    // Both name it; it is still one.
    desk.anymod(&["build", "-t", "wasi", "--module", "modules/magic"])?.ok()?;
    desk.edit("modules/magic/anymod.toml", "module.magic", "module.greet")?;
    let told = desk.anymod(&["build", "-t", "wasi"])?;
    refused(&told, 2, &["M0024", "module `greet` is described twice"])
}

fn without() -> Checked {
    let desk = Desk::new()?;
    magic(&desk, "modules/magic")?;
    desk.write("anymod.toml", "this is no manifest")?;
    let built = desk
        .anymod(&["build", "-t", "wasi", "--no-manifest", "--module", "modules/magic"])?
        .ok()?;
    ensure(built.stderr.contains("1 module in place"), || built.to_string())?;
    let told = desk.anymod(&["build", "-t", "wasi"])?;
    refused(&told, 2, &["M0001"])?;
    let told = desk.anymod(&["build", "-t", "wasi", "--no-manifest"])?;
    refused(&told, 2, &["B0010"])
}

fn outside() -> Checked {
    let desk = Desk::new()?;
    magic(&desk, "../elsewhere")?;
    let build = ["build", "-t", "wasi", "--module", "../elsewhere"];
    refused(&desk.anymod(&build)?, 2, &["B0020", "`../elsewhere` is outside the project"])?;
    run(desk.command(&build).arg("--allow-outside"))?.ok()?;
    desk.edit("anymod.toml", "[project]", "[project]\nmodule-dirs = [\"../elsewhere\"]")?;
    refused(&desk.anymod(&["build"])?, 2, &["B0020", "anymod.toml"])?;
    desk.edit("anymod.toml", "[project]", "[project]\nallow-outside = true")?;
    desk.anymod(&["build"])?.ok().map(|_| ())
}

fn missing() -> Checked {
    let desk = Desk::new()?;
    magic(&desk, "modules/magic")?;
    let told = desk.anymod(&["build", "-t", "wasi", "--module", "modules/magick"])?;
    refused(&told, 2, &["B0006", "did you mean `modules/magic`?"])?;
    let told = desk.anymod(&["build", "-t", "wasi", "--module", "nowhere/at/all"])?;
    refused(&told, 2, &["B0006", "there is no `anymod.toml` in `nowhere/at/all`"])
}

fn noticed() -> Checked {
    let desk = Desk::new()?;
    magic(&desk, "modules/magic")?;
    let build = ["build", "-t", "wasi", "--module", "modules/magic"];
    desk.anymod(&build)?.ok()?;
    let again = desk.anymod(&build)?.ok()?;
    ensure(again.stderr.contains("0 actions ran"), || again.to_string())?;
    desk.edit("modules/magic/anymod.toml", "archive = {", "cflags = [\"-O1\"]\narchive = {")?;
    let changed = desk.anymod(&build)?.ok()?;
    ensure(changed.stderr.contains("compile    magic"), || changed.to_string())
}
