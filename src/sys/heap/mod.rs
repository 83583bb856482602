//! The program's memory: pieces of forty sizes, which each thread keeps for itself.
//!
//! A hook is answered within a millisecond and a thousand files are linted in ten, so that what a general
//! allocator costs to start, and what threads wait for each other in it, is seen. This one starts with nothing
//! but pages of zeroes, and threads meet in it (`pool`) only when one has far more of a size than it needs.
//! Large blocks are the C library's.
//!
//! Knows nothing of what lies in the pieces. Invariants: a piece belongs to the thread that has freed it; a
//! piece keeps its size for ever, and no memory of pieces goes back to the system. That suits programs that end
//! soon, and those that do the same things again and again.
#![expect(unsafe_code, reason = "memory is handed out as pointers")]

mod end;
mod pool;
mod sizes;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::ptr::{self, NonNull};

use pool::Piece;
use sizes::{CLASSES, Class};

/// What the program registers as its allocator.
#[derive(Debug)]
pub struct Heap;

thread_local! {
    // Without a destructor, so that it can be used while those of others run.
    static MINE: UnsafeCell<Mine> = const { UnsafeCell::new(Mine::new()) };
}

/// What one thread has.
struct Mine {
    free: [Free; CLASSES],
    /// Where memory lies that has not been cut yet, and how much.
    uncut: NonNull<u8>,
    left: usize,
    /// Whether it will leave all this to others when it ends.
    leaves: bool,
}

/// Free pieces of one size.
#[derive(Clone, Copy)]
struct Free {
    first: Option<NonNull<Piece>>,
    /// How many more were put here than taken since there was last too much or nothing.
    surplus: isize,
}

// SAFETY: every piece is handed out once until it is given back; it is at least as large as its class says,
// which is at least the size that was asked for, and aligned to `sizes::ALIGN`.
unsafe impl GlobalAlloc for Heap {
    // Repeated wherever memory is asked for, it would make the program a fifth larger.
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match Class::of(layout) {
            Some(class) => mine(|mine| mine.take(class)),
            // SAFETY: our caller promises what is wanted there.
            None => unsafe { System.alloc(layout) },
        }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        match (Class::of(layout), NonNull::new(piece.cast())) {
            // SAFETY: it came from `take` with the same layout, hence class.
            (Some(class), Some(piece)) => mine(|mine| unsafe { mine.put(class, piece) }),
            // SAFETY: with this layout it came from there.
            _ => unsafe { System.dealloc(piece, layout) },
        }
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if Class::of(layout).is_none() {
            // SAFETY: our caller promises what is wanted there.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: as above; what was handed out is as long as the layout says.
        unsafe {
            let piece = self.alloc(layout);
            if !piece.is_null() {
                ptr::write_bytes(piece, 0, layout.size());
            }
            piece
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: our caller promises that the size, rounded up to the alignment, does not overflow.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (Class::of(layout), Class::of(wanted)) {
            // SAFETY: with this layout it came from there.
            (None, None) => unsafe { System.realloc(piece, layout, size) },
            (one, other) if one == other => piece,
            // SAFETY: both are as long as is copied, and cannot overlap, since both are handed out.
            _ => unsafe {
                let larger = self.alloc(wanted);
                if !larger.is_null() {
                    ptr::copy_nonoverlapping(piece, larger, layout.size().min(size));
                    self.dealloc(piece, layout);
                }
                larger
            },
        }
    }
}

fn mine<T>(what: impl FnOnce(&mut Mine) -> T) -> T {
    // SAFETY: nothing in this module allocates or calls back while it has it, and no other thread can see it.
    MINE.with(|mine| what(unsafe { &mut *mine.get() }))
}

impl Mine {
    const fn new() -> Self {
        let free = [Free { first: None, surplus: 0 }; CLASSES];
        Self { free, uncut: NonNull::dangling(), left: 0, leaves: false }
    }

    /// A piece of this size; null if the system has no memory.
    #[inline]
    fn take(&mut self, class: Class) -> *mut u8 {
        let free = &mut self.free[class.index()];
        let Some(piece) = free.first else { return self.get(class) };
        // SAFETY: what lies in the list is free, and nobody else's.
        free.first = unsafe { (*piece.as_ptr()).next };
        free.surplus -= 1;
        piece.as_ptr().cast()
    }

    /// # Safety
    ///
    /// The piece came from [`Self::take`] with the same class, of whichever thread, and is not used any more.
    #[inline]
    unsafe fn put(&mut self, class: Class, piece: NonNull<Piece>) {
        let free = &mut self.free[class.index()];
        // SAFETY: it is ours now, and large enough.
        unsafe { (*piece.as_ptr()).next = free.first };
        free.surplus += 1;
        free.first = Some(piece);
        if free.surplus >= class.enough() {
            *free = Free { first: None, surplus: 0 };
            pool::give(class, piece);
        }
    }

    #[cold]
    fn get(&mut self, class: Class) -> *mut u8 {
        if !self.leaves {
            self.leaves = true;
            end::call(leave);
        }
        if let Some(list) = pool::take(class) {
            self.free[class.index()] = Free { first: Some(list), surplus: 0 };
            return self.take(class);
        }
        self.cut(class.size())
    }

    fn cut(&mut self, size: usize) -> *mut u8 {
        if self.left < size {
            let Some((memory, length)) = pool::memory() else { return ptr::null_mut() };
            (self.uncut, self.left) = (memory, length);
        }
        let piece = self.uncut;
        // SAFETY: so much is left.
        self.uncut = unsafe { piece.add(size) };
        self.left -= size;
        piece.as_ptr()
    }
}

/// What this thread has is for others, because it ends.
extern "C" fn leave(_: *mut c_void) {
    mine(|mine| {
        for class in Class::all() {
            if let Some(list) = mine.free[class.index()].first {
                pool::give(class, list);
            }
        }
        pool::give_uncut(mine.uncut, mine.left);
        *mine = Mine::new();
    });
}

#[cfg(test)]
mod tests;
