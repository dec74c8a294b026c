//! The sum that the loader compares, as WebAssembly: `check.wat`, assembled.

/// The module in base 64. A test assembles it again.
pub(super) const CHECK: &str = "\
    AGFzbQEAAAABDAJgAn5+AX5gAX8BfgMEAwAAAQUDAQABBxICBm1lbW9yeQIABXh4aDY0AAIK7AQDIQAgACABQs/W077Sx6vZQn58\
    Qh+JQoeVr6+Ytt6bnn9+CyMAIABCACABEACFQoeVr6+Ytt6bnn9+QuPcypX8zvL1hX98C6MEAgF/BX4gAEEgTwRAQoeVr6+Ytt6b\
    nn9Cz9bTvtLHq9lCfCEDQs/W077Sx6vZQiEEQgBCh5Wvr5i23puef30hBgNAIAMgASkDAELP1tO+0ser2UJ+fEIfiUKHla+vmLbe\
    m55/fiEDIAQgASkDCELP1tO+0ser2UJ+fEIfiUKHla+vmLbem55/fiEEIAUgASkDEELP1tO+0ser2UJ+fEIfiUKHla+vmLbem55/\
    fiEFIAYgASkDGELP1tO+0ser2UJ+fEIfiUKHla+vmLbem55/fiEGIAFBIGohASABQSBqIABNDQALIANCAYkgBEIHiXwgBUIMiSAG\
    QhKJfHwhAiACIAMQASECIAIgBBABIQIgAiAFEAEhAiACIAYQASECBULFz9my8eW66ichAgsgAiAArXwhAgJAA0AgAUEIaiAASw0B\
    IAJCACABKQMAEACFQhuJQoeVr6+Ytt6bnn9+QuPcypX8zvL1hX98IQIgAUEIaiEBDAALCyABQQRqIABNBEAgAiABNQIAQoeVr6+Y\
    tt6bnn9+hUIXiULP1tO+0ser2UJ+Qvnz3fGZ9pmrFnwhAiABQQRqIQELAkADQCABIABPDQEgAiABMQAAQsXP2bLx5brqJ36FQguJ\
    QoeVr6+Ytt6bnn9+IQIgAUEBaiEBDAALCyACIAJCIYiFQs/W077Sx6vZQn4hAiACIAJCHYiFQvnz3fGZ9pmrFn4hAiACIAJCIIiF\
    CwCEAQRuYW1lAQ8CAAVyb3VuZAEFbWVyZ2UCOwMAAgADc3VtAQVpbnB1dAECAANzdW0BBGxhbmUCBwAGbGVuZ3RoAQJhdAIDc3Vt\
    AwFhBAFiBQFjBgFkAy8BAgUBBmJsb2NrcwIJd29yZHNfZW5kAwV3b3JkcwUJYnl0ZXNfZW5kBgVieXRlcw==";

#[cfg(test)]
mod tests {
    #[test]
    fn the_module_is_what_its_source_says() {
        let module = wat::parse_str(include_str!("check.wat")).unwrap();
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for group in module.chunks(3) {
            let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for (index, shift) in [18, 12, 6, 0].into_iter().enumerate() {
                let digit = char::from(digits[(bits >> shift & 63) as usize]);
                text.push(if index <= group.len() { digit } else { '=' });
            }
        }
        assert_eq!(super::CHECK, text);
    }
}
