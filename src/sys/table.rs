//! The table of open files, which threads share unless one asks for its own.
//!
//! With a shared table every call on a file takes and gives back a reference, and every opening and
//! closing waits for the table's lock: of two threads that read small files one after the other each
//! needs a quarter more time. Knows nothing of what is open.

/// From now on what the calling thread opens is open for it alone, and what was open stays so, for it
/// too, until it ends. What it opens cannot be handed to other threads, nor what they open later to it.
///
/// Whether it is so: where the system does not allow it, nothing changes.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "rustix has no safe call for it")]
pub(crate) fn keep_apart() -> bool {
    // SAFETY: the call takes a number and changes nothing but this thread's table, which begins as a
    // copy: every descriptor that somebody holds means the same file afterwards.
    !super::use_posix() && unsafe { libc::unshare(libc::CLONE_FILES) } == 0
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn keep_apart() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        io::{Read as _, Write as _},
        os::fd::AsRawFd as _,
        sync::mpsc::channel,
        thread,
    };

    use super::*;

    #[test]
    fn a_thread_reads_what_was_open_and_opens_for_itself_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join(name);
        for name in ["before", "behind"] {
            File::create(path(name)).unwrap().write_all(name.as_bytes()).unwrap();
        }
        let mut before = File::open(path("before")).unwrap();
        let ((tell, told), (release, released)) = (channel(), channel::<()>());
        let behind = path("behind");
        thread::scope(|scope| {
            scope.spawn(move || {
                let is_apart = keep_apart();
                let mut text = String::new();
                before.read_to_string(&mut text).unwrap();
                let mut own = File::open(behind).unwrap();
                own.read_to_string(&mut text).unwrap();
                assert_eq!(text, "beforebehind");
                tell.send((is_apart, own.as_raw_fd())).unwrap();
                // Open until somebody has looked.
                released.recv().unwrap();
            });
            let (is_apart, number) = told.recv().unwrap();
            let here = fs::read_link(format!("/proc/self/fd/{number}"));
            let is_here = here.is_ok_and(|here| here == path("behind").canonicalize().unwrap());
            release.send(()).unwrap();
            assert!(!(is_apart && is_here));
        });
    }
}
