//! Sections and keys of addons for Node.js.

use super::{BUILD_GROUP, SOURCE_GROUP, key};
use crate::manifest::schema::{Group, Kind, Section};
use crate::node::NAPI_VERSIONS;

pub(super) static NODE: Section =
    Section { doc: DOC, groups: &[&NODE_GROUP, &BUILD_GROUP], children: &[] };

pub(super) static MODULE_NODE: Section = Section {
    doc: DOC,
    groups: &[&NODE_MODULE_GROUP, &NODE_GROUP, &SOURCE_GROUP, &BUILD_GROUP],
    children: &[],
};

const DOC: &str = "Settings for Node.js targets alone: addons, with a loader and declarations.";

static NODE_MODULE_GROUP: Group = Group {
    title: "One addon",
    keys: &[
        key(
            "crate",
            Kind::Path,
            "",
            "\"crates/speed\"",
            "Directory of a Cargo package that makes the addon, with `crate-type = [\"cdylib\"]`, in place of `sources`.",
        ),
        key(
            "declarations",
            Kind::Path,
            "",
            "\"speed.d.ts\"",
            "What the addon exports, as TypeScript declares it. It is compared with the built file and installed with it, and \
             the loader names the same exports.",
        ),
        key(
            "package",
            Kind::Text,
            "the project's name if this is its only module, else the module's",
            "\"@demo/speed\"",
            "Name of the npm package. Those of its platforms are called the same with `-` and the platform behind it.",
        ),
    ],
};

static NODE_GROUP: Group = Group {
    title: "Node.js",
    keys: &[
        key(
            "napi",
            Kind::Choice(NAPI_VERSIONS),
            "\"8\"",
            "\"9\"",
            "Version of Node-API that the addon needs (`NAPI_VERSION`).",
        ),
        key(
            "variants",
            Kind::Flags,
            "the one that this machine's processor is for; none if the target is not for this machine",
            "[\"modern\", \"baseline\", \"server=x86-64-v4\"]",
            "Builds for levels of the x86-64 instruction set, of which the loader takes the best that the processor can run. \
             `modern` is x86-64-v3 and `baseline` x86-64-v2; others are written `NAME=LEVEL`. Other architectures have none.",
        ),
        key(
            "dispatched",
            Kind::Flags,
            "",
            "[\"*_avx512\"]",
            "Functions that are called only after asking the processor, and may use any instruction. `*` matches anything.",
        ),
        key(
            "ldflags",
            Kind::Flags,
            "",
            "[\"-Lvendor/lib\"]",
            "Further arguments of the compiler when linking.",
        ),
    ],
};
