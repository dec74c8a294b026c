//! Invariant 1 between crates: a room depends only on the rooms that ARCHITECTURE.md lets it.

use crate::generated::root;

/// Each room and the rooms that it may depend on. Nothing may depend on `anymod`, which is in no list.
const ROOMS: &[(&str, &[&str])] = &[
    ("anymod-model", &[]),
    ("anymod-link", &["anymod-model"]),
    ("anymod-pack", &["anymod-model"]),
    ("anymod-store", &["anymod-model"]),
    ("anymod-remote", &["anymod-model", "anymod-store"]),
    ("anymod-audit", &["anymod-model", "anymod-link", "anymod-pack"]),
    (
        "anymod-build",
        &[
            "anymod-model",
            "anymod-link",
            "anymod-pack",
            "anymod-store",
            "anymod-remote",
            "anymod-audit",
        ],
    ),
    ("anymod-load", &["anymod-model"]),
    (
        "anymod",
        &[
            "anymod-model",
            "anymod-link",
            "anymod-pack",
            "anymod-store",
            "anymod-audit",
            "anymod-build",
        ],
    ),
];

/// Compares every crate's dependencies with the table. Development dependencies are free: tests may use any room.
pub(super) fn check() -> Result<Vec<String>, String> {
    let mut findings = Vec::new();
    for directory in super::entries(&root().join("crates"))? {
        let manifest = directory.join("Cargo.toml");
        if !manifest.is_file() {
            continue;
        }
        let room = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = super::read(&manifest)?;
        let table: toml::Table =
            toml::from_str(&text).map_err(|error| format!("crates/{room}/Cargo.toml: {error}"))?;
        findings.extend(check_room(&room, &table));
    }
    Ok(findings)
}

fn check_room(room: &str, manifest: &toml::Table) -> Vec<String> {
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        let findings = format!(
            "crates/{room}: not a room of the house; add a row to xtask/src/tidy/layering.rs and to ARCHITECTURE.md"
        );
        return vec![findings];
    };
    let sections = ["dependencies", "build-dependencies"];
    let tables = sections.iter().filter_map(|section| manifest.get(*section)?.as_table());
    let ours = tables.flat_map(toml::Table::keys).filter(|name| name.starts_with("anymod"));
    ours.filter(|name| !allowed.contains(&name.as_str()))
        .map(|name| {
            format!(
                "crates/{room}/Cargo.toml: may not depend on `{name}`; move what both need down to \
                 `anymod-model`, or what needs both up to `anymod-build`"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(room: &str, manifest: &str) -> usize {
        check_room(room, &toml::from_str(manifest).unwrap()).len()
    }

    #[test]
    fn doors_open_one_way() {
        let upward = "[dependencies]\nanymod-build.workspace = true\nserde = \"1\"";
        assert_eq!(findings("anymod-link", upward), 1);
        assert_eq!(findings("anymod", upward), 0);
        assert_eq!(findings("anymod-link", "[dev-dependencies]\nanymod-pack = {}"), 0);
        assert_eq!(findings("anymod-build", "[build-dependencies]\nanymod = {}"), 1);
        assert_eq!(findings("anymod-unheard", ""), 1);
    }
}
