//! What must hold whatever the bytes: `cph::fuzzing::answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cph::fuzzing::answer(data));
