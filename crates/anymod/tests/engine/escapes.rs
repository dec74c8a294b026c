//! Nothing is written outside the project and the store, whatever paths and links say.

use std::os::unix::fs::symlink;

use super::tree::{DIST, ONE, Tree, files, module_c};

#[test]
fn escapes_names_of_modules_are_names() {
    for name in ["../up", "a/b", "..", ".", "/abs", "a\\u0000b"] {
        let tree = Tree::new(&[
            ("anymod.toml", &ONE.replace("[module.m]", &format!("[module.\"{name}\"]"))),
            ("m.c", &module_c("twice", "2")),
        ]);
        let built = tree.build(&[]);
        assert_eq!(built.code, Some(2), "{name}: {built:#?}");
        assert_eq!(tree.dist().len(), 0);
        let beside = std::fs::read_dir(tree.base.path()).unwrap().count();
        assert!(beside <= 2, "{name}: only the tree and the store");
    }
}

#[test]
fn escapes_sources_above_the_project_are_built_inside() {
    let tree = Tree::new(&[("anymod.toml", &ONE.replace("m.c", "../m.c"))]);
    std::fs::write(tree.path("../m.c"), module_c("twice", "2")).unwrap();
    tree.built();
    let mut beside: Vec<_> = std::fs::read_dir(tree.base.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    beside.sort();
    assert_eq!(beside, ["m.c", "store", "tree"]);
    std::fs::write(tree.path("../m.c"), module_c("twice", "3")).unwrap();
    assert!(tree.built().ran().contains(&"compile ../m.c".to_owned()));
}

#[test]
fn escapes_a_linked_manifest_builds_where_it_really_is() {
    let tree = Tree::one();
    let other = tree.base.path().join("other");
    std::fs::create_dir(&other).unwrap();
    symlink(tree.path("anymod.toml"), other.join("anymod.toml")).unwrap();
    let built = tree.build_in(&other, &["--manifest", "anymod.toml"]).ok();
    assert_eq!(built.ran().len(), 3);
    assert!(tree.path(DIST).exists());
    assert_eq!(files(&other).len(), 1, "nothing beside the link");
}

#[test]
fn escapes_links_put_in_between_builds() {
    for place in [
        "build/micropython-x64",
        "build/micropython-x64/release/m/obj",
        "dist",
        "dist/micropython-x64",
        "build/include",
        "build/include/anymod",
    ] {
        let tree = Tree::one();
        tree.built();
        // The same files, but now elsewhere.
        let elsewhere = tree.base.path().join("elsewhere");
        std::fs::rename(tree.path(place), &elsewhere).unwrap();
        symlink(&elsewhere, tree.path(place)).unwrap();
        let snapshot = || {
            files(&elsewhere)
                .into_iter()
                .map(|path| (std::fs::read(&path).unwrap(), path))
                .collect::<Vec<_>>()
        };
        let before = snapshot();
        for file in before.iter().filter(|_| place.contains("include")) {
            // What is there already need not be written.
            std::fs::write(&file.1, "old").unwrap();
        }
        let before = snapshot();
        tree.write("m.c", module_c("twice", "MP_QSTR_thrice"));
        let built = tree.build(&[]);
        assert!(built.codes().iter().all(|code| code == "B0014"), "{place}: {built:#?}");
        assert_eq!(built.code, Some(2), "{place}");
        assert!(snapshot() == before, "{place}");
        std::fs::remove_file(tree.path(place)).unwrap();
        tree.built();
        assert!(snapshot() == before, "{place}");
    }
}

#[test]
fn escapes_files_that_are_links_are_replaced_and_not_followed() {
    let tree = Tree::one();
    tree.built();
    let module = tree.read(DIST);
    let object = "build/micropython-x64/release/m/obj/m.c.o";
    for name in [
        DIST,
        object,
        "build/.anymod-log",
        "build/.anymod-snapshot",
        "build/compile_commands.json",
        "build/last-run.jsonl",
        "build/micropython-x64/release/m/gen/module-qstrs.h",
        "build/include/anymod/micropython.h",
    ] {
        for (there, text) in [(true, "precious"), (false, "")] {
            let precious = tree.base.path().join("precious");
            let _ = std::fs::remove_file(&precious);
            if there {
                std::fs::write(&precious, text).unwrap();
            }
            let _ = std::fs::remove_file(tree.path(name));
            symlink(&precious, tree.path(name)).unwrap();
            // Something to do, and what is made is what it was.
            let _ = std::fs::remove_file(tree.path("build/micropython-x64/release/m/m.native.mpy"));
            tree.build(&["--no-store"]).ok();
            assert_eq!(precious.exists(), there, "{name}");
            assert!(!there || std::fs::read(&precious).unwrap() == text.as_bytes(), "{name}");
            assert!(tree.read(DIST) == module, "{name}");
        }
    }
    let lock = tree.path("build/.anymod-lock");
    std::fs::remove_file(&lock).unwrap();
    symlink(tree.base.path().join("nowhere"), &lock).unwrap();
    assert_eq!(tree.build(&[]).codes(), ["B0003"]);
    assert!(!tree.base.path().join("nowhere").exists());
}

#[test]
fn escapes_the_store_itself_may_be_a_link() {
    let mut tree = Tree::one();
    let real = tree.base.path().join("on another disk");
    std::fs::create_dir(&real).unwrap();
    tree.store = tree.base.path().join("link");
    symlink(&real, &tree.store).unwrap();
    tree.built();
    assert!(files(&real).len() > 6);
    tree.clean();
    assert_eq!(tree.built().ran(), [""; 0]);
    tree.verify();
}
