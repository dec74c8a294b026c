//! Where each library goes, and why: by who uses it, how it can be linked, and whether it has state.

use std::collections::{BTreeMap, BTreeSet};

use anymod_link::host::library::Library;
use anymod_link::host::pic::Class;
use anymod_model::Diagnostic;
use anymod_model::codes::split as codes;
use anymod_model::manifest::{LibraryPlace, SplitLibrary, Tier};

use super::{Inputs, PlannedLibrary, SplitPlan};

/// The places of all libraries.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen {
    /// Those in the host, and whether modules use them there.
    host: BTreeMap<String, bool>,
    /// Those in modules, with the modules.
    modules: BTreeMap<String, BTreeSet<usize>>,
}

impl Chosen {
    pub(super) fn is_in_host(&self, name: &str) -> bool {
        self.host.contains_key(name)
    }

    pub(super) fn is_in_module(&self, name: &str, module: usize) -> bool {
        self.modules.get(name).is_some_and(|modules| modules.contains(&module))
    }

    /// The libraries in the host.
    pub(super) fn host(&self) -> impl Iterator<Item = &str> {
        self.host.keys().map(String::as_str)
    }

    /// Those of them that modules use there.
    pub(super) fn exported(&self) -> impl Iterator<Item = &str> {
        self.host.iter().filter(|(_, used)| **used).map(|(name, _)| name.as_str())
    }
}

/// Who uses a library.
#[derive(Default)]
struct Users {
    /// The host itself, or modules that stay in it.
    host: bool,
    /// Modules that have their libraries in the host.
    shared: Vec<usize>,
    /// Modules that would have it inside.
    bundled: Vec<usize>,
}

fn users(inputs: &Inputs<'_>, name: &str) -> Users {
    let mut users = Users {
        host: inputs.settings.libraries.iter().any(|library| library.value == name),
        ..Users::default()
    };
    for (number, module) in inputs.settings.modules.iter().enumerate() {
        if !module.libraries.iter().any(|library| library.value == name) {
            continue;
        }
        match inputs.tiers.get(number) {
            Some(Tier::Shared) => users.shared.push(number),
            Some(Tier::Bundled) => users.bundled.push(number),
            _ => users.host = true,
        }
    }
    users
}

/// Chooses for every library, and says so in the plan.
pub(super) fn places(inputs: &Inputs<'_>, plan: &mut SplitPlan) -> Chosen {
    let mut chosen = Chosen::default();
    for (name, library) in &inputs.libraries {
        let Some(settings) = inputs.settings.library.get(*name) else { continue };
        let users = users(inputs, name);
        let class = library.class().map(|(class, _)| class);
        let (in_host, in_modules, because) = place(settings, library, class, &users);
        if in_modules && let Some(class @ (Class::Program | Class::Fixed)) = class {
            let message = format!("`{name}` cannot go into modules: it goes {}", class.describe());
            let finding = Diagnostic::error(&codes::UNPLACEABLE, message);
            plan.diagnostics.push(
                finding.at(inputs.settings.place(&settings.archive)).hint(
                    "let it go into the host (`place = \"host\"`), or compile it with `-fPIC`",
                ),
            );
        }
        let is_used = users.host || !users.shared.is_empty() || !users.bundled.is_empty();
        if in_host {
            let by_modules = !users.shared.is_empty() || !in_modules && !users.bundled.is_empty();
            chosen.host.insert((*name).to_owned(), by_modules);
        }
        if in_modules {
            let mut modules: BTreeSet<usize> = users.bundled.iter().copied().collect();
            if !in_host {
                modules.extend(&users.shared);
            }
            chosen.modules.insert((*name).to_owned(), modules);
        }
        plan.libraries.push(PlannedLibrary {
            name: (*name).to_owned(),
            place: match (in_host, in_modules) {
                _ if !is_used => "nowhere",
                (true, true) => "both",
                (true, false) => "host",
                (false, _) => "modules",
            },
            because,
            class: class.map(Class::name),
            state: library.state(),
        });
    }
    chosen
}

/// Whether a library goes into the host, whether it goes into modules, and why.
fn place(
    settings: &SplitLibrary,
    library: &Library<'_>,
    class: Option<Class>,
    users: &Users,
) -> (bool, bool, String) {
    let outputs = usize::from(users.host || !users.shared.is_empty()) + users.bundled.len();
    if outputs == 0 {
        return (false, false, "nothing uses it".to_owned());
    }
    match settings.place {
        LibraryPlace::Host => return (true, false, "the manifest says so".to_owned()),
        LibraryPlace::Module if !users.host => {
            return (false, true, "the manifest says so".to_owned());
        }
        _ => {}
    }
    if users.bundled.is_empty() {
        let why = match (users.host, users.shared.len()) {
            (_, 0) => "only the host and modules that stay in it use it".to_owned(),
            (_, 1) => "a module that shares its libraries uses it".to_owned(),
            (_, count) => format!("{count} modules share it"),
        };
        return (true, false, why);
    }
    let class_name = class.map_or("unknown", Class::name);
    if class.is_none_or(|class| class >= Class::Program) {
        return (true, false, format!("class `{class_name}`: it cannot go into a shared object"));
    }
    let state = library.state();
    if outputs > 1 && state > 0 {
        let why =
            format!("{outputs} outputs use it, and each would have its own {state} bytes of state");
        return (true, false, why);
    }
    let how = match class {
        Some(Class::Pie) => ", with its symbols hidden (class `pie`)",
        _ => "",
    };
    let why = match (outputs, users.host || !users.shared.is_empty()) {
        (1, _) => format!("one module uses it{how}"),
        (_, in_host) => {
            let why = format!("it has no state, so that {outputs} copies are safe{how}");
            return (in_host, true, why);
        }
    };
    (false, true, why)
}
