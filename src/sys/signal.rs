//! TERM, INT and HUP sent to this process, turned into a readable descriptor.
//!
//! Knows nothing of who is to be told. Installed only when children are about to be run; as long
//! as no [`Watch`] lives, the signals do what they always do. A signal that was ignored when we
//! were started (`nohup`) stays ignored.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustix::process::Signal;

const WATCHED: [Signal; 3] = [Signal::TERM, Signal::INT, Signal::HUP];

/// What the handlers share with us. They are never taken away again: between taking them away and
/// restoring the default a signal would be lost.
struct Installed {
    pipe: UnixStream,
    last: Arc<AtomicUsize>,
    /// Nobody watches: the handlers do the default, which is to die.
    idle: Arc<AtomicBool>,
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
        f.debug_struct("Installed").field("last", &self.last).finish_non_exhaustive()
    }
}

/// Starts to watch. Several watches at a time see the same signals.
pub(crate) fn watch() -> io::Result<Watch> {
    let mut watchers = WATCHERS.lock().unwrap_or_else(PoisonError::into_inner);
    let installed = if let Some(installed) = INSTALLED.get() {
        installed
    } else {
        let made = install()?;
        INSTALLED.get_or_init(|| made)
    };
    *watchers += 1;
    installed.idle.store(false, Ordering::SeqCst);
    Ok(Watch { installed })
}

fn install() -> io::Result<Installed> {
    let (pipe, write_end) = UnixStream::pair()?;
    let last = Arc::new(AtomicUsize::new(0));
    let idle = Arc::new(AtomicBool::new(true));
    for signal in WATCHED.into_iter().filter(|signal| !is_ignored(*signal)) {
        let number = signal.as_raw();
        let value = usize::try_from(number).unwrap_or_default();
        // They act in this order; the pipe must be last, for it wakes whoever reads the number.
        signal_hook::flag::register_conditional_default(number, Arc::clone(&idle))?;
        signal_hook::flag::register_usize(number, Arc::clone(&last), value)?;
        signal_hook::low_level::pipe::register(number, write_end.try_clone()?)?;
    }
    Ok(Installed { pipe, last, idle })
}

impl Watch {
    /// The last signal that arrived, if any did since this process was started.
    pub(crate) fn arrived(&self) -> Option<i32> {
        match self.installed.last.load(Ordering::SeqCst) {
            0 => None,
            number => i32::try_from(number).ok(),
        }
    }
}

impl AsFd for Watch {
    /// Becomes readable with the first signal and stays so.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.installed.pipe.as_fd()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watchers = WATCHERS.lock().unwrap_or_else(PoisonError::into_inner);
        *watchers -= 1;
        self.installed.idle.store(*watchers == 0, Ordering::SeqCst);
    }
}

/// Makes a write beyond the allowed file size fail, where it would end this process: a hook that
/// is killed has said nothing. Children start with the default again, for a handler, unlike an
/// ignored signal, is not handed on.
pub(crate) fn outlive_full_files() {
    if !is_ignored(Signal::XFSZ) {
        // Whoever cannot have the handler is where he was before.
        let _unchanged = signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::default());
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
