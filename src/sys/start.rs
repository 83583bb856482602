//! What a program needs before anything else, since ours begins without the standard library's
//! own beginning: that reads `/proc/self/maps` and installs a handler for stack overflows, which
//! costs a tenth of starting an empty static program (`benches/README.md`).
//!
//! Knows nothing of what comes after. Invariant: descriptors 0, 1 and 2 are open, so that no file
//! of ours can take their place and be printed into.

use std::ffi::{CStr, OsStr, OsString, c_char};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, BorrowedFd, IntoRawFd as _};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::OnceLock;

static ARGUMENTS: OnceLock<Vec<OsString>> = OnceLock::new();

/// To be called once, first, by the only thread.
///
/// # Safety
///
/// `count` and `words` are the arguments of a C program's `main`.
#[expect(unsafe_code, reason = "arguments come from the C library as it has them")]
pub(crate) unsafe fn begin(count: i32, words: *const *const c_char) {
    // SAFETY: as our caller promises.
    ARGUMENTS.get_or_init(|| unsafe { copied(count, words) });
    keep_standard_descriptors();
    ignore_broken_pipes();
}

/// The command line, the program's own name first; the standard library's beginning, which we have not, would
/// have kept it, and not every C library tells it later.
pub(crate) fn arguments() -> &'static [OsString] {
    ARGUMENTS.get().map(Vec::as_slice).unwrap_or_default()
}

#[expect(unsafe_code, reason = "arguments come from the C library as it has them")]
unsafe fn copied(count: i32, words: *const *const c_char) -> Vec<OsString> {
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: `main` is called with `count` pointers to strings that end with a zero byte.
    let word = |at| unsafe { CStr::from_ptr(*words.add(at)) };
    (0..count).map(|at| OsStr::from_bytes(word(at).to_bytes()).to_owned()).collect()
}

/// Where the program lies, as the C library asks at the start of a static program: not known, which it takes for an
/// answer. Its own function reads a link in `/proc`, which has to be made for every new process (20 µs), for the
/// sake of libraries that lie beside the program and are loaded later; a static program loads none.
#[cfg(all(target_os = "linux", target_env = "gnu", target_feature = "crt-static"))]
#[expect(unsafe_code, reason = "it takes the place of a function of the C library")]
#[unsafe(no_mangle)]
extern "C" fn _dl_get_origin() -> *const libc::c_char {
    std::ptr::without_provenance(usize::MAX)
}

/// To be called last: what was printed goes out. Failing is of no use any more.
pub(crate) fn end() {
    let _gone = std::io::stdout().flush();
}

#[expect(unsafe_code, reason = "whether a descriptor is open can only be asked by its number")]
fn keep_standard_descriptors() {
    for number in 0..=2 {
        // SAFETY: the borrow ends with the call, which asks for a flag and changes nothing.
        let is_open = rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(number) }).is_ok();
        if !is_open && let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
            // The lowest free number is the one that was missing; it stays open to the end.
            debug_assert_eq!(null.as_raw_fd(), number);
            let _stays_open = null.into_raw_fd();
        }
    }
}

/// A reader that has gone is told by an error, not by a signal that ends us. Programs that we
/// start get the default back (`process`).
#[expect(unsafe_code, reason = "rustix has no signal dispositions")]
fn ignore_broken_pipes() {
    // SAFETY: to ignore a signal needs no handler, and no other thread runs yet.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}
