//! A graph as text for other programs: Graphviz, Mermaid, JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anymod_model::graph::{Graph, Node, VERSION};
use serde_json::json;

/// For Graphviz: `dot -Tsvg`. Actions are boxes, grouped by module and target; those that would run are filled.
pub(super) fn dot(graph: &Graph) -> String {
    let mut text = String::from(
        "digraph anymod {\n  rankdir=LR;\n  graph [fontname=\"sans-serif\", fontsize=11];\n  \
         node [fontname=\"sans-serif\", fontsize=11];\n",
    );
    for node in graph.nodes.iter().filter(|node| node.kind.is_none()) {
        _ = writeln!(text, "  n{} [label={}, shape=plaintext];", node.id, dot_string(&label(node)));
    }
    for (number, (title, nodes)) in groups(graph).into_iter().enumerate() {
        let title = dot_string(&title);
        _ = writeln!(text, "  subgraph cluster_{number} {{\n    label={title};\n    color=gray;");
        for node in nodes {
            let style = match node.stale {
                Some(true) => ", style=filled, fillcolor=\"#f6d5a8\"",
                _ => "",
            };
            let label = dot_string(&label(node));
            _ = writeln!(text, "    n{} [label={label}, shape=box{style}];", node.id);
        }
        text.push_str("  }\n");
    }
    for edge in &graph.edges {
        let file = dot_string(&edge.file);
        _ = writeln!(text, "  n{} -> n{} [tooltip={file}];", edge.from, edge.to);
    }
    text + "}\n"
}

/// For Markdown that is rendered with Mermaid.
pub(super) fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("flowchart LR\n");
    for node in graph.nodes.iter().filter(|node| node.kind.is_none()) {
        _ = writeln!(text, "  n{}([\"{}\"])", node.id, mermaid_text(&label(node)));
    }
    for (number, (title, nodes)) in groups(graph).into_iter().enumerate() {
        _ = writeln!(text, "  subgraph g{number}[\"{}\"]", mermaid_text(&title));
        for node in nodes {
            _ = writeln!(text, "    n{}[\"{}\"]", node.id, mermaid_text(&label(node)));
        }
        text.push_str("  end\n");
    }
    let mut last = None;
    for edge in &graph.edges {
        // Two files between the same nodes are one arrow.
        if last.replace((edge.from, edge.to)) != Some((edge.from, edge.to)) {
            _ = writeln!(text, "  n{} --> n{}", edge.from, edge.to);
        }
    }
    let stale = graph.nodes.iter().filter(|node| node.stale == Some(true));
    let stale: Vec<String> = stale.map(|node| format!("n{}", node.id)).collect();
    if !stale.is_empty() {
        text.push_str("  classDef stale fill:#f6d5a8,stroke:#a86a1a,color:#000\n");
        _ = writeln!(text, "  class {} stale", stale.join(","));
    }
    text
}

/// For programs: the graph itself, with a version.
pub(super) fn json(graph: &Graph) -> String {
    crate::commands::json(
        &json!({ "version": VERSION, "nodes": graph.nodes, "edges": graph.edges }),
    )
}

/// The actions of each module and target, under the title that they have in common.
fn groups(graph: &Graph) -> BTreeMap<String, Vec<&Node>> {
    let mut groups: BTreeMap<String, Vec<&Node>> = BTreeMap::new();
    for node in graph.nodes.iter().filter(|node| node.kind.is_some()) {
        let words = [node.module.as_deref(), node.target.as_deref()];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        groups.entry(words.join("  ")).or_default().push(node);
    }
    groups
}

/// `compile crc32.c` for an action, the path for a file.
fn label(node: &Node) -> String {
    match node.kind {
        Some(kind) => format!("{} {}", kind.name(), node.label),
        None => node.label.clone(),
    }
}

/// A quoted string of the DOT language. A backslash begins an escape there, so it is one of its own.
fn dot_string(text: &str) -> String {
    let mut string = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => string.extend(['\\', letter]),
            letter if letter.is_control() => string.push('?'),
            letter => string.push(letter),
        }
    }
    string + "\""
}

/// Text between quotes in Mermaid: what could mean something there is written by its number.
fn mermaid_text(text: &str) -> String {
    let mut string = String::new();
    for letter in text.chars() {
        let plain = letter.is_alphanumeric() || " _-./+:,=@".contains(letter);
        if letter.is_control() {
            string.push('?');
        } else if plain {
            string.push(letter);
        } else {
            _ = write!(string, "#{};", u32::from(letter));
        }
    }
    string
}

#[cfg(test)]
mod tests {
    use anymod_model::event::{Action, ActionKind};
    use anymod_model::graph::Step;

    use super::*;

    fn graph(source: &str) -> Graph {
        let action = |kind, subject: &str| Action {
            kind,
            module: Some("m".to_owned()),
            target: "micropython-x64".to_owned(),
            subject: subject.to_owned(),
        };
        let (compile, link) = (action(ActionKind::Compile, source), action(ActionKind::Link, "m"));
        let [object, module] = ["a.o", "m.mpy"].map(str::to_owned);
        let (source, object) = ([source.to_owned()], [object]);
        Graph::of(&[
            Step { action: &compile, inputs: &source, outputs: &object, stale: true },
            Step { action: &link, inputs: &object, outputs: &[module], stale: false },
        ])
    }

    #[test]
    fn dot_groups_actions_and_quotes_names() {
        let expected = r##"digraph anymod {
  rankdir=LR;
  graph [fontname="sans-serif", fontsize=11];
  node [fontname="sans-serif", fontsize=11];
  n1 [label="a \"b\" \\n.c", shape=plaintext];
  n3 [label="m.mpy", shape=plaintext];
  subgraph cluster_0 {
    label="m  micropython-x64";
    color=gray;
    n0 [label="compile a \"b\" \\n.c", shape=box, style=filled, fillcolor="#f6d5a8"];
    n2 [label="link m", shape=box];
  }
  n0 -> n2 [tooltip="a.o"];
  n1 -> n0 [tooltip="a \"b\" \\n.c"];
  n2 -> n3 [tooltip="m.mpy"];
}
"##;
        assert_eq!(dot(&graph("a \"b\" \\n.c")), expected);
    }

    #[test]
    fn mermaid_writes_what_means_something_by_number() {
        let expected = r##"flowchart LR
  n1(["a#34;#93;`.c"])
  n3(["m.mpy"])
  subgraph g0["m  micropython-x64"]
    n0["compile a#34;#93;`.c"]
    n2["link m"]
  end
  n0 --> n2
  n1 --> n0
  n2 --> n3
  classDef stale fill:#f6d5a8,stroke:#a86a1a,color:#000
  class n0 stale
"##;
        assert_eq!(mermaid(&graph("a\"]`.c")), expected.replace('`', "#96;"));
    }

    #[test]
    fn names_cannot_add_lines() {
        for text in [dot(&graph("a\n]; evil.c")), mermaid(&graph("a\n]; evil.c"))] {
            assert!(!text.lines().any(|line| line.starts_with(']')), "{text}");
        }
    }

    #[test]
    fn json_has_a_version_and_every_file() {
        let value: serde_json::Value = serde_json::from_str(&json(&graph("a.c"))).unwrap();
        assert_eq!(value["version"], 1);
        assert_eq!(value["nodes"][0]["kind"], "compile");
        assert_eq!(value["nodes"][0]["stale"], true);
        assert_eq!(value["edges"][0], json!({ "from": 0, "to": 2, "file": "a.o" }));
    }
}
