//! What we hold open stays with us: no child inherits a descriptor that we inherited ourselves.
//!
//! A host that leaks the write end of a pipe to us would otherwise wait for whatever we start.

#[cfg(target_os = "linux")]
use std::os::fd::RawFd;

/// Marks every descriptor beyond stderr to be closed in children.
pub(super) fn keep_to_ourselves() {
    #[cfg(target_os = "linux")]
    if !crate::sys::use_posix() && close_range() {
        return;
    }
    one_by_one();
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "rustix has no close_range")]
fn close_range() -> bool {
    const FIRST: RawFd = 3;
    // SAFETY: with CLOEXEC the call closes nothing now; it only sets a flag on descriptors.
    let code = unsafe {
        libc::syscall(libc::SYS_close_range, FIRST, RawFd::MAX, libc::CLOSE_RANGE_CLOEXEC)
    };
    code == 0
}

#[expect(
    unsafe_code,
    reason = "a descriptor that nobody of us owns can only be borrowed by number"
)]
fn one_by_one() {
    let Ok(entries) = std::fs::read_dir("/dev/fd") else {
        return;
    };
    let numbers: Vec<i32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in numbers {
        // SAFETY: the borrow ends with this iteration, and only a flag is read and set by it. A
        // number that was closed meanwhile is an error of the call, which we ignore.
        let descriptor = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
        if let Ok(flags) = rustix::io::fcntl_getfd(descriptor) {
            let flags = flags | rustix::io::FdFlags::CLOEXEC;
            let _ = rustix::io::fcntl_setfd(descriptor, flags);
        }
    }
}
