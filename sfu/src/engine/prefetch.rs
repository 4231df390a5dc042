//! Has the processor fetch memory that is about to be read.
//!
//! What is kept of a viewer lies in dozens of cache lines that nobody has touched since its last frame. Fetched while the viewer
//! before is served, they are there in time; missed one after the other, they cost as much as all that is done with them.

/// Bytes of a cache line.
const LINE: usize = 64;

/// Has a value fetched, all of it. What it points to is not.
#[inline]
pub fn prefetch<T>(value: &T) {
    let first = (&raw const *value).cast::<i8>();
    for offset in (0..size_of::<T>()).step_by(LINE) {
        fetch_line(first.wrapping_add(offset));
    }
    fetch_line(first.wrapping_add(size_of::<T>().saturating_sub(1)));
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[allow(unsafe_code)] // it reads nothing and never faults, whatever the address
fn fetch_line(at: *const i8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at) };
}

/// Elsewhere the processor is left to itself.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn fetch_line(_: *const i8) {}
