use std::alloc::{GlobalAlloc as _, Layout};
use std::collections::HashSet;
use std::slice;
use std::sync::mpsc;
use std::thread;

use proptest::prelude::*;

use super::sizes::{ALIGN, Class, LARGEST};
use super::*;

/// Memory of this heap, full of a byte of its own.
struct Held {
    start: NonNull<u8>,
    layout: Layout,
    byte: u8,
}

// SAFETY: it points to memory of its own.
unsafe impl Send for Held {}

impl Held {
    fn new(size: usize, align: usize, byte: u8) -> Self {
        let layout = Layout::from_size_align(size, align).unwrap();
        // SAFETY: no test asks for nothing.
        let start = NonNull::new(unsafe { Heap.alloc(layout) }).unwrap();
        assert_eq!(start.addr().get() % align, 0);
        let held = Self { start, layout, byte };
        held.fill(0);
        held
    }

    fn zeroed(size: usize, byte: u8) -> Self {
        let layout = Layout::from_size_align(size, 1).unwrap();
        // SAFETY: as above.
        let start = NonNull::new(unsafe { Heap.alloc_zeroed(layout) }).unwrap();
        let held = Self { start, layout, byte };
        assert!(held.bytes().iter().all(|byte| *byte == 0));
        held.fill(0);
        held
    }

    fn resize(&mut self, size: usize) {
        // SAFETY: it was got with this layout, and no test asks for nothing.
        let start = unsafe { Heap.realloc(self.start.as_ptr(), self.layout, size) };
        self.start = NonNull::new(start).unwrap();
        let kept = self.layout.size().min(size);
        self.layout = Layout::from_size_align(size, self.layout.align()).unwrap();
        assert!(self.bytes()[..kept].iter().all(|byte| *byte == self.byte));
        self.fill(kept);
    }

    fn fill(&self, from: usize) {
        // SAFETY: so many bytes are ours.
        unsafe { self.start.add(from).write_bytes(self.byte, self.layout.size() - from) };
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: so many bytes are ours, and were written.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.layout.size()) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        assert!(self.bytes().iter().all(|byte| *byte == self.byte), "somebody wrote into it");
        // SAFETY: it was got with this layout.
        unsafe { Heap.dealloc(self.start.as_ptr(), self.layout) };
    }
}

#[derive(Clone, Debug)]
enum Step {
    Take { size: usize, align: usize },
    TakeZeroed { size: usize },
    Resize { which: usize, size: usize },
    Drop { which: usize },
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 1..300_usize, 2 => 300..LARGEST, 1 => LARGEST - 2..LARGEST * 3]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (size(), 0..8_u32).prop_map(|(size, align)| Step::Take { size, align: 1 << align }),
        1 => size().prop_map(|size| Step::TakeZeroed { size }),
        2 => (any::<usize>(), size()).prop_map(|(which, size)| Step::Resize { which, size }),
        3 => any::<usize>().prop_map(|which| Step::Drop { which }),
    ]
}

fn play(steps: Vec<Step>) -> Vec<Held> {
    let mut held = Vec::new();
    for (at, step) in steps.into_iter().enumerate() {
        let byte = u8::try_from(at % 255).unwrap() + 1;
        match step {
            Step::Take { size, align } => held.push(Held::new(size, align, byte)),
            Step::TakeZeroed { size } => held.push(Held::zeroed(size, byte)),
            Step::Resize { .. } | Step::Drop { .. } if held.is_empty() => {}
            Step::Resize { which, size } => {
                let which = which % held.len();
                held[which].resize(size);
            }
            Step::Drop { which } => drop(held.swap_remove(which % held.len())),
        }
    }
    held
}

proptest! {
    #[test]
    fn nobody_writes_into_what_is_of_somebody_else(
        one in prop::collection::vec(step(), 0..200),
        other in prop::collection::vec(step(), 0..200),
    ) {
        // Each drops what the other has got.
        let (mine, theirs) = thread::scope(|scope| {
            let theirs = scope.spawn(|| play(other));
            (play(one), theirs.join().unwrap())
        });
        thread::scope(|scope| {
            scope.spawn(move || drop(mine));
            drop(theirs);
        });
    }

    #[test]
    fn a_piece_is_large_enough_and_not_much_larger(size in 0..=LARGEST, align in 0..=4_u32) {
        let layout = Layout::from_size_align(size, 1 << align).unwrap();
        let piece = Class::of(layout).unwrap().size();
        prop_assert!(piece >= size && piece.is_multiple_of(ALIGN));
        prop_assert!(piece <= size.max(1).next_multiple_of(ALIGN).max(size + size / 4));
    }
}

#[test]
fn every_size_is_the_one_for_itself() {
    for class in Class::all() {
        assert_eq!(Class::of(Layout::from_size_align(class.size(), ALIGN).unwrap()), Some(class));
        assert!(class.enough() > 0);
    }
    let nothing = |size, align| Class::of(Layout::from_size_align(size, align).unwrap()).is_none();
    assert!(nothing(LARGEST + 1, 1) && nothing(1, 2 * ALIGN));
    assert_eq!(Class::all().last().unwrap().size(), LARGEST);
}

#[test]
fn a_new_size_within_the_same_piece_stays_where_it_is() {
    let mut held = Held::new(65, 1, 7);
    let start = held.start;
    held.resize(80);
    assert_eq!(held.start, start);
    held.resize(81);
    assert_ne!(held.start, start);
}

#[test]
fn what_a_thread_leaves_is_used_by_the_next() {
    let pieces = || (0..100).map(|at| Held::new(1000, 1, at)).collect::<Vec<_>>();
    let places =
        |held: &[Held]| held.iter().map(|held| held.start.addr().get()).collect::<Vec<_>>();
    let mut seen = HashSet::new();
    for _ in 0..200 {
        seen.extend(thread::scope(|scope| scope.spawn(|| places(&pieces())).join().unwrap()));
    }
    // Other tests take and leave some as well.
    assert!(seen.len() < 200 * 100 / 4, "{} places", seen.len());
}

#[test]
fn what_one_thread_gets_and_another_drops_comes_back() {
    let (to, from) = mpsc::sync_channel::<Held>(10);
    let mut places = HashSet::new();
    thread::scope(|scope| {
        scope.spawn(move || from.into_iter().for_each(drop));
        for _ in 0..100_000 {
            let held = Held::new(2000, 1, 1);
            places.insert(held.start.addr());
            to.send(held).unwrap();
        }
        drop(to);
    });
    assert!(places.len() < 10_000, "{} places", places.len());
}

#[test]
fn who_is_dropped_while_its_thread_ends_may_still_get_and_drop() {
    struct Last(Option<Held>);
    impl Drop for Last {
        fn drop(&mut self) {
            let mut more = Held::new(500, 1, 3);
            more.resize(50);
            self.0 = Some(Held::new(5000, 1, 2));
        }
    }
    thread_local! { static LAST: Last = Last(Some(Held::new(50, 1, 1))) }
    for _ in 0..10 {
        let uses = || LAST.with(|last| assert!(last.0.is_some()));
        thread::scope(|scope| scope.spawn(uses).join().unwrap());
    }
}
