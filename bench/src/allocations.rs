//! How often the allocator is called for one unit of work, and how much is held. Steady state on the packet path must be 0.

use nix::time::{ClockId, clock_gettime};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

static CALLS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static CALLS_HERE: Cell<u64> = const { Cell::new(0) };
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
    static HELD: Cell<i64> = const { Cell::new(0) };
    static SPENT: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// The system's allocator with a count. A benchmark makes it global with `#[global_allocator]`.
#[derive(Debug)]
pub struct Counting;

#[expect(
    unsafe_code,
    reason = "GlobalAlloc is an unsafe trait; every call goes unchanged to the system's allocator"
)]
// SAFETY: the caller's promises about layouts and pointers are passed on as they are.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        hold(layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hold(-(layout.size() as i64));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        hold(layout.size() as i64);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        hold(new_size as i64 - layout.size() as i64);
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

/// A thread that is ending has no counter any more.
fn count() {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let _ = CALLS_HERE.try_with(|calls| calls.set(calls.get() + 1));
}

/// As [`count`].
fn hold(bytes: i64) {
    let _ = IS_INSIDE.try_with(|inside| {
        if inside.get() {
            let _ = HELD.try_with(|held| held.set(held.get() + bytes));
        }
    });
}

/// Does `work`, of which [`held_inside`] counts what this thread takes and gives back, and a [`time_inside`] under way how
/// long it takes.
pub fn inside<R>(work: impl FnOnce() -> R) -> R {
    IS_INSIDE.set(true);
    let begun = SPENT.get().map(|_| thread_time());
    let result = work();
    if let Some((spent, begun)) = SPENT.get().zip(begun) {
        SPENT.set(Some(spent + thread_time().saturating_sub(begun)));
    }
    IS_INSIDE.set(false);
    result
}

/// CPU time of this thread in [`inside`] while `work` runs.
pub fn time_inside(work: impl FnOnce()) -> Duration {
    SPENT.set(Some(Duration::ZERO));
    work();
    SPENT.take().unwrap_or_default()
}

fn thread_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("every thread has this clock").into()
}

/// Bytes that [`inside`] took and has not given back. 0 without [`Counting`].
pub fn held_inside() -> i64 {
    HELD.get()
}

/// Allocations of this thread so far.
pub fn calls_here() -> u64 {
    CALLS_HERE.get()
}

/// Allocations so far, of all threads.
pub fn calls() -> u64 {
    CALLS.load(Ordering::Relaxed)
}

/// Runs `work` a thousand times to warm up, and says how many allocations each of a thousand further ones made.
pub fn report(name: &str, mut work: impl FnMut()) {
    const RUNS: u64 = 1000;
    for _ in 0..RUNS {
        work();
    }
    let before = calls();
    for _ in 0..RUNS {
        work();
    }
    let per_unit = (calls() - before) as f64 / RUNS as f64;
    eprintln!("{name}: {per_unit:.3} allocations");
}
