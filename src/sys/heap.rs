//! Memory for programs that make and drop very many small things: `cph lint`.
//!
//! Knows nothing of who asks. The pool keeps a list of free pieces for each size and each thread,
//! so that nothing is locked, searched or joined; what a thread held free when it ended is lost,
//! which a program that soon ends can afford. All other programs have the system's memory as it is.
//!
//! Invariant: whether there is a pool is settled while nothing of ours is allocated. From then on the
//! size of a piece alone says whose it is.
#![expect(unsafe_code, reason = "an allocator is made of pointers")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::UnsafeCell,
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

/// The memory of the program.
pub(crate) struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

static IS_POOLED: AtomicBool = AtomicBool::new(false);

/// Sizes are rounded up to this, and everything is aligned to it, in bytes.
const STEP: usize = 16;

/// What is larger is the system's, in bytes.
const LARGEST: usize = 1024;

/// What is taken from the system at a time, in bytes.
const CHUNK: usize = 256 * 1024;

/// The pieces of one thread.
struct Pool {
    /// By size: the first free piece, which holds the address of the next.
    free: [*mut u8; LARGEST / STEP + 1],
    /// What has never been given out.
    fresh: *mut u8,
    left: usize,
}

thread_local! {
    static POOL: UnsafeCell<Pool> = const {
        UnsafeCell::new(Pool {
            free: [ptr::null_mut(); LARGEST / STEP + 1],
            fresh: ptr::null_mut(),
            left: 0,
        })
    };
}

/// Has small pieces come from a pool from now on. To be called by the only thread, while nothing
/// is allocated.
pub(super) fn pool() {
    IS_POOLED.store(true, Ordering::Relaxed);
}

fn is_pooled(layout: Layout) -> bool {
    IS_POOLED.load(Ordering::Relaxed) && layout.size() <= LARGEST && layout.align() <= STEP
}

/// Which list a size belongs to.
fn class(size: usize) -> usize {
    size.div_ceil(STEP)
}

#[expect(clippy::cast_ptr_alignment, reason = "every piece is aligned to 16 bytes")]
impl Pool {
    /// A piece of a class; null when the system has no more.
    fn take(&mut self, class: usize) -> *mut u8 {
        let first = self.free[class];
        if !first.is_null() {
            // SAFETY: a free piece has at least 16 bytes, and `give` wrote an address into it.
            self.free[class] = unsafe { first.cast::<*mut u8>().read() };
            return first;
        }
        let size = class.max(1) * STEP;
        if self.left < size && !self.refill() {
            return ptr::null_mut();
        }
        let piece = self.fresh;
        // SAFETY: `left` bytes behind `fresh` are ours, and it has been seen that they suffice.
        self.fresh = unsafe { piece.add(size) };
        self.left -= size;
        piece
    }

    fn refill(&mut self) -> bool {
        let Ok(layout) = Layout::from_size_align(CHUNK, STEP) else { return false };
        // SAFETY: the size is not zero.
        let chunk = unsafe { System.alloc(layout) };
        (self.fresh, self.left) = (chunk, if chunk.is_null() { 0 } else { CHUNK });
        !chunk.is_null()
    }

    /// Takes a piece of the class back.
    fn give(&mut self, class: usize, piece: *mut u8) {
        // SAFETY: nobody uses the piece any more; it has at least 16 bytes and is aligned to them.
        unsafe { piece.cast::<*mut u8>().write(self.free[class]) };
        self.free[class] = piece;
    }
}

/// The pool of this thread; nothing in `with` allocates.
fn with<R>(work: impl FnOnce(&mut Pool) -> R) -> R {
    // SAFETY: only this thread has it, and nobody else borrows it meanwhile: the functions of `Pool`
    // call nobody but the system.
    POOL.with(|pool| work(unsafe { &mut *pool.get() }))
}

// SAFETY: pieces of a pool are disjoint parts of chunks that are never given back; a piece is given
// out again only when it was freed, and is as large as its class, so at least as large as was asked
// for. Everything else is the system's.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_pooled(layout) {
            return with(|pool| pool.take(class(layout.size())));
        }
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        if is_pooled(layout) {
            return with(|pool| pool.give(class(layout.size()), piece));
        }
        // SAFETY: what is not pooled came from the system.
        unsafe { System.dealloc(piece, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !is_pooled(layout) {
            // SAFETY: the caller's promise is the same.
            return unsafe { System.alloc_zeroed(layout) };
        }
        let piece = with(|pool| pool.take(class(layout.size())));
        if !piece.is_null() {
            // SAFETY: the piece has that size.
            unsafe { piece.write_bytes(0, layout.size()) };
        }
        piece
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size is a valid one for the alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (is_pooled(layout), is_pooled(wanted)) {
            // SAFETY: both sizes are the system's.
            (false, false) => unsafe { System.realloc(piece, layout, size) },
            (true, true) if class(layout.size()) == class(size) => piece,
            // SAFETY: the old piece is as the caller says, the new one as it was asked for.
            _ => unsafe {
                let new = self.alloc(wanted);
                if !new.is_null() {
                    new.copy_from_nonoverlapping(piece, layout.size().min(size));
                    self.dealloc(piece, layout);
                }
                new
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_disjoint_aligned_and_come_back() {
        let mut pool =
            Pool { free: [ptr::null_mut(); LARGEST / STEP + 1], fresh: ptr::null_mut(), left: 0 };
        let mut taken: Vec<(usize, usize)> = Vec::new();
        for round in 0..4000 {
            let size = (round * 37) % (LARGEST + 1);
            let piece = pool.take(class(size));
            assert!((piece as usize).is_multiple_of(STEP));
            // SAFETY: the piece is ours and has that size.
            unsafe { piece.write_bytes(0xAA, size) };
            taken.push((piece as usize, size.max(1)));
        }
        taken.sort_unstable();
        assert!(taken.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0));
        let last = pool.take(3);
        pool.give(3, last);
        assert_eq!(pool.take(class(40)), last);
        assert_ne!(pool.take(class(48)), last);
    }
}
