//! Modules for memory that threads share.
//!
//! Why: the runtime has one thread and memory of its own, so that such a module cannot be loaded. What: an imported or
//! defined memory that is shared. Atomic instructions alone are no finding; they work on any memory. Mend: compile and
//! link without `-pthread`.

use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;

use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let shared = subject.modules.iter().filter(|(_, shared)| shared.module.shares_memory());
    shared
        .map(|(path, _)| {
            Diagnostic::error(&code::SHARED_MEMORY, "the module needs memory that threads share")
                .at(subject.place(path))
                .hint("compile and link without `-pthread`")
        })
        .collect()
}
