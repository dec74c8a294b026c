//! The JSON schema against the manifests of `tests/manifest`: what the reader takes the schema takes, and it refuses
//! every manifest with an unknown key or a value of the wrong kind.
//!
//! The validator knows only the keywords that the schema uses and stops at any other, so it cannot overlook one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::path::Path;

use anymod_model::codes::manifest as codes;
use anymod_model::manifest::{JSON_SCHEMA, parse};
use serde_json::Value;

/// What is wrong with `value`, the first finding only.
fn refusal(root: &Value, schema: &Value, value: &Value, path: &str) -> Option<String> {
    let keywords = schema.as_object().unwrap();
    keywords.iter().find_map(|(keyword, rule)| {
        let found = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "examples" => None,
            "$ref" => {
                let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                return refusal(root, root.pointer(pointer).unwrap(), value, path);
            }
            "type" => (!has_type(rule, value)).then(|| format!("is not {rule}")),
            "enum" => (!rule.as_array().unwrap().contains(value)).then(|| format!("not in {rule}")),
            "pattern" => value.as_str().and_then(|text| {
                let pattern = regex_lite::Regex::new(rule.as_str().unwrap()).unwrap();
                (!pattern.is_match(text)).then(|| format!("does not match {rule}"))
            }),
            "minLength" | "maxLength" => value.as_str().and_then(|text| {
                let length = text.chars().count() as u64;
                let limit = rule.as_u64().unwrap();
                let fits = if keyword == "minLength" { length >= limit } else { length <= limit };
                (!fits).then(|| format!("violates {keyword} {limit}"))
            }),
            "anyOf" => {
                let mut choices = rule.as_array().unwrap().iter();
                let fits = choices.any(|choice| refusal(root, choice, value, path).is_none());
                (!fits).then(|| "fits no choice".to_owned())
            }
            "items" => {
                return value.as_array().and_then(|items| {
                    items.iter().find_map(|item| refusal(root, rule, item, &format!("{path}[]")))
                });
            }
            "properties" => None,
            "additionalProperties" => return members(root, schema, value, path),
            "propertyNames" => {
                return value.as_object().and_then(|object| {
                    object.keys().find_map(|name| {
                        refusal(root, rule, &Value::String(name.clone()), &format!("{path}.{name}"))
                    })
                });
            }
            other => panic!("the validator does not know `{other}`"),
        };
        found.map(|found| format!("{path} {found}"))
    })
}

/// Checks an object's members against `properties`, and all others against `additionalProperties`.
fn members(root: &Value, schema: &Value, value: &Value, path: &str) -> Option<String> {
    value.as_object()?.iter().find_map(|(name, member)| {
        let path = format!("{path}.{name}");
        let known = schema.get("properties").and_then(|properties| properties.get(name));
        match (known, &schema["additionalProperties"]) {
            (Some(known), _) => refusal(root, known, member, &path),
            (None, Value::Bool(false)) => Some(format!("{path} is not known")),
            (None, other) => refusal(root, other, member, &path),
        }
    })
}

fn has_type(rule: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        other => panic!("the validator does not know the type `{other}`"),
    };
    rule.as_array().map_or_else(|| is(rule), |names| names.iter().any(is))
}

#[test]
fn the_schema_agrees_with_the_reader() {
    let schema: Value = serde_json::from_str(JSON_SCHEMA).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifest");
    let (mut accepted, mut refused) = (0, 0);
    for case in std::fs::read_dir(root).unwrap() {
        let case = case.unwrap().path();
        let text = std::fs::read_to_string(case.join("anymod.toml")).unwrap();
        let Ok(table) = text.parse::<toml::Table>() else {
            continue;
        };
        let value = serde_json::to_value(table).unwrap();
        let refusal = refusal(&schema, &schema, &value, "");
        match parse(&text, "anymod.toml") {
            Ok(_) => {
                accepted += 1;
                assert_eq!(refusal, None, "{}", case.display());
            }
            Err(findings) => {
                let structural = [codes::UNKNOWN_KEY.id, codes::WRONG_TYPE.id];
                if findings.0.iter().any(|finding| structural.contains(&finding.code.id)) {
                    refused += 1;
                    assert!(refusal.is_some(), "{}", case.display());
                }
            }
        }
    }
    assert!(accepted >= 8 && refused >= 3, "{accepted} accepted, {refused} refused");
}

#[test]
fn every_example_fits_its_own_key() {
    fn walk(root: &Value, schema: &Value, seen: &mut usize) {
        let examples = schema.get("examples").and_then(Value::as_array);
        for example in examples.into_iter().flatten() {
            *seen += 1;
            assert_eq!(refusal(root, schema, example, ""), None, "{example}");
        }
        for keyword in ["properties", "$defs"] {
            let inner = schema.get(keyword).and_then(Value::as_object);
            for inner in inner.into_iter().flat_map(serde_json::Map::values) {
                walk(root, inner, seen);
            }
        }
    }
    let schema: Value = serde_json::from_str(JSON_SCHEMA).unwrap();
    let mut seen = 0;
    walk(&schema, &schema, &mut seen);
    assert!(seen > 50, "{seen} examples");
}
