//! What must hold whatever the bytes: `cph::fuzzing::configuration`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cph::fuzzing::configuration(data));
