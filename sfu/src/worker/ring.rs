//! Packets from one worker to another: a bounded ring with one writer and one reader, and no lock.
//!
//! Two positions count what was written and what was read; each is written by one side only. A slot is written before its
//! position is published and read before it is given back, so nobody ever waits. Both sides remember the other's position
//! and look again only when that is not enough.

use super::sync::{Arc, AtomicUsize, Ordering, UnsafeCell};

/// On cache lines of its own, so that the two sides do not take each other's away. Processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Apart<T>(T);

#[derive(Debug)]
struct Shared<T> {
    slots: Box<[UnsafeCell<T>]>,
    written: Apart<AtomicUsize>,
    read: Apart<AtomicUsize>,
}

// SAFETY: a slot is touched by the writer alone from when the reader gave it back until it is published, and by the
// reader alone from then on; both positions are published with release and looked at with acquire.
#[allow(unsafe_code)] // a cell is not shared without
unsafe impl<T: Send> Sync for Shared<T> {}
// SAFETY: as above; the slots themselves may change threads.
#[allow(unsafe_code)]
unsafe impl<T: Send> Send for Shared<T> {}

/// The writer's end.
#[derive(Debug)]
pub struct Writer<T> {
    shared: Arc<Shared<T>>,
    written: usize,
    /// What the reader had read when it was last looked.
    read: usize,
}

/// The reader's end.
#[derive(Debug)]
pub struct Reader<T> {
    shared: Arc<Shared<T>>,
    read: usize,
    /// What had been written when it was last looked.
    written: usize,
}

/// A ring of these slots; their count must be a power of two.
pub fn ring<T>(slots: impl IntoIterator<Item = T>) -> (Writer<T>, Reader<T>) {
    let slots: Box<[_]> = slots.into_iter().map(UnsafeCell::new).collect();
    assert!(slots.len().is_power_of_two(), "positions wrap around with the slots");
    let position = || Apart(AtomicUsize::new(0));
    let shared = Arc::new(Shared { slots, written: position(), read: position() });
    (Writer { shared: shared.clone(), written: 0, read: 0 }, Reader { shared, read: 0, written: 0 })
}

impl<T> Writer<T> {
    /// Lends the next slot to `write` and publishes it, if at least `spare` others are free beside it. Returns whether it did.
    pub fn push(&mut self, spare: usize, write: impl FnOnce(&mut T)) -> bool {
        let count = self.shared.slots.len();
        if self.written.wrapping_sub(self.read) + spare >= count {
            self.read = self.shared.read.0.load(Ordering::Acquire);
            if self.written.wrapping_sub(self.read) + spare >= count {
                return false;
            }
        }
        let slot = &self.shared.slots[self.written & (count - 1)];
        // SAFETY: the reader has given this slot back, as its position says, and there is one writer.
        #[allow(unsafe_code)] // see above
        slot.with_mut(|slot| write(unsafe { &mut *slot }));
        self.written = self.written.wrapping_add(1);
        self.shared.written.0.store(self.written, Ordering::Release);
        true
    }
}

impl<T> Reader<T> {
    /// How many slots can be read now.
    pub fn available(&mut self) -> usize {
        self.written = self.shared.written.0.load(Ordering::Acquire);
        self.written.wrapping_sub(self.read)
    }

    /// Lends the oldest slot of those that [`Reader::available`] counted, and gives it back.
    pub fn pop<R>(&mut self, read: impl FnOnce(&mut T) -> R) -> Option<R> {
        if self.read == self.written {
            return None;
        }
        let slot = &self.shared.slots[self.read & (self.shared.slots.len() - 1)];
        // SAFETY: the writer has published this slot and will not touch it before it is given back; there is one reader.
        #[allow(unsafe_code)] // see above
        let result = slot.with_mut(|slot| read(unsafe { &mut *slot }));
        self.read = self.read.wrapping_add(1);
        self.shared.read.0.store(self.read, Ordering::Release);
        Some(result)
    }
}
