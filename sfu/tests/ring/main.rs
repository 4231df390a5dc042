//! The ring between workers, in every order in which two threads can run (`loom`): the files under test are compiled once more,
//! with the model checker's memory in place of the machine's.

#[path = "../../src/worker/ring.rs"]
mod ring;
#[path = "../../src/worker/sleep.rs"]
mod sleep;

/// What `worker/sync.rs` is to the real ones.
mod sync {
    pub use loom::{
        cell::UnsafeCell,
        sync::{
            Arc,
            atomic::{AtomicBool, AtomicUsize, Ordering, fence},
        },
    };
}

use loom::thread;
use ring::ring;
use sleep::Sleep;
use sync::Arc;

/// Two words that are torn if they differ.
type Slot = [usize; 2];

fn write(value: usize) -> impl FnOnce(&mut Slot) {
    move |slot| *slot = [value; 2]
}

#[test]
fn what_is_read_is_what_was_written_in_order_and_whole() {
    loom::model(|| {
        let (mut writer, mut reader) = ring([[0; 2]; 2]);
        let writing = thread::spawn(move || (1..=3).filter(|&value| writer.push(0, write(value))).collect());
        let mut seen = Vec::new();
        let mut take = |reader: &mut ring::Reader<Slot>| {
            for _ in 0..reader.available() {
                seen.extend(reader.pop(|slot| {
                    assert_eq!(slot[0], slot[1], "a slot is read while it is written");
                    slot[0]
                }));
            }
        };
        take(&mut reader);
        thread::yield_now();
        take(&mut reader);
        let taken: Vec<usize> = writing.join().expect("the writer does not fail");
        take(&mut reader);
        assert_eq!(seen, taken, "nothing that was taken is lost, doubled or out of order");
        assert!(taken.len() >= 2, "there was room for two at least");
    });
}

#[test]
fn a_full_ring_refuses_and_keeps_what_is_spared() {
    loom::model(|| {
        let (mut writer, mut reader) = ring([[0; 2]; 4]);
        assert!((1..=3).all(|value| writer.push(1, write(value))));
        assert!(!writer.push(1, write(4)), "the last slot is spared");
        assert!(writer.push(0, write(5)) && !writer.push(0, write(6)));
        assert_eq!(reader.available(), 4);
        let reading = thread::spawn(move || reader.pop(|slot| slot[0]));
        // Whether there is room again depends on who was first; whatever is taken then lies behind the others.
        let again = writer.push(0, write(7));
        assert_eq!(reading.join().expect("the reader does not fail"), Some(1));
        assert!(again || writer.push(0, write(8)));
    });
}

#[test]
fn whoever_sleeps_has_nothing_to_read_or_is_woken() {
    loom::model(|| {
        let (mut writer, mut reader) = ring([[0; 2]; 2]);
        let sleep = Arc::new(Sleep::default());
        let woken = {
            let sleep = sleep.clone();
            thread::spawn(move || {
                assert!(writer.push(0, write(1)));
                sleep.must_be_woken()
            })
        };
        sleep.begin();
        let sleeps = reader.available() == 0;
        if !sleeps {
            sleep.end();
        }
        let woken = woken.join().expect("the writer does not fail");
        assert!(!sleeps || woken, "it sleeps, and there is something to read");
    });
}
