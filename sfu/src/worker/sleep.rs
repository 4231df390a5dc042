//! Whether a worker sleeps, so that it is woken when there is something for it, and only then.
//!
//! The sleeper says that it goes to sleep and then looks once more; whoever has something for it puts it there and then looks
//! whether it sleeps. With a fence between the two on either side at least one of them sees the other.

use super::sync::{AtomicBool, Ordering, fence};

/// One worker's sleep.
#[derive(Debug)]
pub struct Sleep(AtomicBool);

impl Default for Sleep {
    fn default() -> Self {
        Self(AtomicBool::new(false))
    }
}

impl Sleep {
    /// The worker is about to sleep, and looks at everything once more before it does.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// The worker is awake.
    pub fn end(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// There is something for the worker, since before this call. Returns whether it has to be woken; of several who ask, one is
    /// told so.
    pub fn must_be_woken(&self) -> bool {
        fence(Ordering::SeqCst);
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::AcqRel)
    }
}
