//! What is called when a thread ends, without memory of its own: the standard library's way allocates.
//!
//! Knows nothing of what is done then.

use std::ffi::c_void;
use std::ptr;
use std::sync::OnceLock;

static KEY: OnceLock<Option<libc::pthread_key_t>> = OnceLock::new();

/// Has `leave` called at the end of this thread, though not at that of the program. Always the same function.
pub(super) fn call(leave: extern "C" fn(*mut c_void)) {
    let key = KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: a place for a key, and a function that lasts.
        let made = unsafe { libc::pthread_key_create(&raw mut key, Some(leave)) };
        (made == 0).then_some(key)
    });
    if let Some(key) = key {
        // Anything but null. Should it fail, what the thread has is lost at its end.
        // SAFETY: the key is one.
        let _lost = unsafe { libc::pthread_setspecific(*key, ptr::dangling::<c_void>()) };
    }
}
