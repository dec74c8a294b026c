//! Artifacts: sets of files that another build makes of a project, and everything that decides their bytes.

use std::collections::BTreeMap;

use super::read::Inner;
use super::resolve::Fields;
use super::suggest::nearest;
use super::values::Spanned;
use super::variables::Environment;
use super::{Manifest, place};
use crate::codes::manifest as codes;
use crate::{Diagnostic, Diagnostics, Place};

/// Everything that the manifest says about an artifact. Paths and patterns are relative to the manifest's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactSettings {
    /// The manifest's file, for messages.
    pub file: String,
    /// Its name.
    pub name: Spanned<String>,
    /// Patterns of files and directories that it is made of.
    pub inputs: Vec<Spanned<String>>,
    /// Patterns of files and directories that are left out of them.
    pub exclude: Vec<Spanned<String>>,
    /// Patterns of the files that belong to it.
    pub outputs: Vec<Spanned<String>>,
    /// Patterns of those among them that may be empty.
    pub may_be_empty: Vec<Spanned<String>>,
    /// Programs that make it.
    pub tools: Vec<Spanned<String>>,
    /// Names of the variables that reach it, in which `*` stands for anything.
    pub environment: Vec<Spanned<String>>,
}

impl ArtifactSettings {
    /// Where a value is.
    #[must_use]
    pub fn place<T>(&self, value: &Spanned<T>) -> Place {
        place(&self.file, value)
    }
}

impl Manifest {
    /// The artifacts, in file order.
    pub fn artifacts(&self) -> impl Iterator<Item = &str> {
        self.root.named("artifact").map(|inner| inner.label.value.as_str())
    }

    /// What the manifest says about an artifact.
    ///
    /// # Errors
    ///
    /// An artifact that there is not, and unset variables.
    pub fn artifact(
        &self,
        name: &str,
        environment: Environment<'_>,
    ) -> Result<ArtifactSettings, Diagnostics> {
        let found = self.root.named("artifact").find(|inner| inner.label.value == name);
        let inner = found.ok_or_else(|| self.unknown_artifact(name))?;
        let mut read = BTreeMap::new();
        let mut fields = Fields {
            file: self.file(),
            layer: inner.node.layer.clone(),
            environment,
            read: &mut read,
            findings: Vec::new(),
        };
        let settings = ArtifactSettings {
            file: self.file().to_owned(),
            name: inner.label.clone(),
            inputs: fields.list("inputs"),
            exclude: fields.list("exclude"),
            outputs: fields.list("outputs"),
            may_be_empty: fields.list("may-be-empty"),
            tools: fields.list("tools"),
            environment: fields.list("environment"),
        };
        fields.finish();
        // A variable may have led out of the project, or left nothing.
        fields.findings.extend(wrong(self, inner, &settings.inputs, &settings.outputs));
        if fields.findings.is_empty() { Ok(settings) } else { Err(Diagnostics(fields.findings)) }
    }

    fn unknown_artifact(&self, name: &str) -> Diagnostic {
        let message = format!("unknown artifact `{}`", name.escape_debug());
        let finding = Diagnostic::error(&codes::UNKNOWN_ARTIFACT, message);
        if self.modules().any(|module| module == name) {
            let note =
                format!("`{name}` is a module; `anymod build` keeps and finds its files by itself");
            return finding.note(note).hint(format!("run `anymod build {name}`"));
        }
        let known: Vec<&str> = self.artifacts().collect();
        finding.hint(match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => format!("add a section `[artifact.{name}]`"),
            None => format!("the manifest has `{}`", known.join("`, `")),
        })
    }
}

/// What is wrong with an artifact's section besides its single values.
pub(super) fn check(manifest: &Manifest, complete: bool) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for inner in manifest.root.named("artifact") {
        let [inputs, outputs] = ["inputs", "outputs"].map(|key| inner.node.many(key));
        let found = wrong(manifest, inner, inputs, outputs);
        // What is missing may be what could not be read.
        findings.extend(
            found.into_iter().filter(|finding| complete || finding.code != &codes::NO_OUTPUTS),
        );
    }
    findings
}

fn wrong(
    manifest: &Manifest,
    inner: &Inner,
    inputs: &[Spanned<String>],
    outputs: &[Spanned<String>],
) -> Vec<Diagnostic> {
    let name = &inner.label.value;
    let mut findings = Vec::new();
    for (key, values, example) in
        [("inputs", inputs, "[\"src\"]"), ("outputs", outputs, "[\"native/*.node\"]")]
    {
        if values.is_empty() {
            let message = format!("artifact `{name}` has no `{key}`");
            let hint = format!("add `{key} = {example}` to its section");
            let finding = Diagnostic::error(&codes::NO_OUTPUTS, message);
            findings.push(finding.at(manifest.place(&inner.label)).hint(hint));
        }
    }
    for output in outputs.iter().filter(|output| leads_out(&output.value)) {
        let message = format!("output `{}` leads out of the project", output.value);
        let finding = Diagnostic::error(&codes::BAD_PATH, message).at(manifest.place(output));
        findings.push(finding.hint("outputs are below the manifest's directory"));
    }
    findings
}

fn leads_out(pattern: &str) -> bool {
    let drive = pattern.as_bytes().get(1) == Some(&b':');
    pattern.starts_with('/') || drive || pattern.split('/').any(|part| part == "..")
}
