//! Starting a process the way `posix_spawn` does inside, with what we need and nothing else.
//!
//! The C library's own asks for the handler of every signal there is, sets most of them, and maps
//! and unmaps a stack for each child: 140 system calls, 25 µs of each start (`benches/README.md`).
//! The child shares our memory and this thread sleeps until it has become another program, so it
//! must do nothing but system calls. No signal reaches it before ours are reset in it.

use std::ffi::c_void;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicI32, Ordering};

use libc::{c_int, sigset_t};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, waitpid};

use super::{DEFAULT, Image, Leads, Lists, Plan};

/// What the child may use of stack, in pieces of 16 bytes, which is what a stack is aligned to. It
/// needs some hundred bytes.
const STACK: usize = 1024;

/// What the child is told, and what it tells.
struct Order<'o> {
    plan: &'o Plan,
    image: &'o Image,
    lists: Lists,
    /// The error that kept the child from becoming the program; zero for none.
    error: AtomicI32,
}

/// As [`Plan::spawn`].
#[expect(unsafe_code, reason = "no safe function starts a process without forking")]
pub(super) fn spawn(plan: &Plan, image: &Image) -> io::Result<u32> {
    let order = Order { plan, image, lists: image.lists(), error: AtomicI32::new(0) };
    let mut stack = Box::<[u128]>::new_uninit_slice(STACK);
    let before = block_signals()?;
    // SAFETY: the child runs `become_program` on a stack of its own, which like all that `order`
    // leads to lives until it is done: this thread sleeps until then (`CLONE_VFORK`).
    let pid = unsafe {
        libc::clone(
            become_program,
            stack.as_mut_ptr_range().end.cast::<c_void>(),
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            (&raw const order).cast_mut().cast::<c_void>(),
        )
    };
    let refused = io::Error::last_os_error();
    restore_signals(&before);
    let Some(child) = Pid::from_raw(pid).filter(|_| pid > 0) else { return Err(refused) };
    match order.error.load(Ordering::SeqCst) {
        0 => Ok(pid.cast_unsigned()),
        error => {
            // It has ended already, and nobody else knows its number.
            while matches!(waitpid(Some(child), WaitOptions::empty()), Err(Errno::INTR)) {}
            Err(io::Error::from_raw_os_error(error))
        }
    }
}

/// Blocks all signals for this thread, so that none of our handlers runs in the child. What was
/// blocked before comes back.
#[expect(unsafe_code, reason = "rustix has no signal masks")]
fn block_signals() -> io::Result<sigset_t> {
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: `sigfillset` initialises the set that the next call reads; that one initialises
    // `before` when it succeeds, and otherwise nobody reads it.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        let code = libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        if code == 0 { Ok(before.assume_init()) } else { Err(io::Error::from_raw_os_error(code)) }
    }
}

#[expect(unsafe_code, reason = "rustix has no signal masks")]
fn restore_signals(before: &sigset_t) {
    // SAFETY: the set was initialised by the system, and nothing is written.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, std::ptr::null_mut()) };
}

/// What the child does. It returns only when it could not become the program.
extern "C" fn become_program(order: *mut c_void) -> c_int {
    // SAFETY: it points to the order of `spawn`, which sleeps, so nobody changes it meanwhile.
    #[expect(unsafe_code, reason = "the system hands on a pointer without a type")]
    let order = unsafe { &*order.cast_const().cast::<Order<'_>>() };
    order.error.store(follow(order), Ordering::SeqCst);
    127
}

/// Takes the steps of `order` up to becoming its program; returns the error of the one that failed.
#[expect(
    unsafe_code,
    reason = "only system calls are allowed here, and these have no safe wrapper"
)]
fn follow(order: &Order<'_>) -> c_int {
    let Plan { leads, redirections, dir } = order.plan;
    // SAFETY: none of the calls takes memory or a lock. Strings end with NUL and lists of them with
    // a null pointer. Numbers of descriptors are checked by the system. The signals exist, have their
    // default set while all are blocked, and are let through only then.
    unsafe {
        for signal in DEFAULT {
            libc::signal(signal, libc::SIG_DFL);
        }
        let led = match leads {
            Leads::Session => libc::setsid(),
            Leads::Group => libc::setpgid(0, 0),
        };
        if led == -1 {
            return errno();
        }
        for redirection in redirections {
            if libc::dup2(redirection.source, redirection.target) == -1 {
                return errno();
            }
        }
        if dir.as_ref().is_some_and(|dir| libc::chdir(dir.as_ptr()) == -1) {
            return errno();
        }
        let mut none = MaybeUninit::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
        let (argv, env) = (order.lists.argv.as_ptr().cast(), order.lists.env.as_ptr().cast());
        libc::execve(order.image.file(), argv, env);
        errno()
    }
}

/// The error of the last call; nothing is allocated for it.
fn errno() -> c_int {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL)
}
