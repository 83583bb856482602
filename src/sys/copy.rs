//! Copying memory, in place of what musl does on x86-64: there an instruction that is made for long stretches
//! copies short ones too.
//!
//! Knows nothing of what is copied. Where the program is not optimised these functions would call themselves, so there they
//! take nobody's place.
#![expect(unsafe_code, reason = "it takes the place of functions of the C library")]
#![expect(clippy::inline_always, reason = "a call costs as much as a copy")]

use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_storeu_si128};
use std::ffi::c_void;

/// Bytes of one register.
const WIDE: usize = size_of::<__m128i>();
const FOUR: usize = 4 * WIDE;

/// What C promises of this name: both are `length` bytes, and do not overlap.
///
/// LLVM makes calls of `memcpy` out of loops that copy, but not in a function of this name, and not where the two may
/// overlap.
#[cfg_attr(all(target_env = "musl", not(debug_assertions)), unsafe(no_mangle))]
unsafe extern "C" fn memcpy(to: *mut c_void, from: *const c_void, length: usize) -> *mut c_void {
    // SAFETY: as our caller promises.
    unsafe { forwards(to.cast(), from.cast(), length) };
    to
}

/// What C promises of this name: both are `length` bytes, and may overlap.
#[cfg_attr(all(target_env = "musl", not(debug_assertions)), unsafe(no_mangle))]
unsafe extern "C" fn memmove(to: *mut c_void, from: *const c_void, length: usize) -> *mut c_void {
    let ahead = to.addr().wrapping_sub(from.addr());
    // SAFETY: as our caller promises; `to` begins within what is copied, or not.
    unsafe {
        if ahead < length {
            backwards(to.cast(), from.cast(), length);
        } else {
            forwards(to.cast(), from.cast(), length);
        }
    }
    to
}

/// # Safety
///
/// Both are `length` bytes. If they overlap, `to` begins first.
#[inline(always)]
unsafe fn forwards(mut to: *mut u8, mut from: *const u8, mut length: usize) {
    // SAFETY: each copy lies within the `length` bytes. What is read comes behind what was written, but for the
    // end, which was read in front of everything.
    unsafe {
        if length <= WIDE {
            return few(to, from, length);
        }
        let end = read(from.add(length - WIDE));
        let to_end = to.add(length - WIDE);
        while length > FOUR {
            four(to, from);
            (to, from, length) = (to.add(FOUR), from.add(FOUR), length - FOUR);
        }
        while length > WIDE {
            write(to, read(from));
            (to, from, length) = (to.add(WIDE), from.add(WIDE), length - WIDE);
        }
        write(to_end, end);
    }
}

/// # Safety
///
/// Both are `length` bytes. If they overlap, `from` begins first.
#[inline(always)]
unsafe fn backwards(to: *mut u8, from: *const u8, mut length: usize) {
    // SAFETY: as above, from the other end.
    unsafe {
        if length <= WIDE {
            return few(to, from, length);
        }
        let start = read(from);
        while length > FOUR {
            length -= FOUR;
            four(to.add(length), from.add(length));
        }
        while length > WIDE {
            length -= WIDE;
            write(to.add(length), read(from.add(length)));
        }
        write(to, start);
    }
}

/// # Safety
///
/// Both are four registers long; all is read before anything is written.
#[inline(always)]
unsafe fn four(to: *mut u8, from: *const u8) {
    // SAFETY: as our caller promises.
    unsafe {
        let all = [0, 1, 2, 3].map(|at| read(from.add(at * WIDE)));
        for (at, part) in all.into_iter().enumerate() {
            write(to.add(at * WIDE), part);
        }
    }
}

/// # Safety
///
/// A register's bytes can be read there.
#[inline(always)]
unsafe fn read(from: *const u8) -> __m128i {
    // SAFETY: as our caller promises.
    unsafe { _mm_loadu_si128(from.cast()) }
}

/// # Safety
///
/// A register's bytes can be written there.
#[inline(always)]
unsafe fn write(to: *mut u8, what: __m128i) {
    // SAFETY: as our caller promises.
    unsafe { _mm_storeu_si128(to.cast(), what) }
}

/// # Safety
///
/// As of [`memcpy`], with 16 bytes at most.
#[inline(always)]
unsafe fn few(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: each copy lies within the `length` bytes.
    unsafe {
        if length >= 8 {
            ends::<u64>(to, from, length);
        } else if length >= 4 {
            ends::<u32>(to, from, length);
        } else if length >= 2 {
            ends::<u16>(to, from, length);
        } else if length == 1 {
            *to = *from;
        }
    }
}

/// Copies the first and the last bytes, which meet or overlap.
///
/// # Safety
///
/// As of [`memcpy`], with a length from one to two `T`.
#[inline(always)]
unsafe fn ends<T>(to: *mut u8, from: *const u8, length: usize) {
    let last = length - size_of::<T>();
    // SAFETY: both lie within the `length` bytes.
    unsafe {
        let one = from.cast::<T>().read_unaligned();
        let other = from.add(last).cast::<T>().read_unaligned();
        to.cast::<T>().write_unaligned(one);
        to.add(last).cast::<T>().write_unaligned(other);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// More than any register, pair or loop takes at once.
    const MOST: usize = 400;

    proptest! {
        #[test]
        fn what_is_copied_is_what_was_there_and_nothing_else(
            from in 0..MOST, to in 0..MOST, length in 0..MOST, apart: bool,
        ) {
            let before: Vec<u8> = (0..=250).cycle().take(2 * MOST).collect();
            let (mut copied, mut expected) = (before.clone(), before.clone());
            expected[to..to + length].copy_from_slice(&before[from..from + length]);
            let target = copied[to..].as_mut_ptr().cast::<c_void>();
            // SAFETY: both lie within their vectors; what lies apart does not overlap.
            let said = unsafe {
                if apart {
                    memcpy(target, before[from..].as_ptr().cast(), length)
                } else {
                    let whole = copied.as_mut_ptr();
                    memmove(whole.add(to).cast(), whole.add(from).cast_const().cast(), length)
                }
            };
            prop_assert_eq!(said, target);
            prop_assert_eq!(copied, expected);
        }
    }
}
