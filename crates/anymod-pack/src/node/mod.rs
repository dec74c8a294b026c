//! What is installed beside addons for Node.js: a loader for CommonJS, an entry for ES modules, the probe of the
//! processor; and what declarations say. Text in, text out.
//!
//! The loader is `index.cjs` with a table of files, and `loader.cjs`; it checks what it loads as `anymod_model::identity` says.

mod declarations;
mod embed;
mod loader;
mod napi_rs;
mod package;
mod probe;

pub use declarations::{Declared, declared};
pub use embed::{Content, Host, Packing, archive, archive_name, embedded, stub};
pub use loader::{Addon, Built, LOADER, LOADER_FILE, esm, loader};
pub use napi_rs::napi_declarations;
pub use package::{Package, Sums};
pub use probe::{
    PROBE_NAME, PROBE_SOURCE, PROBE_VERSION, UNPACKER_OPTIONS, probe_file, unpacker_source,
};
