//! TERM, INT and HUP sent to this process, turned into a readable descriptor.
//!
//! Knows nothing of who is to be told. Installed only when children are about to be run; as long
//! as no [`Watch`] lives, the signals do what they always do. A signal that was ignored when we
//! were started (`nohup`) stays ignored.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::Signal;
use signal_hook::low_level;

const WATCHED: [Signal; 3] = [Signal::TERM, Signal::INT, Signal::HUP];

/// The last signal that arrived; zero for none.
static LAST: AtomicI32 = AtomicI32::new(0);

/// Nobody watches: the handlers do the default, which is to die.
static IDLE: AtomicBool = AtomicBool::new(true);

/// What the handlers write to, and where that can be read. They are never taken away again:
/// between taking them away and restoring the default a signal would be lost.
struct Installed {
    readable: OwnedFd,
    written: OwnedFd,
}

static INSTALLED: OnceLock<Installed> = OnceLock::new();
static WATCHERS: Mutex<usize> = Mutex::new(0);

/// Makes the signals arrive at a descriptor instead of ending this process, as long as it lives.
#[derive(Debug)]
pub(crate) struct Watch {
    installed: &'static Installed,
}

impl std::fmt::Debug for Installed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Installed").field("last", &LAST).finish_non_exhaustive()
    }
}

/// Starts to watch. Several watches at a time see the same signals.
pub(crate) fn watch() -> io::Result<Watch> {
    let mut watchers = WATCHERS.lock().unwrap_or_else(PoisonError::into_inner);
    let installed = if let Some(installed) = INSTALLED.get() {
        installed
    } else {
        let installed = INSTALLED.get_or_init({
            let made = pipe()?;
            || made
        });
        handle()?;
        installed
    };
    *watchers += 1;
    IDLE.store(false, Ordering::SeqCst);
    Ok(Watch { installed })
}

/// A pipe that nobody waits for when it is full, or inherits.
fn pipe() -> io::Result<Installed> {
    #[cfg(not(target_os = "macos"))]
    let (readable, written) = {
        use rustix::pipe::{PipeFlags, pipe_with};
        pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?
    };
    #[cfg(target_os = "macos")]
    let (readable, written) = {
        let ends = rustix::pipe::pipe()?;
        for end in [&ends.0, &ends.1] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
            rustix::fs::fcntl_setfl(end, rustix::fs::OFlags::NONBLOCK)?;
        }
        ends
    };
    Ok(Installed { readable, written })
}

#[expect(unsafe_code, reason = "what a handler may do cannot be told by a type")]
fn handle() -> io::Result<()> {
    for signal in WATCHED.into_iter().filter(|signal| !is_ignored(*signal)) {
        let number = signal.as_raw();
        // SAFETY: the handler takes no memory and no lock; it reads and writes atomics and a pipe.
        unsafe { low_level::register(number, move || arrive(number)) }?;
    }
    Ok(())
}

/// What a handler does.
fn arrive(number: i32) {
    if IDLE.load(Ordering::SeqCst) {
        // For these signals it does not come back.
        let _died = low_level::emulate_default_handler(number);
    }
    LAST.store(number, Ordering::SeqCst);
    if let Some(installed) = INSTALLED.get() {
        // When it is full, somebody will read it.
        let _woken = rustix::io::write(&installed.written, b"!");
    }
}

impl Watch {
    /// The last signal that arrived, if any did since this process was started.
    #[expect(clippy::unused_self, reason = "as long as nobody watches, they end this process")]
    pub(crate) fn arrived(&self) -> Option<i32> {
        Some(LAST.load(Ordering::SeqCst)).filter(|number| *number != 0)
    }
}

impl AsFd for Watch {
    /// Becomes readable with the first signal and stays so.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.installed.readable.as_fd()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watchers = WATCHERS.lock().unwrap_or_else(PoisonError::into_inner);
        *watchers -= 1;
        IDLE.store(*watchers == 0, Ordering::SeqCst);
    }
}

/// Makes a write beyond the allowed file size fail, where it would end this process: a hook that
/// is killed has said nothing. Children start with the default again, for a handler, unlike an
/// ignored signal, is not handed on.
#[expect(unsafe_code, reason = "rustix has no signal dispositions")]
pub(crate) fn outlive_full_files() {
    extern "C" fn nothing(_signal: libc::c_int) {}
    if !is_ignored(Signal::XFSZ) {
        let handler: extern "C" fn(libc::c_int) = nothing;
        // SAFETY: a handler that does nothing may run at any time.
        unsafe { libc::signal(libc::SIGXFSZ, handler as libc::sighandler_t) };
    }
}

/// Lets children be waited for although we were started with SIGCHLD ignored, which makes the
/// kernel throw their endings away.
#[expect(unsafe_code, reason = "rustix has no signal dispositions")]
pub(crate) fn stop_ignoring_children() {
    if is_ignored(Signal::CHILD) {
        // SAFETY: to restore the default needs no handler, and is allowed at any time.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    }
}

#[expect(unsafe_code, reason = "rustix has no signal dispositions")]
fn is_ignored(signal: Signal) -> bool {
    // SAFETY: a `sigaction` of zeros is a valid value.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: without a new action the call only writes to `now`, which lives beyond it.
    let code = unsafe { libc::sigaction(signal.as_raw(), std::ptr::null(), &raw mut now) };
    code == 0 && now.sa_sigaction == libc::SIG_IGN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_known() {
        // Rust programs start with this one ignored.
        assert!(is_ignored(Signal::PIPE));
        assert!(!is_ignored(Signal::TERM));
    }

    // What a watch does is tested with `process::Set`, in a process of its own.
}
