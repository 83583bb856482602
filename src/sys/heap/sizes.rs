//! The sizes of pieces: multiples of 16 bytes to 128, then four to each doubling, so that at most a fifth of a
//! piece is left over.
//!
//! Knows nothing of memory.

use std::alloc::Layout;

/// Bytes to which every piece is aligned.
pub(super) const ALIGN: usize = 16;

/// Bytes; what is larger is not cut from anything.
pub(super) const LARGEST: usize = 32 << 10;

/// How many sizes there are.
pub(super) const CLASSES: usize = FINE + 4 * 8;

const FINE: usize = 128 / ALIGN;
const SIZES: [usize; CLASSES] = sizes();

/// Bytes of one size that a thread keeps for itself.
const KEPT: usize = 64 << 10;

/// One of the sizes. Invariant: below [`CLASSES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class(usize);

impl Class {
    /// The smallest that holds this; `None`: it is too large, or wants to lie at special places.
    #[inline]
    pub(super) const fn of(layout: Layout) -> Option<Self> {
        if layout.size() > LARGEST || layout.align() > ALIGN {
            return None;
        }
        let last = layout.size().saturating_sub(1);
        if last < FINE * ALIGN {
            return Some(Self(last / ALIGN));
        }
        let doubling = last.ilog2() as usize;
        let quarter = (last >> (doubling - 2)) & 3;
        Some(Self(FINE + 4 * (doubling - 7) + quarter))
    }

    #[inline]
    pub(super) const fn index(self) -> usize {
        self.0
    }

    /// Bytes of a piece; a multiple of [`ALIGN`].
    #[inline]
    pub(super) const fn size(self) -> usize {
        SIZES[self.index()]
    }

    /// So many free pieces are enough for one thread.
    #[inline]
    pub(super) const fn enough(self) -> isize {
        (KEPT / self.size()).cast_signed()
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..CLASSES).map(Self)
    }
}

const fn sizes() -> [usize; CLASSES] {
    let mut sizes = [0; CLASSES];
    let mut at = 0;
    while at < CLASSES {
        sizes[at] = if at < FINE {
            (at + 1) * ALIGN
        } else {
            let (doubling, quarter) = (7 + (at - FINE) / 4, (at - FINE) % 4);
            (1 << doubling) + ((quarter + 1) << (doubling - 2))
        };
        at += 1;
    }
    sizes
}
