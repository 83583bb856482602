//! One process from its start to its end, and what it cost.

use std::{
    io::{self, Read as _},
    mem::MaybeUninit,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// What one run cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// From before the start until stdout is at its end and the process is reaped.
    pub(crate) wall: Duration,
    /// Processor time of the process and of its children that it waited for.
    pub(crate) processor: Duration,
    /// The most memory that one of them held; never less than this program holds itself, for the
    /// kernel counts from before the program was loaded.
    pub(crate) peak_kib: u64,
}

/// Runs a command to its end. Stdin is the caller's choice, stdout a pipe, stderr is dropped.
///
/// # Errors
///
/// It cannot be started, or ends with a code that is not among those that count.
pub(crate) fn run(command: &mut Command, codes: &[i32]) -> io::Result<Cost> {
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn()?;
    let mut said = Vec::new();
    child.stdout.take().expect("BUG: stdout is a pipe").read_to_end(&mut said)?;
    let (status, usage) = wait(&child)?;
    let wall = began.elapsed();
    if !(libc::WIFEXITED(status) && codes.contains(&libc::WEXITSTATUS(status))) {
        let said = String::from_utf8_lossy(&said);
        return Err(io::Error::other(format!("{command:?}: wait status {status:#x}: {said}")));
    }
    let processor = duration(usage.ru_utime) + duration(usage.ru_stime);
    let peak_kib =
        usage.ru_maxrss.unsigned_abs() / if cfg!(target_os = "macos") { 1024 } else { 1 };
    Ok(Cost { wall, processor, peak_kib })
}

/// Reaps a child; std throws away what it cost.
fn wait(child: &Child) -> io::Result<(i32, libc::rusage)> {
    let id = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        #[expect(unsafe_code, reason = "no safe wrapper gives the resources of one child")]
        // SAFETY: both pointers are valid for the call, and nobody else waits for the child.
        let waited = unsafe { libc::wait4(id, &raw mut status, 0, usage.as_mut_ptr()) };
        if waited == id {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    #[expect(unsafe_code, reason = "no safe wrapper gives the resources of one child")]
    // SAFETY: zeroes are a valid value, and the call has filled it in.
    let usage = unsafe { usage.assume_init() };
    Ok((status, usage))
}

fn duration(time: libc::timeval) -> Duration {
    #[allow(clippy::useless_conversion, reason = "it is shorter on macOS")]
    let micros = i64::from(time.tv_usec);
    Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_micros(micros.unsigned_abs())
}
