//! What must hold whatever the bytes: `cph::fuzzing::script`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cph::fuzzing::script(data));
