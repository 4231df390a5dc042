//! How many sessions of one address have shown no credential yet.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

/// Sessions of one address that may be undecided at once. Room for a school behind one address whose people all come
/// back within a moment; one address alone then leaves nearly all places to the others.
const OF_ONE_MAX: usize = 4096;

/// The counters; as many as there are addresses with undecided sessions, which are bounded with all sessions.
#[derive(Clone, Default)]
pub(super) struct Strangers(Arc<Mutex<HashMap<String, usize>>>);

/// The place of one undecided session, free again when it is dropped.
pub(super) struct Place {
    of: Strangers,
    address: String,
}

impl Strangers {
    /// A place for one more session of this address, if there is one.
    pub fn admit(&self, address: String) -> Option<Place> {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counters.entry(address.clone()).or_default();
        if *count >= OF_ONE_MAX {
            return None;
        }
        *count += 1;
        Some(Place { of: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counters = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = counters.entry(std::mem::take(&mut self.address)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_so_many_places_and_leaves_the_others_theirs() {
        let strangers = Strangers::default();
        let mut places: Vec<_> = (0..OF_ONE_MAX).map_while(|_| strangers.admit("ada".to_owned())).collect();
        assert_eq!(places.len(), OF_ONE_MAX);
        assert!(strangers.admit("ada".to_owned()).is_none());
        assert!(strangers.admit("bob".to_owned()).is_some());
        places.pop();
        assert!(strangers.admit("ada".to_owned()).is_some());
        places.clear();
        assert!(strangers.0.lock().expect("nobody panicked").is_empty(), "nothing is kept of who is gone");
    }
}
