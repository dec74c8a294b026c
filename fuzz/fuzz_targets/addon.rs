//! Bytes as an addon for Node.js: its identity is read, its sums are written, it is stripped and audited.
#![no_main]

use anymod_audit::AddonRequest;
use anymod_link::addon::strip;
use anymod_link::identity::{read, seal};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = anymod_audit::addon(data, "a.linux-x64-modern.node", AddonRequest::default());
    let _ = strip(data);
    if let Ok(sealed) = seal(data.to_vec(), "a.node") {
        assert_eq!(sealed.len(), data.len(), "sealing writes in place");
        let _ = read(&sealed, "a.node");
    }
});
