//! How late the machine was itself: what a run in real time waited for the processor.

use std::time::Duration;

/// Nobody who waits no longer than this is late.
const IN_TIME: Duration = Duration::from_millis(50);
/// Whoever was late oftener than this, of all times it woke up, was in a worse network than ours.
const OFTEN: f64 = 0.01;
/// Or was late by so much in sum.
const LONG: Duration = Duration::from_secs(2);

/// Of one run, or of one side of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Lateness {
    wakes: u32,
    late: u32,
    sum: Duration,
    /// The longest.
    pub latest: Duration,
}

impl Lateness {
    /// Somebody woke up so much after the time it was to.
    pub fn note(&mut self, by: Duration) {
        self.wakes += 1;
        self.latest = self.latest.max(by);
        if by > IN_TIME {
            self.late += 1;
            self.sum += by;
        }
    }

    /// A machine that lets somebody wait so often or so long is not judged as one that is in time.
    pub fn is_much(&self) -> bool {
        f64::from(self.late) > f64::from(self.wakes) * OFTEN || self.sum > LONG
    }

    /// Of two sides of a run the one that was worse off.
    pub fn or_worse(self, other: Self) -> Self {
        let worse = if (other.is_much(), other.sum) > (self.is_much(), self.sum) { other } else { self };
        Lateness { latest: self.latest.max(other.latest), ..worse }
    }
}

#[test]
fn one_hiccup_is_not_a_busy_machine_and_many_are() {
    let ms = Duration::from_millis;
    let mut lateness = Lateness::default();
    (0..10_000).for_each(|_| lateness.note(ms(1)));
    lateness.note(ms(400));
    assert_eq!((lateness.is_much(), lateness.latest), (false, ms(400)));
    let mut long = lateness;
    (0..5).for_each(|_| long.note(ms(400)));
    assert!(long.is_much());
    let mut often = Lateness::default();
    (0..1000).for_each(|n| often.note(ms(if n % 50 == 0 { 60 } else { 1 })));
    assert!(often.is_much() && often.sum < LONG);
    assert_eq!(lateness.or_worse(often), Lateness { latest: ms(400), ..often });
    assert!(often.or_worse(lateness).is_much());
}
