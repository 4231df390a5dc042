//! Waiting as long as asked: the poll knows whole milliseconds only, and rounds up.

use mio::{Events, Poll};
use nix::{
    poll::{PollFd, PollFlags, ppoll},
    sys::time::TimeSpec,
};
use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
    time::Duration,
};

/// From here on a millisecond more does not matter.
const EXACT_BELOW: Duration = Duration::from_millis(10);

/// Takes what has happened, or happens within `timeout`.
///
/// # Errors
/// What the poll says; a signal is one.
pub fn wait(poll: &mut Poll, events: &mut Events, timeout: Duration) -> io::Result<()> {
    if timeout.is_zero() || timeout >= EXACT_BELOW {
        return poll.poll(events, Some(timeout));
    }
    if until_ready(poll, timeout)? {
        return poll.poll(events, Some(Duration::ZERO));
    }
    events.clear();
    Ok(())
}

#[allow(unsafe_code)] // mio lends its descriptor as a number only
fn until_ready(poll: &Poll, timeout: Duration) -> io::Result<bool> {
    // SAFETY: the descriptor is the poll's, which outlives this function.
    let descriptor = unsafe { BorrowedFd::borrow_raw(poll.as_raw_fd()) };
    let timeout = Some(TimeSpec::from_duration(timeout));
    let ready = ppoll(&mut [PollFd::new(descriptor, PollFlags::POLLIN)], timeout, None)?;
    Ok(ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Token, Waker};
    use std::{thread, time::Instant};

    const WAKER: Token = Token(7);

    #[test]
    fn what_happens_meanwhile_ends_the_wait() {
        for timeout in [Duration::from_micros(9_999), Duration::from_secs(60)] {
            let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(4));
            let waker = Waker::new(poll.registry(), WAKER).unwrap();
            waker.wake().unwrap();
            wait(&mut poll, &mut events, timeout).unwrap();
            assert_eq!(events.iter().map(mio::event::Event::token).collect::<Vec<_>>(), [WAKER]);
        }
    }

    #[test]
    fn what_happened_is_told_once() {
        let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(4));
        let waker = Waker::new(poll.registry(), WAKER).unwrap();
        for timeout in [Duration::ZERO, Duration::from_micros(300), Duration::from_millis(10)] {
            waker.wake().unwrap();
            wait(&mut poll, &mut events, Duration::from_secs(60)).unwrap();
            assert!(!events.is_empty());
            wait(&mut poll, &mut events, timeout).unwrap();
            assert!(events.is_empty(), "after {timeout:?}");
        }
    }

    #[test]
    fn nothing_ends_before_its_time_and_a_wake_from_elsewhere_is_heard() {
        let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(4));
        let waker = Waker::new(poll.registry(), WAKER).unwrap();
        let (begun, timeout) = (Instant::now(), Duration::from_micros(300));
        wait(&mut poll, &mut events, timeout).unwrap();
        assert!(events.is_empty() && begun.elapsed() >= timeout);
        // The waker must outlive the wait: what it said is gone with it.
        thread::scope(|scope| {
            scope.spawn(|| waker.wake().unwrap());
            while events.is_empty() {
                wait(&mut poll, &mut events, timeout).unwrap();
            }
        });
    }
}
