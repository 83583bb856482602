//! Where threads leave what they have too much of, and take from when they have nothing; and where new memory
//! comes from.
//!
//! Knows nothing of single pieces. Invariant: whoever takes has it alone.

use std::cell::UnsafeCell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use super::sizes::{CLASSES, Class};

/// Bytes that are got from the system at a time.
const BLOCK: usize = 256 << 10;

/// Bytes that the program begins with.
const FIRST: usize = 64 << 10;

/// A free piece, and what is written into it.
#[repr(C)]
pub(super) struct Piece {
    /// Of the same list.
    pub(super) next: Option<NonNull<Piece>>,
    /// The first of another list of this size. Set while the list lies here.
    another: Option<NonNull<Piece>>,
}

struct Pool {
    lists: [Option<NonNull<Piece>>; CLASSES],
    uncut: Option<(NonNull<u8>, usize)>,
}

// SAFETY: what lies here is nobody's, so whoever takes it has it alone.
unsafe impl Send for Pool {}

static POOL: Mutex<Pool> = Mutex::new(Pool { lists: [None; CLASSES], uncut: None });

/// A bit for each size of which there is a list; only a hint.
static SIZES: AtomicU64 = AtomicU64::new(0);
const _: () = assert!(CLASSES <= 64);

/// Lies among the zeroes behind the program: the system need not be asked for it.
#[repr(align(64))]
struct First(UnsafeCell<[u8; FIRST]>);

// SAFETY: only whoever sets `FIRST_TAKEN` gets it.
unsafe impl Sync for First {}

static FIRST_BLOCK: First = First(UnsafeCell::new([0; FIRST]));
static FIRST_TAKEN: AtomicBool = AtomicBool::new(false);

/// How many were got.
static BLOCKS: AtomicUsize = AtomicUsize::new(0);

/// Leaves a list of pieces of this size.
#[cold]
pub(super) fn give(class: Class, list: NonNull<Piece>) {
    let mut pool = lock();
    let lists = &mut pool.lists[class.index()];
    // SAFETY: the list is nobody else's, and a piece is as long as this.
    unsafe { (*list.as_ptr()).another = *lists };
    *lists = Some(list);
    SIZES.fetch_or(1 << class.index(), Ordering::Relaxed);
}

/// A list of pieces of this size that somebody has left.
pub(super) fn take(class: Class) -> Option<NonNull<Piece>> {
    let bit = 1 << class.index();
    if SIZES.load(Ordering::Relaxed) & bit == 0 {
        return None;
    }
    let mut pool = lock();
    let list = pool.lists[class.index()]?;
    // SAFETY: `give` has written it.
    pool.lists[class.index()] = unsafe { list.as_ref().another };
    if pool.lists[class.index()].is_none() {
        SIZES.fetch_and(!bit, Ordering::Relaxed);
    }
    Some(list)
}

/// Leaves memory that has not been cut.
pub(super) fn give_uncut(memory: NonNull<u8>, length: usize) {
    let mut pool = lock();
    if pool.uncut.is_none_or(|(_, other)| other < length) {
        pool.uncut = Some((memory, length));
    }
}

/// Memory to cut pieces from, enough for one of any size, aligned for any; `None`: there is none.
pub(super) fn memory() -> Option<(NonNull<u8>, usize)> {
    if !FIRST_TAKEN.swap(true, Ordering::Relaxed) {
        return NonNull::new(FIRST_BLOCK.0.get().cast()).map(|block| (block, FIRST));
    }
    let left = lock().uncut.take_if(|(_, length)| *length >= super::sizes::LARGEST);
    left.or_else(block)
}

fn block() -> Option<(NonNull<u8>, usize)> {
    let (readable, mut flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // Of the first one only what is used takes room. Whoever needs a second one needs much, and a page costs half
    // when it is not asked for alone.
    if BLOCKS.fetch_add(1, Ordering::Relaxed) > 0 {
        flags |= MapFlags::POPULATE;
    }
    // SAFETY: a new mapping, which nothing points to.
    let block = unsafe { mmap_anonymous(ptr::null_mut(), BLOCK, readable, flags) };
    NonNull::new(block.ok()?.cast()).map(|block| (block, BLOCK))
}

fn lock() -> MutexGuard<'static, Pool> {
    // Nothing in here panics.
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}
