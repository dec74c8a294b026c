//! The JSON schema of `anymod.toml` (draft 2020-12), for editors: completion, documentation and a first check.
//!
//! The reader stays the judge; the schema says what JSON Schema can say of the same key table, and no more.

use std::collections::BTreeMap;

use anymod_model::Target;
use anymod_model::manifest::schema::{Child, Key, Kind, NameKind, ROOT, Section};
use serde_json::{Map, Value, json};

use crate::generated::write_or_check;

/// Path of the committed file.
const PATH: &str = "anymod.schema.json";

/// The task.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let text = format!("{:#}\n", schema()?);
    write_or_check(PATH, &text, "schema", arguments)
}

fn schema() -> Result<Value, String> {
    let mut sections = Sections::default();
    let mut root = sections.schema(&ROOT, "")?;
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("anymod.toml");
    root["$defs"] = Value::Object(sections.definitions);
    Ok(root)
}

/// Sections by address: one that stands in several places is defined once, under the first path that leads to it.
#[derive(Default)]
struct Sections {
    names: BTreeMap<usize, String>,
    definitions: Map<String, Value>,
}

impl Sections {
    fn reference(&mut self, section: &'static Section, path: &str) -> Result<Value, String> {
        let address = std::ptr::from_ref(section).addr();
        let name = match self.names.get(&address) {
            Some(name) => name.clone(),
            None => {
                self.names.insert(address, path.to_owned());
                let schema = self.schema(section, path)?;
                self.definitions.insert(path.to_owned(), schema);
                path.to_owned()
            }
        };
        Ok(json!({ "$ref": format!("#/$defs/{name}") }))
    }

    fn schema(&mut self, section: &'static Section, path: &str) -> Result<Value, String> {
        let mut properties = Map::new();
        for key in section.keys() {
            properties.insert(key.name.to_owned(), key_schema(key)?);
        }
        for child in section.children {
            properties.insert(child.name.to_owned(), self.child(child, path)?);
        }
        Ok(json!({
            "type": "object",
            "description": section.doc,
            "properties": properties,
            "additionalProperties": false,
        }))
    }

    fn child(&mut self, child: &Child, path: &str) -> Result<Value, String> {
        let separator = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{separator}{}", child.name);
        let reference = self.reference(child.section, &path)?;
        let names = match child.named {
            None => return Ok(reference),
            Some(NameKind::Module) => {
                json!({ "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": 64 })
            }
            Some(NameKind::BuildType) => json!({ "pattern": "^[A-Za-z0-9_-]+$", "maxLength": 64 }),
            Some(NameKind::Artifact) => {
                json!({ "pattern": "^[A-Za-z0-9_./@+][A-Za-z0-9_./@+-]*$", "maxLength": 100 })
            }
            Some(NameKind::Library) => {
                json!({ "pattern": "^[A-Za-z0-9][A-Za-z0-9_.+-]*$", "maxLength": 64 })
            }
            Some(NameKind::TargetPattern) => target_pattern(),
        };
        Ok(json!({
            "type": "object",
            "description": child.section.doc,
            "propertyNames": names,
            "additionalProperties": reference,
        }))
    }
}

/// A full name, offered for completion, one of a release that is in no table, or anything with a wildcard.
fn target_pattern() -> Value {
    let names: Vec<String> = Target::all().map(|target| target.to_string()).collect();
    let release = "^(cpython-3\\.[0-9]+|pyodide-[0-9]+\\.[0-9]+\\.[0-9]+)$";
    json!({ "anyOf": [{ "enum": names }, { "pattern": release }, { "pattern": "\\*" }] })
}

fn key_schema(key: &Key) -> Result<Value, String> {
    let mut schema = value_schema(key.kind);
    let mut description = key.doc.to_owned();
    if let Kind::Choice(words) | Kind::Choices(words) = key.kind {
        for (word, meaning) in words {
            description.push_str(&format!("\n\n- `{word}`: {meaning}"));
        }
    }
    if !key.default.is_empty() {
        description.push_str(&format!("\n\nDefault: {}.", key.default));
    }
    schema["description"] = json!(description);
    schema["examples"] = json!([example(key)?]);
    Ok(schema)
}

/// The example, read as TOML.
fn example(key: &Key) -> Result<Value, String> {
    let line = format!("example = {}", key.example);
    let table: BTreeMap<String, Value> = toml::from_str(&line)
        .map_err(|error| format!("the example of `{}` is not TOML: {error}", key.name))?;
    Ok(table.into_values().next().unwrap_or_default())
}

fn value_schema(kind: Kind) -> Value {
    let text = json!({ "type": "string", "minLength": 1 });
    let path = json!({ "type": "string", "minLength": 1, "pattern": "^[^\\\\]*$" });
    let list = |items: Value| json!({ "type": "array", "items": items });
    let words = |words: &[(&str, &str)]| {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        json!({ "type": "string", "enum": names })
    };
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Name => json!({ "type": "string", "pattern": "^[^/\\\\]+$", "maxLength": 200 }),
        Kind::Release => {
            json!({ "type": "string", "pattern": "^(latest|v?1\\.(19|[2-9][0-9]|[1-9][0-9]{2,})(\\.[0-9]+)?)$" })
        }
        Kind::BuildType => text,
        Kind::ImportName => {
            json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)*$" })
        }
        Kind::Distribution => {
            json!({ "type": "string", "pattern": "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$" })
        }
        Kind::PythonVersion => json!({ "type": "string", "pattern": "^3\\.(0|[1-9][0-9]{0,2})$" }),
        Kind::Choice(choices) => words(choices),
        Kind::Choices(choices) => list(words(choices)),
        Kind::Text => json!({ "type": "string" }),
        Kind::Path | Kind::Archive => path,
        Kind::Sources | Kind::Patterns | Kind::Paths | Kind::Archives => list(path),
        Kind::LibrarySections => {
            list(json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.+-]*$" }))
        }
        Kind::AbiFacts => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[a-z][a-z0-9-]*$" },
            "additionalProperties": { "type": ["boolean", "integer", "string"] },
        }),
        Kind::Flags => list(text),
        Kind::Libraries => list(json!({ "type": "string", "pattern": "^lib[A-Za-z0-9_+.-]+$" })),
        Kind::Programs => list(path),
        Kind::Variables => list(json!({ "type": "string", "pattern": "^[A-Za-z0-9_*]+$" })),
        Kind::Targets => {
            let mut items = target_pattern();
            items["type"] = json!("string");
            list(items)
        }
        Kind::Defines => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties": { "type": ["boolean", "integer", "string"] },
        }),
    }
}
