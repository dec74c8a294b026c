//! Bytes as a wheel: read, renamed, retagged, written, read again, audited. And as its record and its headers.
#![no_main]

use anymod_pack::wheel::{Headers, WheelName, read, read_record};

const NAME: &str = "spam-1.0-cp313-cp313-linux_x86_64.whl";

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let headers = Headers::parse(text);
        let written = Headers::parse(&headers.to_string());
        assert!(written.0.len() <= headers.0.len(), "writing makes no rows");
        let _ = read_record(text);
        if let Ok(name) = WheelName::parse(text) {
            let again = WheelName::parse(&name.to_string()).expect("a written name can be read");
            assert!(again == name, "a name is written as it was read");
        }
    }
    let Ok(mut wheel) = read(data, NAME) else { return };
    let _ = anymod_audit::wheel(&wheel, None, &["spam._a".to_owned()], &["/home".to_owned()]);
    wheel.rename_extensions(".cpython-313-wasm32-emscripten.so");
    if wheel.retag("cp313", "cp313", "pyodide_2025_0_wasm32").is_err() {
        return;
    }
    let Ok(bytes) = wheel.write(0) else { return };
    let mut again = read(&bytes, &wheel.file_name()).expect("a written wheel can be read");
    assert!(again.write(0).expect("it can be written again") == bytes, "the same bytes");
    let record = wheel.dist_info().expect("it describes itself").to_owned() + "/RECORD";
    wheel.files.remove(&record);
    again.files.remove(&record);
    assert!(again == wheel, "what is written is read");
});
