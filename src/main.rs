//! The program: everything is in the library, so that tests and benches see it too.
//!
//! It begins where the C library calls it; `cph::cli::main` does what the standard library would
//! have done before (`sys::start` says what and why).
#![cfg_attr(not(test), no_main)]

#[cfg(target_os = "linux")]
#[global_allocator]
static HEAP: cph::Heap = cph::Heap;

#[cfg(not(test))]
#[expect(unsafe_code, reason = "the C library finds the beginning of a program by its name")]
#[unsafe(no_mangle)]
extern "C" fn main(count: i32, words: *const *const std::ffi::c_char) -> i32 {
    // SAFETY: they are what the C library says, once, in front of everything.
    unsafe { cph::cli::main(count, words) }.into()
}
