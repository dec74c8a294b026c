//! The part of the key table about archives and the libraries that they are linked with.

use super::{BUILD_GROUP, SOURCE_GROUP, key, named};
use crate::manifest::schema::{Group, Kind, NameKind, Section};

pub(super) static ARCHIVE: Section =
    Section { doc: ARCHIVE_DOC, groups: &[&ARCHIVE_GROUP, &BUILD_GROUP], children: &[] };

pub(super) static MODULE_ARCHIVE: Section = Section {
    doc: ARCHIVE_DOC,
    groups: &[&ARCHIVE_MODULE_GROUP, &ARCHIVE_GROUP, &SOURCE_GROUP, &BUILD_GROUP],
    children: &[],
};

const ARCHIVE_DOC: &str =
    "Settings for targets whose modules are archives: `native*`, `wasi` and `emscripten`.";

pub(super) static WASM: Section =
    Section { doc: WASM_DOC, groups: &[&ARCHIVE_GROUP, &BUILD_GROUP], children: &[] };

pub(super) static MODULE_WASM: Section = Section {
    doc: WASM_DOC,
    groups: &[&ARCHIVE_MODULE_GROUP, &ARCHIVE_GROUP, &SOURCE_GROUP, &BUILD_GROUP],
    children: &[],
};

const WASM_DOC: &str =
    "Settings for `wasi` and `emscripten` alone, on top of those in `archive` beside it.";

pub(super) static LIBRARY: Section = Section {
    doc: "A library that modules are linked with and that is not theirs: the host program's own, given by `archive`, or one \
          of the system, given by `name` or `pkg-config`. The variable `ANYMOD_LIBRARY_NAME` and, stronger, the flag \
          `--library NAME=OPTIONS` replace what is said here about linking it.",
    groups: &[&LIBRARY_GROUP],
    children: &[named("target", NameKind::TargetPattern, &LIBRARY_OVERLAY)],
};

static LIBRARY_OVERLAY: Section = Section {
    doc: "Settings of the library for the targets that the pattern matches.",
    groups: &[&LIBRARY_GROUP],
    children: &[],
};

static ARCHIVE_MODULE_GROUP: Group = Group {
    title: "One module as an archive",
    keys: &[
        key(
            "supported",
            Kind::Bool,
            "true",
            "false",
            "`false` says that the module has no build for these targets; give the `reason`.",
        ),
        key(
            "reason",
            Kind::Text,
            "",
            "\"the library maps files into memory\"",
            "Why the module is not supported, shown to whoever asks for it.",
        ),
        key(
            "archives",
            Kind::Archives,
            "",
            "[\"vendor/{target}/libfoo.a\"]",
            "Archives by others that belong to the module. `{target}` and `{build-type}` stand for what is built.",
        ),
        key(
            "merge-archives",
            Kind::Bool,
            "true",
            "false",
            "Put the members of `archives` into the module's archive. With `false` the archives are listed beside it for \
             whoever links.",
        ),
        key(
            "headers",
            Kind::Patterns,
            "",
            "[\"include/magic.h\"]",
            "Headers that users of the module include, for `anymod info`.",
        ),
        key(
            "public-include-dirs",
            Kind::Paths,
            "",
            "[\"include\"]",
            "Directories in which users of the module find its headers; its own sources search them, too.",
        ),
    ],
};

static ARCHIVE_GROUP: Group = Group {
    title: "Archives",
    keys: &[
        key(
            "host-libraries",
            Kind::LibrarySections,
            "",
            "[\"host\"]",
            "Libraries of the host program, by the names of their sections `[library.NAME]`. The ABI of each has to agree \
             with the module's.",
        ),
        key(
            "system-libraries",
            Kind::LibrarySections,
            "",
            "[\"magic\"]",
            "Libraries of the system, by the names of their sections `[library.NAME]`; a name without a section is linked \
             as `-lNAME`.",
        ),
        key(
            "ldflags",
            Kind::Flags,
            "",
            "[\"-pthread\"]",
            "Arguments that whoever links the archive has to give.",
        ),
        key(
            "abi",
            Kind::AbiFacts,
            "",
            "{ gc-mode = \"precise\", multivalue = true }",
            "What decides besides target, build type and compiler whether archives fit together, by names of your own \
             choice. It is written into the archive and compared with that of the libraries and of other modules.",
        ),
    ],
};

static LIBRARY_GROUP: Group = Group {
    title: "Libraries",
    keys: &[
        key(
            "archive",
            Kind::Archive,
            "",
            "\"../host/build/{target}/{build-type}/libhost.a\"",
            "The archive of a host library. `{target}` and `{build-type}` stand for what is built.",
        ),
        key(
            "name",
            Kind::Name,
            "the section's",
            "\"magic\"",
            "What the linker calls the library, as in `-lmagic`.",
        ),
        key(
            "pkg-config",
            Kind::Name,
            "",
            "\"libmagic\"",
            "Name that `pkg-config` knows the library by; it gives the options for compiling and linking on the machine \
             itself.",
        ),
        key(
            "headers",
            Kind::Patterns,
            "",
            "[\"../host/include/host.h\"]",
            "Headers that users of the library include, for `anymod info`.",
        ),
        key(
            "include-dirs",
            Kind::Paths,
            "",
            "[\"../host/include\"]",
            "Directories in which modules find the library's headers, relative to the manifest.",
        ),
        key(
            "defines",
            Kind::Defines,
            "",
            "{ HOST_WASM = true }",
            "Macros that modules have to define to use the library.",
        ),
        key(
            "cflags",
            Kind::Flags,
            "",
            "[\"-pthread\"]",
            "Further arguments for compiling what uses the library.",
        ),
        key(
            "ldflags",
            Kind::Flags,
            "",
            "[\"-lz\"]",
            "Further arguments for linking what uses the library.",
        ),
        key(
            "abi",
            Kind::AbiFacts,
            "",
            "{ gc-mode = \"precise\" }",
            "The ABI that the library is built with, as far as it is known; what its archive says itself is compared, too.",
        ),
    ],
};
