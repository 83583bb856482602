//! Coming to a processor soon: for a thread that starts processes, which then compete with it.
//!
//! When a child is started, or ends, this thread has something short to do, and somebody waits for it; on
//! processors that its own children keep busy its turn may come after three milliseconds (a virtual
//! machine that sleeps is not taken for an idle processor). A thread that asks for short turns gets
//! them sooner and no more of them (`sched(7)`, Linux 6.12 and later); who starts children needs no
//! longer ones. Elsewhere nothing changes.

/// How long a turn of ours may be, in nanoseconds; the kernel's own are some milliseconds.
#[cfg(target_os = "linux")]
pub(super) const TURN: u64 = 200_000;

/// Asks for short turns for the calling thread. Its children have turns as long as everybody's.
///
/// Leaves alone what somebody has given a priority: children could not have it then.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "rustix has no attributes of scheduling")]
pub(crate) fn be_short() {
    // SAFETY: zeros are a valid value of these numbers.
    let mut now: libc::sched_attr = unsafe { std::mem::zeroed() };
    let size = u32::try_from(size_of_val(&now)).unwrap_or_default();
    // SAFETY: the call writes at most `size` bytes to `now`, which lives beyond it.
    let known = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut now, size, 0) };
    let is_usual = now.sched_policy.cast_signed() == libc::SCHED_OTHER && now.sched_nice >= 0;
    if known != 0 || !is_usual {
        return;
    }
    now.size = size;
    now.sched_flags |= u64::from(libc::SCHED_FLAG_RESET_ON_FORK.cast_unsigned());
    now.sched_runtime = TURN;
    // SAFETY: the call reads `size` bytes of `now`. An older kernel ignores the turn, or refuses.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const now, 0) };
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn be_short() {}
