//! How often the allocator is called for one unit of work. Steady state on the packet path must be 0.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, Ordering},
};

static CALLS: AtomicU64 = AtomicU64::new(0);

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
        CALLS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, new_size) }
    }
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
