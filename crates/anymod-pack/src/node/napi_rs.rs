//! Declarations from what macros of napi-rs tell of a crate's types while it is compiled: a JSON object a line.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A line.
#[derive(Deserialize)]
struct Told {
    kind: String,
    name: String,
    #[serde(default)]
    js_doc: String,
    #[serde(default)]
    def: String,
}

/// Declarations in TypeScript, in an order that does not depend on the lines'; none if a line cannot be read or there is
/// nothing to declare.
#[must_use]
pub fn napi_declarations(lines: &str) -> Option<String> {
    let mut declared: BTreeMap<(u8, String), (String, String)> = BTreeMap::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let told: Told = serde_json::from_str(line).ok()?;
        let (rank, head) = match told.kind.as_str() {
            "interface" => (0, format!("export interface {} {{", told.name)),
            "type" => (1, format!("export type {} = {}", told.name, told.def)),
            "enum" | "string_enum" => (2, format!("export declare enum {} {{", told.name)),
            "struct" | "impl" | "extends" => (3, format!("export declare class {} {{", told.name)),
            "const" | "fn" => (4, format!("export declare {}", told.def)),
            _ => continue,
        };
        let body = declared.entry((rank, told.name)).or_default();
        if body.0.is_empty() || !told.js_doc.is_empty() {
            body.0 = told.js_doc + &head;
        }
        if rank != 1 && rank != 4 {
            body.1 +=
                &told.def.lines().map(|line| format!("  {}\n", line.trim())).collect::<String>();
        }
    }
    if declared.is_empty() {
        return None;
    }
    let mut text = String::from("// Made by anymod from the types of the crate.\n");
    for ((rank, _), (head, body)) in declared {
        text += "\n";
        text += head.trim_end();
        match rank {
            1 | 4 => text += ";\n",
            _ if body.is_empty() => text += "}\n",
            _ => text += &format!("\n{body}}}\n"),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"{"kind": "impl", "name": "Counter", "js_doc": "", "def": " constructor(start?: number)\n/** On. */\n add(step: number): number"}
{"kind": "struct", "name": "Counter", "js_doc": "/** Counts. */\n", "def": "", "original_name": "Counter"}
{"kind": "enum", "name": "Color", "js_doc": "", "def": "Red = 0,\nBlue = 6"}
{"kind": "fn", "name": "later", "js_doc": "", "def": "function later(n: number): Promise<number>"}
{"kind": "interface", "name": "Options", "js_doc": "", "def": "deep?: boolean"}
"#;

    #[test]
    fn every_kind_is_declared() {
        let text = napi_declarations(LINES).unwrap();
        let expected = "// Made by anymod from the types of the crate.

export interface Options {
  deep?: boolean
}

export declare enum Color {
  Red = 0,
  Blue = 6
}

export declare class Counter {
  constructor(start?: number)
  /** On. */
  add(step: number): number
}

export declare function later(n: number): Promise<number>;
";
        assert_eq!(text.replace("/** Counts. */\n", ""), expected);
        let values: Vec<String> = super::super::declared(&text)
            .into_iter()
            .filter(|one| one.value)
            .map(|one| one.name)
            .collect();
        assert_eq!(values, ["Color", "Counter", "later"]);
        let mut reversed: Vec<&str> = LINES.lines().collect();
        reversed.reverse();
        assert_eq!(napi_declarations(&reversed.join("\n")).unwrap(), text);
    }

    #[test]
    fn what_is_no_such_line_gives_nothing() {
        assert_eq!(napi_declarations(""), None);
        assert_eq!(napi_declarations("{"), None);
    }
}
