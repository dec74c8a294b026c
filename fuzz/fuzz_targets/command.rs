//! Bytes as a response file of a compiler driver, taken apart.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let words = anymod_build::intercept::taken_apart(data);
    std::hint::black_box(words);
});
