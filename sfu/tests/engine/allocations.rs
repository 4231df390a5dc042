//! A forwarded packet costs no memory: the allocator is counted, for this thread only.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use plenum_sfu::engine::transport::LocalIndex;
use plenum_shared::media::{Direction, Kind, Source};

use crate::room::Room;
use crate::tracks::{single, video_packet, vp8};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// The system's allocator with a counter in front; nothing about memory is decided here.
#[allow(unsafe_code, reason = "an allocator cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Counts unless the thread is ending and its counter is gone.
fn count() {
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

#[global_allocator]
static COUNTING: Counting = Counting;

const PACKETS: u16 = 2000;
const VIEWERS: usize = 5;

#[test]
fn forwarding_allocates_nothing_after_the_first_packets() {
    let mut room = Room::new();
    let ada = room.link(Direction::Send);
    let producer = room.produce(ada, Kind::Video, Source::Camera, &single());
    for _ in 0..VIEWERS {
        let viewer = room.link(Direction::Recv);
        room.consume(viewer, producer);
    }
    let source = room.source(ada);
    let mut datagrams: Vec<_> = (1..=PACKETS)
        .map(|number| {
            let payload = vp8(number == 1, number);
            room.sealed(ada, video_packet(2000, number, &payload, &[]))
        })
        .collect();
    let (warm_up, measured) = datagrams.split_at_mut(usize::from(PACKETS) / 2);
    let mut forward = |datagrams: &mut [Vec<u8>]| {
        let allocations_before = ALLOCATIONS.get();
        let sent_before = room.engine.counters().rtp_sent;
        for datagram in datagrams {
            room.engine.handle_datagram(room.now, LocalIndex(0), source, datagram);
            let egress = room.engine.egress();
            assert!(egress.messages().all(|message| !message.bytes.is_empty()));
            egress.clear();
        }
        (room.engine.counters().rtp_sent - sent_before, ALLOCATIONS.get() - allocations_before)
    };
    forward(warm_up);
    let (sent, allocations) = forward(measured);
    assert_eq!(sent, VIEWERS as u64 * u64::from(PACKETS) / 2);
    assert_eq!(allocations, 0, "for {sent} packets");
}
