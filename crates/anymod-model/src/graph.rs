//! The graph of a build: its actions, the files that they begin with and those that they end with.
//!
//! Files between two actions are no nodes of their own: they are what the edge between the two stands for, so that a graph
//! has about as many nodes as a person expects.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::event::{Action, ActionKind};

/// Version of the form of a graph in JSON.
pub const VERSION: u32 = 1;

/// Nodes and what leads from one to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// Each at the place of its number.
    pub nodes: Vec<Node>,
    /// Sorted.
    pub edges: Vec<Edge>,
}

/// An action or a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its number.
    pub id: usize,
    /// What it does; none for a file.
    pub kind: Option<ActionKind>,
    /// The action's subject or the file's path.
    pub label: String,
    /// The action's module, if it belongs to one.
    pub module: Option<String>,
    /// The action's target; none for a file.
    pub target: Option<String>,
    /// Whether the action would run; none for a file.
    pub stale: Option<bool>,
}

/// A file goes from one node to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Edge {
    /// Number of the node that makes or is the file.
    pub from: usize,
    /// Number of the node that reads or is it.
    pub to: usize,
    /// The file.
    pub file: String,
}

/// An action with its files, from which a graph is made.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The action.
    pub action: &'a Action,
    /// Files that it reads.
    pub inputs: &'a [String],
    /// Files that it makes, the one that matters most first.
    pub outputs: &'a [String],
    /// Whether it would run.
    pub stale: bool,
}

impl Graph {
    /// The graph of steps, each of which comes after those that make its inputs.
    #[must_use]
    pub fn of<'a>(steps: &[Step<'a>]) -> Graph {
        let mut graph = Graph::default();
        let mut sources: BTreeMap<&'a str, usize> = BTreeMap::new();
        let mut makers: BTreeMap<&'a str, usize> = BTreeMap::new();
        let mut edges = BTreeSet::new();
        let mut ends: BTreeMap<usize, &'a str> = BTreeMap::new();
        for step in steps {
            let own = graph.add(Some(step));
            for file in step.inputs {
                let from = match makers.get(file.as_str()) {
                    Some(maker) => {
                        ends.remove(maker);
                        *maker
                    }
                    None => *sources.entry(file).or_insert_with(|| graph.add_file(file)),
                };
                edges.insert(Edge { from, to: own, file: file.clone() });
            }
            makers.extend(step.outputs.iter().map(|file| (file.as_str(), own)));
            // Until somebody reads what it makes, it is where the graph ends.
            ends.extend(step.outputs.first().map(|file| (own, file.as_str())));
        }
        for (from, file) in ends {
            let to = graph.add_file(file);
            edges.insert(Edge { from, to, file: file.to_owned() });
        }
        graph.edges = edges.into_iter().collect();
        graph
    }

    fn add(&mut self, step: Option<&Step<'_>>) -> usize {
        let id = self.nodes.len();
        let action = step.map(|step| step.action);
        self.nodes.push(Node {
            id,
            kind: action.map(|action| action.kind),
            label: action.map(|action| action.subject.clone()).unwrap_or_default(),
            module: action.and_then(|action| action.module.clone()),
            target: action.map(|action| action.target.clone()),
            stale: step.map(|step| step.stale),
        });
        id
    }

    fn add_file(&mut self, file: &str) -> usize {
        let id = self.add(None);
        if let Some(node) = self.nodes.last_mut() {
            file.clone_into(&mut node.label);
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(kind: ActionKind, subject: &str) -> Action {
        let (module, target) = (Some("m".to_owned()), "t".to_owned());
        Action { kind, module, target, subject: subject.to_owned() }
    }

    #[test]
    fn edges_go_from_sources_through_actions_to_what_is_left_over() {
        let (compile, link) = (action(ActionKind::Compile, "a.c"), action(ActionKind::Link, "m"));
        let [source, header, object, module, sizes] =
            ["a.c", "a.h", "a.o", "m.mpy", "m.json"].map(str::to_owned);
        let graph = Graph::of(&[
            Step {
                action: &compile,
                inputs: &[source, header.clone()],
                outputs: std::slice::from_ref(&object),
                stale: true,
            },
            Step {
                action: &link,
                inputs: &[object.clone(), header],
                outputs: &[module, sizes],
                stale: false,
            },
        ]);
        let labels: Vec<&str> = graph.nodes.iter().map(|node| node.label.as_str()).collect();
        assert_eq!(labels, ["a.c", "a.c", "a.h", "m", "m.mpy"]);
        let edges: Vec<_> = graph.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        assert_eq!(edges, [(0, 3), (1, 0), (2, 0), (2, 3), (3, 4)]);
        let stale: Vec<_> = graph.nodes.iter().map(|node| node.stale).collect();
        assert_eq!(stale, [Some(true), None, None, Some(false), None]);
        assert!(graph.nodes.iter().enumerate().all(|(place, node)| node.id == place));
    }

    #[test]
    fn nothing_to_do_is_an_empty_graph() {
        assert_eq!(Graph::of(&[]), Graph::default());
    }
}
