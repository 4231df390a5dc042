//! A forwarded packet costs no memory: the allocator is counted, for this thread only.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use plenum_sfu::engine::router::held::Progress;
use plenum_sfu::engine::transport::LocalIndex;
use plenum_shared::media::{Direction, Kind, Source};
use plenum_shared::rtp::router_capabilities;
use sctp_proto::PayloadProtocolIdentifier;

use crate::data_room::DataTalk;
use crate::room::{AUDIO_LEVEL, MID, RID, Room, Sent, one_by_one};
use crate::tracks::{AUDIO, SIMULCAST_SSRC, simulcast, single, video_packet, vp8};

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
/// So that nobody has to wait: 1.2 Mbit/s.
const PACKET_INTERVAL: Duration = Duration::from_millis(4);

#[test]
fn forwarding_allocates_nothing_after_the_first_packets() {
    let mut room = Room::new();
    room.engine.egress().set_segments_max(8);
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
            room.now += PACKET_INTERVAL;
            room.engine.handle_datagram(room.now, LocalIndex(0), source, datagram);
            assert_eq!(room.engine.end_batch(room.now), Progress::Done);
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

#[test]
fn a_packet_for_viewers_on_another_worker_allocates_nothing_on_either() {
    let mut room = Room::on_workers(2, one_by_one());
    room.open_branch(1);
    let ada = room.link(Direction::Send);
    let camera = room.produce(ada, Kind::Video, Source::Camera, &single());
    let microphone = room.produce(ada, Kind::Audio, Source::Microphone, AUDIO);
    for _ in 0..VIEWERS {
        let viewer = room.viewer_on(1);
        room.consume(viewer, camera);
        room.consume_with(viewer, microphone, router_capabilities());
    }
    let source = room.source(ada);
    let mut datagrams = Vec::new();
    for number in 1..=PACKETS {
        datagrams.push(room.sealed(ada, video_packet(2000, number, &vp8(number == 1, number), &[])));
        let sent = Sent {
            payload_type: 111,
            ssrc: 1000,
            sequence_number: number,
            timestamp: u32::from(number) * 960,
            extensions: &[(AUDIO_LEVEL, &[20])],
            payload: &[0xF8; 60],
        };
        datagrams.push(room.sealed(ada, sent));
    }
    let half = datagrams.len() / 2;
    let (warm_up, measured) = datagrams.split_at_mut(half);
    let mut forward = |datagrams: &mut [Vec<u8>]| {
        let (allocations, sent) = (ALLOCATIONS.get(), room.others[0].counters().rtp_sent);
        for datagram in datagrams {
            room.now += PACKET_INTERVAL;
            room.engine.handle_datagram(room.now, LocalIndex(0), source, datagram);
            assert_eq!(room.engine.end_batch(room.now), Progress::Done);
            room.engine.egress().clear();
            while let Some((from, to, carried)) = room.wires.take() {
                room.carry(from, usize::from(to.0), carried);
            }
            let egress = room.others[0].egress();
            assert!(egress.messages().all(|message| !message.bytes.is_empty()));
            egress.clear();
        }
        (room.others[0].counters().rtp_sent - sent, ALLOCATIONS.get() - allocations)
    };
    forward(warm_up);
    let (sent, allocations) = forward(measured);
    assert_eq!(sent, VIEWERS as u64 * u64::from(PACKETS), "as many of sound as of video");
    assert_eq!(allocations, 0, "for {sent} packets");
}

#[test]
fn choosing_layers_allocates_nothing_after_the_first_seconds() {
    let mut room = Room::new();
    room.engine.egress().set_segments_max(8);
    let viewer = room.link(Direction::Recv);
    let cameras: Vec<_> = (0..VIEWERS).map(|_| room.link(Direction::Send)).collect();
    for &camera in &cameras {
        let producer = room.produce(camera, Kind::Video, Source::Camera, &simulcast());
        room.consume(viewer, producer);
    }
    let mut frames = Vec::new();
    for number in 1..=600 {
        let mut frame = Vec::new();
        for &camera in &cameras {
            for (layer, rid) in [b"r0", b"r1", b"r2"].into_iter().enumerate() {
                let mut payload = vp8(number % 30 == 1, number);
                payload.resize([150, 450, 1100][layer], 0xAB);
                let ssrc = SIMULCAST_SSRC + layer as u32;
                let names: [(u8, &[u8]); 2] = [(MID, b"1"), (RID, rid)];
                let packet = video_packet(ssrc, number, &payload, &names);
                frame.push((room.source(camera), room.sealed(camera, packet)));
            }
        }
        if number % 30 == 0 {
            // Whoever is never heard of would get no video.
            let report = room.sealed_rtcp(viewer, |writer| assert!(writer.receiver_report(1, &[])));
            frame.push((room.source(viewer), report));
        }
        frames.push(frame);
    }
    let (warm_up, measured) = frames.split_at_mut(300);
    let mut forward = |frames: &mut [Vec<(_, Vec<u8>)>]| {
        let (allocations_before, sent_before) = (ALLOCATIONS.get(), room.engine.counters().rtp_sent);
        for frame in frames {
            room.now += Duration::from_millis(33);
            while room.engine.poll_timeout().is_some_and(|at| at <= room.now) {
                room.engine.handle_timeout(room.now);
            }
            for (source, datagram) in frame {
                room.engine.handle_datagram(room.now, LocalIndex(0), *source, datagram);
                assert_eq!(room.engine.end_batch(room.now), Progress::Done);
            }
            while room.engine.poll_event().is_some() {}
            room.engine.egress().clear();
        }
        (room.engine.counters().rtp_sent - sent_before, ALLOCATIONS.get() - allocations_before)
    };
    forward(warm_up);
    let (sent, allocations) = forward(measured);
    assert!(sent >= 300 * VIEWERS as u64, "{sent} packets");
    assert_eq!(allocations, 0, "for {sent} packets in ten seconds");
}

#[test]
fn sound_is_ranked_paused_and_repeated_without_memory() {
    const MICROPHONES: usize = 5;
    let mut room = Room::new();
    room.engine.egress().set_segments_max(8);
    let links: Vec<_> = (0..MICROPHONES).map(|_| room.link(Direction::Send)).collect();
    let (plain, redundant) = (room.link(Direction::Recv), room.link(Direction::Recv));
    for &link in &links {
        let producer = room.produce(link, Kind::Audio, Source::Microphone, AUDIO);
        room.consume(plain, producer);
        room.consume_with(redundant, producer, router_capabilities());
    }
    // Everybody speaks in turn, is silent, and is quiet.
    let mut datagrams = Vec::new();
    for number in 1..=PACKETS {
        for (index, &link) in links.iter().enumerate() {
            let level = [20, 127, 80][(usize::from(number) / 60 + index) % 3];
            let sent = Sent {
                payload_type: 111,
                ssrc: 1000,
                sequence_number: number,
                timestamp: u32::from(number) * 960,
                extensions: &[(AUDIO_LEVEL, &[level])],
                payload: if level == 127 { &[0xF8; 8] } else { &[0xF8; 60] },
            };
            let at = room.now + Duration::from_millis(20) * u32::from(number);
            datagrams.push((at, room.source(link), room.sealed(link, sent)));
        }
    }
    let half = datagrams.len() / 2;
    let (warm_up, measured) = datagrams.split_at_mut(half);
    let mut forward = |datagrams: &mut [(Instant, SocketAddr, Vec<u8>)]| {
        let (allocations, before) = (ALLOCATIONS.get(), room.engine.counters());
        for (at, source, datagram) in datagrams {
            room.engine.handle_datagram(*at, LocalIndex(0), *source, datagram);
            assert_eq!(room.engine.end_batch(*at), Progress::Done);
            room.engine.egress().clear();
        }
        (ALLOCATIONS.get() - allocations, before, room.engine.counters())
    };
    forward(warm_up);
    let (allocations, before, after) = forward(measured);
    assert_eq!(allocations, 0);
    assert!(after.rtp_sent - before.rtp_sent > 1000);
    assert!(after.red_sent > before.red_sent);
    assert!(after.rtp_dropped_unheard > before.rtp_dropped_unheard);
    assert!(after.rtp_dropped_silent > before.rtp_dropped_silent);
}

#[test]
fn packets_of_data_channels_that_waited_take_no_memory_but_for_their_records() {
    /// dimpl lets go of the buffer of each record, which has to grow so often.
    const RECORD_GROWS: u64 = 3;
    const DTLS_DATA: u8 = 23;
    let mut talk = DataTalk::new();
    // Beside a picture data has to wait; alone it would leave at once.
    let producer = talk.room.produce(talk.from.link, Kind::Video, Source::Camera, &single());
    talk.room.consume(talk.to.link, producer);
    for _ in 0..4 {
        talk.say(PayloadProtocolIdentifier::Binary, &[7; 50_000]);
    }
    talk.run(300);
    // SCTP makes packets when it is answered: that is not counted here, only what the clock does.
    let (mut packets, mut allocations) = (0, 0);
    let end = talk.room.now + Duration::from_secs(2);
    while let Some(at) = talk.room.engine.poll_timeout().filter(|&at| at <= end) {
        talk.room.now = talk.room.now.max(at);
        let before = ALLOCATIONS.get();
        talk.room.engine.handle_timeout(talk.room.now);
        allocations += ALLOCATIONS.get() - before;
        let messages = talk.room.engine.egress().messages();
        packets += messages.filter(|message| message.bytes[0] == DTLS_DATA).count() as u64;
        talk.room.pump();
        talk.act();
    }
    assert!(packets >= 10, "{packets} packets");
    // A few more by the timers of SCTP itself.
    let most = packets * RECORD_GROWS + packets / 4;
    assert!(allocations <= most, "{allocations} for {packets} packets");
}

#[test]
fn a_packet_that_waits_allocates_nothing_either() {
    let mut room = Room::new();
    room.engine.egress().set_segments_max(8);
    let ada = room.link(Direction::Send);
    let producer = room.produce(ada, Kind::Video, Source::Camera, &single());
    let viewer = room.link(Direction::Recv);
    room.consume(viewer, producer);
    let source = room.source(ada);
    let mut datagrams: Vec<_> = (1..=PACKETS)
        .map(|number| room.sealed(ada, video_packet(2000, number, &vp8(number == 1, number), &[])))
        .collect();
    let mut counted = 0;
    for (burst, datagrams) in datagrams.chunks_mut(50).enumerate() {
        let allocations_before = ALLOCATIONS.get();
        for datagram in datagrams {
            room.engine.handle_datagram(room.now, LocalIndex(0), source, datagram);
            assert_eq!(room.engine.end_batch(room.now), Progress::Done);
        }
        let end = room.now + Duration::from_millis(80);
        while let Some(at) = room.engine.poll_timeout().filter(|&at| at <= end) {
            room.now = room.now.max(at);
            room.engine.handle_timeout(room.now);
            assert!(room.engine.egress().messages().all(|message| !message.bytes.is_empty()));
            room.engine.egress().clear();
        }
        room.now = end;
        // The first bursts make the queue, the lists of reports and the rings of what was sent.
        counted += if burst < 24 { 0 } else { ALLOCATIONS.get() - allocations_before };
    }
    let counters = room.engine.counters();
    assert!(counters.rtp_sent == u64::from(PACKETS) && counters.rtp_paced > 500, "{counters:?}");
    assert_eq!(counted, 0);
}
