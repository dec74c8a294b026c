//! The part of the key table about splitting a static program into a host and modules.

use super::{key, named};
use crate::manifest::schema::{Group, Kind, NameKind, Section};
use crate::manifest::split::{Export, LibraryPlace, SplitLinker, Tier};

pub(super) static SPLIT: Section = Section {
    doc: "A program with everything in it, to be split into a host and modules that share each library once: `anymod split plan`, \
          `emit` and `link`. A manifest may have nothing else.",
    groups: &[&SPLIT_GROUP],
    children: &[
        named("library", NameKind::Library, &SPLIT_LIBRARY),
        named("module", NameKind::Module, &SPLIT_MODULE),
    ],
};

static SPLIT_LIBRARY: Section = Section {
    doc: "A static library that modules of the split, or its host, are linked with.",
    groups: &[&SPLIT_LIBRARY_GROUP],
    children: &[],
};

static SPLIT_MODULE: Section = Section {
    doc: "A part of the program that can become a module of its own.",
    groups: &[&SPLIT_MODULE_GROUP],
    children: &[],
};

static SPLIT_GROUP: Group = Group {
    title: "Splitting a host",
    keys: &[
        key(
            "compiler",
            Kind::Text,
            "\"cc\"",
            "\"g++\"",
            "The program that links, a compiler driver.",
        ),
        key(
            "linker",
            Kind::Choice(SplitLinker::CHOICES),
            "\"bfd\"",
            "\"lld\"",
            "The linker that it uses.",
        ),
        key(
            "objects",
            Kind::Paths,
            "",
            "[\"build/main.o\", \"libpython3.13.a\"]",
            "Objects and archives of the host itself, in link order.",
        ),
        key(
            "libraries",
            Kind::LibrarySections,
            "",
            "[\"z\"]",
            "Libraries of the split that the host itself uses, by the names of their sections.",
        ),
        key(
            "ldflags",
            Kind::Flags,
            "",
            "[\"-lm\", \"-s\"]",
            "Further arguments when the host is linked.",
        ),
        key(
            "export",
            Kind::Choice(Export::CHOICES),
            "\"needed\"",
            "\"whole\"",
            "What of the libraries the host takes in and exports.",
        ),
        key(
            "exports",
            Kind::Flags,
            "",
            "[\"Py*\", \"_Py*\"]",
            "Symbols that the host exports besides those that modules need, for modules by others; `*` stands for anything. \
             Each has to match a definition.",
        ),
        key(
            "version-script",
            Kind::Bool,
            "false",
            "true",
            "Give what the host exports a version of its own, so that modules by others keep the library that they bring \
             along, if its symbols have versions (bfd and lld).",
        ),
        key(
            "namespace",
            Kind::Name,
            "",
            "\"host_\"",
            "What the names of symbols of libraries that the host exports are to begin with, in copies of all objects and \
             archives of the split: modules by others keep what they bring along, whether it has versions or not.",
        ),
        key(
            "directory",
            Kind::Path,
            "\"split\"",
            "\"build/split\"",
            "Where the host, the modules and what is written for linkers go.",
        ),
        key("host", Kind::Name, "\"host\"", "\"python\"", "Name of the host's file."),
    ],
};

static SPLIT_LIBRARY_GROUP: Group = Group {
    title: "A library of a split",
    keys: &[
        key("archive", Kind::Path, "", "\"/usr/lib/x86_64-linux-gnu/libz.a\"", "Its archive."),
        key(
            "place",
            Kind::Choice(LibraryPlace::CHOICES),
            "\"auto\"",
            "\"host\"",
            "Where it goes. `auto` chooses by who uses it, how it can be linked and whether it has state, and says why.",
        ),
        key(
            "variable",
            Kind::Name,
            "",
            "\"ZLIB\"",
            "What configure scripts call it: `NAME_LIBS` and `NAME_CFLAGS` are written for them.",
        ),
        key(
            "ldflags",
            Kind::Flags,
            "",
            "[\"-lpthread\"]",
            "What it needs besides when it is linked.",
        ),
    ],
};

static SPLIT_MODULE_GROUP: Group = Group {
    title: "A module of a split",
    keys: &[
        key("objects", Kind::Paths, "", "[\"build/zlibmodule.o\"]", "Its objects, in link order."),
        key(
            "libraries",
            Kind::LibrarySections,
            "",
            "[\"ssl\", \"crypto\"]",
            "Libraries of the split that it uses, by the names of their sections.",
        ),
        key(
            "tier",
            Kind::Choice(Tier::CHOICES),
            "\"shared\"",
            "\"static\"",
            "How far it is split off.",
        ),
        key(
            "group",
            Kind::Name,
            "",
            "\"A\"",
            "Modules that move together: with `--group`, only those of the named groups do.",
        ),
        key(
            "init",
            Kind::Name,
            "",
            "\"PyInit_zlib\"",
            "The function that the host looks up in it; it has to be exported, and not to be in the host.",
        ),
        key(
            "file",
            Kind::Name,
            "the module's name with `.so`",
            "\"zlib.cpython-313-x86_64-linux-gnu.so\"",
            "Name of its file.",
        ),
        key(
            "setup",
            Kind::Text,
            "",
            "\"zlib zlibmodule.c\"",
            "Its line in CPython's `Modules/Setup.local`, which `anymod split emit` writes.",
        ),
        key("ldflags", Kind::Flags, "", "[\"-lm\"]", "Further arguments when it is linked."),
    ],
};
