//! One function for every parser of strangers' bytes: whatever the bytes are, it returns, and what it asserts holds.
//!
//! `make fuzz` runs each as a target of libFuzzer; the test `fuzz_corpus` of the engine replays the corpus through the
//! same functions.

use std::time::{Duration, Instant};

use plenum_sfu::engine::{
    demux::{DatagramKind, classify},
    packet::{HeaderFields, HeaderPrefix, RtpPacket, write_header},
    router::{
        payload::{
            Description, Vp8, Vp9,
            dependency::{self, Active, DESCRIPTOR_MAX, Dependency},
            picture,
        },
        red::{Recent, Red},
        repair,
    },
    transport::{
        params::Codec,
        rtcp::{self, ExtendedBlock, FEEDBACK_STATUSES_MAX, RtcpPacket},
        sctp::{DataEvent, DataRate, PACKET_LEN_MAX, Sctp},
        stun::{self, BindingRequest},
    },
};
use plenum_sfu::worker::tcp::frame;
use plenum_shared::transport::{SctpParameters, SctpStreamParameters};

/// What is done with a string of bytes; it returns, or what it promised does not hold.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its file in `fuzz_targets/` and of its folder in `corpus/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("av1", av1),
    ("dependency", dependency),
    ("frames", frames),
    ("h264", h264),
    ("red", red),
    ("rtcp", rtcp),
    ("rtp", rtp),
    ("sctp", sctp),
    ("stun", stun),
    ("vp8", vp8),
    ("vp9", vp9),
];

/// Redundant sound: blocks lie within the payload, and what is put together of them comes apart again.
pub fn red(data: &[u8]) {
    const OPUS: u8 = 111;
    let Some(red) = Red::parse(data, OPUS) else { return };
    let primary = &data[red.primary.clone()];
    let (mut recent, now) = (Recent::default(), 1_000_000);
    for block in red.blocks() {
        recent.keep(now - u32::from(block.offset), &data[block.range()]);
    }
    let mut written = vec![0; primary.len() + Recent::OVERHEAD_MAX];
    let len = recent.write(OPUS, 2, now, primary, &mut written).expect("there is room for the most it takes");
    let again = Red::parse(&written[..len], OPUS).expect("what we write is redundant sound");
    assert_eq!(&written[again.primary.clone()], primary);
    for block in again.blocks() {
        let repeated = &written[block.range()];
        assert!(red.blocks().iter().any(|one| one.offset == block.offset && &data[one.range()] == repeated));
    }
}

/// A datagram before anything is known of its sender.
pub fn stun(data: &[u8]) {
    let _ = stun::local_ufrag(data);
    if let Ok(request) = BindingRequest::parse(data) {
        assert_eq!(classify(data), Some(DatagramKind::Stun), "only what is sorted as STUN is STUN");
        let _ = (request.ufrags(), request.transaction_id());
        assert!(request.unknown_attributes().len() <= 4);
        assert!(!request.is_authentic(&stun::integrity_key("a password nobody was told")));
    }
}

/// A plain RTP packet: offsets lie within it, and its elements survive being written again.
pub fn rtp(data: &[u8]) {
    let _ = HeaderPrefix::parse(data);
    let Ok(packet) = RtpPacket::parse(data) else { return };
    assert_eq!(packet.len(), data.len());
    for id in 0..=u8::MAX {
        let _ = (packet.audio_level(data, id), packet.identifier(data, id), packet.abs_send_time(data, id));
        let _ = (packet.transport_sequence_number(data, id), packet.video_orientation(data, id));
    }
    let fields = HeaderFields {
        marker: packet.marker,
        payload_type: packet.payload_type,
        sequence_number: packet.sequence_number,
        timestamp: packet.timestamp,
        ssrc: packet.ssrc,
    };
    let mut header = vec![0; 8192];
    let elements: Vec<_> = packet.extensions(data).collect();
    let len = write_header(&mut header, fields, elements.iter().copied()).expect("sixteen elements fit");
    let written = RtpPacket::parse(&header[..len]).expect("what we write is a packet");
    assert!(written.extensions(&header[..len]).eq(elements));
    let mut copy = data.to_vec();
    if let Some((repeated, bytes)) = repair::unwrap(&mut copy, &packet, 1, 96) {
        assert_eq!((repeated.len(), repeated.ssrc, repeated.payload_type), (bytes.len(), 1, 96));
    }
}

/// A compound RTCP packet, every list of it walked to the end.
pub fn rtcp(data: &[u8]) {
    for packet in rtcp::parse(data) {
        match packet {
            RtcpPacket::SenderReport(_, reports) | RtcpPacket::ReceiverReport { reports, .. } => {
                assert!(reports.count() <= 31);
            }
            RtcpPacket::Nack { lost, .. } => assert!(lost.sequence_numbers().count() <= 17 * data.len() / 4),
            RtcpPacket::Fir { entries, .. } => assert!(entries.count() <= data.len() / 8),
            RtcpPacket::Goodbye(ssrcs) | RtcpPacket::Remb { ssrcs, .. } => {
                assert!(ssrcs.count() <= data.len() / 4);
            }
            RtcpPacket::TransportFeedback(feedback) => {
                let statuses = feedback.statuses().enumerate();
                let last = statuses.map(|(at, status)| {
                    assert_eq!(status.sequence_number, feedback.base_sequence_number.wrapping_add(at as u16));
                    at
                });
                assert!(last.last().is_none_or(|last| last < FEEDBACK_STATUSES_MAX));
            }
            RtcpPacket::SourceDescription(chunks) => assert!(chunks.count() <= data.len()),
            RtcpPacket::ExtendedReport { blocks, .. } => {
                let answers = blocks.map(|block| match block {
                    ExtendedBlock::DelaySinceLastReference(answers) => answers.count(),
                    ExtendedBlock::ReceiverReferenceTime(_) | ExtendedBlock::Unknown { .. } => 1,
                });
                assert!(answers.sum::<usize>() <= data.len() / 4);
            }
            RtcpPacket::Pli { .. } | RtcpPacket::Unknown { .. } => {}
        }
    }
}

/// What came on a TCP connection: frames cover the bytes up to the beginning of one that is not there yet.
pub fn frames(data: &[u8]) {
    let Ok(whole) = frame::whole_frames(data) else { return };
    assert!(data.len() - whole < frame::HEADER_LEN + frame::DATAGRAM_MAX, "what is kept is bounded");
    let mut copy = data[..whole].to_vec();
    let again: Vec<u8> = frame::datagrams(&mut copy)
        .flat_map(|datagram| {
            let header = frame::header(datagram.len()).expect("what came in a frame fits one");
            header.into_iter().chain(datagram.to_vec())
        })
        .collect();
    assert_eq!(again, data[..whole]);
}

/// A VP8 payload: numbers are written where they were read, and nothing else changes.
pub fn vp8(data: &[u8]) {
    describe(Codec::Vp8, data);
    let Some(before) = Vp8::read(data) else { return };
    let mut copy = data.to_vec();
    before.write(&mut copy, 77, 3, 5);
    let after = Vp8::read(&copy).expect("the same shape");
    assert_eq!(after.picture_id.map(|id| id.value), before.picture_id.map(|_| 77));
    assert_eq!(after.base_index.map(|index| index.0), before.base_index.map(|_| 3));
    assert_eq!((after.temporal, after.len), (before.temporal, before.len));
    assert_eq!(copy[usize::from(after.len)..], data[usize::from(before.len)..]);
}

/// A VP9 payload: as for VP8.
pub fn vp9(data: &[u8]) {
    describe(Codec::Vp9, data);
    let Some(before) = Vp9::read(data) else { return };
    let mut copy = data.to_vec();
    before.write(&mut copy, 77, 3);
    let after = Vp9::read(&copy).expect("the same shape");
    assert_eq!(after.picture_id.map(|id| id.value), before.picture_id.map(|_| 77));
    assert_eq!((after.spatial, after.temporal, after.len), (before.spatial, before.temporal, before.len));
    assert_eq!(copy[usize::from(after.len)..], data[usize::from(before.len)..]);
}

/// An AV1 payload without a descriptor.
pub fn av1(data: &[u8]) {
    describe(Codec::Av1, data);
}

/// Two dependency descriptors, the first of as many bytes as the first byte says: it may bring what the second is read by.
/// Rewriting changes the frame number and the mask of active decode targets, and nothing else.
pub fn dependency(data: &[u8]) {
    let Some((&len, rest)) = data.split_first() else { return };
    let (first, second) = rest.split_at(usize::from(len).min(rest.len()));
    let Some((_, structure)) = Dependency::read(first, None) else { return };
    for descriptor in [first, second] {
        let Some((before, attached)) = Dependency::read(descriptor, structure.as_deref()) else { continue };
        let count = attached.as_ref().or(structure.as_ref()).expect("it was read by one").targets.count();
        let mut out = [0; DESCRIPTOR_MAX];
        let active = Some(Active { mask: 1, count });
        let Some(len) = dependency::rewrite(descriptor, 77, active, &mut out) else {
            assert!(descriptor.len() > DESCRIPTOR_MAX);
            continue;
        };
        let (after, _) = Dependency::read(&out[..len], structure.as_deref()).expect("as readable as before");
        assert!(after.active == before.active || after.active == Some(1));
        assert_eq!(after, Dependency { frame_number: 77, active: after.active, ..before });
    }
}

/// An H264 payload.
pub fn h264(data: &[u8]) {
    describe(Codec::H264, data);
}

/// Reads what forwarding and statistics read of a packet with this payload.
fn describe(codec: Codec, payload: &[u8]) {
    let mut bytes = vec![0; 12];
    bytes[0] = 0x80;
    bytes.extend_from_slice(payload);
    let Ok(packet) = RtpPacket::parse(&bytes) else { return };
    if let Some(description) = Description::read(codec, &packet, &bytes, 0, &mut None, true) {
        let _ = picture::read(codec, &description, payload);
    }
}

/// Packets of data channels, each behind two bytes of length, as an association reads them that is up as soon as an INIT
/// among them was answered. Checksums, tags and the cookie are made right: without them nothing goes deep. Every message is
/// answered, and every stream that is closed is closed here too, as the engine does it.
pub fn sctp(data: &[u8]) {
    const INIT: u8 = 1;
    let mut now = Instant::now();
    let mut sctp = Sctp::new(now, DataRate::default());
    let mut tag = 0;
    let mut rest = data;
    while let [high, low, after @ ..] = rest {
        let len = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
        let (chunks, next) = after.split_at(len);
        rest = next;
        // An INIT comes without a tag (RFC 9260 section 8.5.1).
        let tag_of_packet = if chunks.first() == Some(&INIT) { 0 } else { tag };
        sctp.handle_packet(now, sctp_packet(tag_of_packet, chunks).into());
        sctp.make_packets(now, usize::MAX);
        while let Some(packet) = sctp.take_packet() {
            assert!(packet.len() <= PACKET_LEN_MAX);
            if let Some((tag_to_use, cookie)) = init_ack(&packet) {
                tag = tag_to_use;
                let mut echo = vec![10, 0];
                echo.extend((cookie.len() as u16 + 4).to_be_bytes());
                echo.extend_from_slice(cookie);
                sctp.handle_packet(now, sctp_packet(tag, &echo).into());
            }
        }
        while let Some(event) = sctp.poll_event(now) {
            match event {
                DataEvent::Message { stream, kind, payload } => {
                    assert!((1..=SctpParameters::OURS.max_message_size as usize).contains(&payload.len()));
                    let back = SctpStreamParameters {
                        stream_id: stream,
                        ordered: stream % 2 == 0,
                        max_packet_life_time: None,
                        max_retransmits: (stream % 3 == 0).then_some(0),
                    };
                    // Refused while the association is not up, or closing.
                    let _ = sctp.send(&back, kind, &payload);
                }
                DataEvent::StreamClosed(stream) => sctp.close_stream(stream),
                DataEvent::Lost => {}
            }
        }
        if let Some(at) = sctp.poll_timeout() {
            now = now.max(at).min(now + Duration::from_secs(1));
            sctp.handle_timeout(now);
        }
    }
}

/// A packet between the ports of WebRTC, with the right checksum.
pub fn sctp_packet(tag: u32, chunks: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x13, 0x88, 0x13, 0x88];
    packet.extend(tag.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend_from_slice(chunks);
    let checksum = crc32c(&packet).to_le_bytes();
    packet[8..12].copy_from_slice(&checksum);
    packet
}

/// The tag and the cookie of an INIT ACK (RFC 9260 section 3.3.3).
fn init_ack(packet: &[u8]) -> Option<(u32, &[u8])> {
    const INIT_ACK: u8 = 2;
    const STATE_COOKIE: u16 = 7;
    let chunk = packet.get(12..).filter(|chunk| chunk.first() == Some(&INIT_ACK))?;
    let tag = u32::from_be_bytes(chunk.get(4..8)?.try_into().ok()?);
    let mut parameters = chunk.get(20..)?;
    loop {
        let [a, b, c, d, ..] = *parameters else { return None };
        let len = usize::from(u16::from_be_bytes([c, d])).max(4);
        if u16::from_be_bytes([a, b]) == STATE_COOKIE {
            return Some((tag, parameters.get(4..len)?));
        }
        parameters = parameters.get(len.next_multiple_of(4)..)?;
    }
}

fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}
