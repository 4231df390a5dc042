use proptest::prelude::*;

use super::*;

const FIELDS: HeaderFields = HeaderFields {
    marker: true,
    payload_type: 101,
    sequence_number: 65_535,
    timestamp: 0xDEAD_BEEF,
    ssrc: 7,
};

fn packet(extensions: &[(u8, &[u8])], payload: &[u8]) -> Vec<u8> {
    let mut buf = vec![0xEE; 4096];
    let len = write_header(&mut buf, FIELDS, extensions.iter().copied()).unwrap();
    buf.truncate(len);
    buf.extend_from_slice(payload);
    buf
}

#[test]
fn a_packet_of_a_browser_is_read() {
    // Two-element one-byte block with padding between the elements, mid "0" as 3, level as 10; 4 bytes of padding.
    let bytes = [
        0xB0, 0xE5, 0x12, 0x34, 0, 0, 0, 9, 0, 0, 0, 5, 0xBE, 0xDE, 0, 2, 0x30, b'0', 0, 0, 0xA0, 0x85, 0, 0,
        1, 2, 3, 0, 0, 0, 4,
    ];
    let packet = RtpPacket::parse(&bytes).unwrap();
    assert!(packet.marker);
    assert_eq!(
        (packet.payload_type, packet.sequence_number, packet.timestamp, packet.ssrc),
        (0x65, 0x1234, 9, 5)
    );
    assert_eq!(packet.header_len(), 24);
    assert_eq!(packet.payload(&bytes), [1, 2, 3]);
    assert_eq!((packet.padding_len(), packet.len()), (4, bytes.len()));
    assert_eq!(packet.identifier(&bytes, 3), Some("0"));
    assert_eq!(packet.audio_level(&bytes, 10), Some(AudioLevel { voice: true, level_dbov_neg: 5 }));
    assert_eq!(packet.extensions(&bytes).map(|(id, _)| id).collect::<Vec<_>>(), [3, 10]);
}

#[test]
fn contributing_sources_belong_to_the_header() {
    let mut bytes = packet(&[], b"payload");
    bytes[0] |= 2;
    bytes.splice(12..12, [0; 8]);
    let packet = RtpPacket::parse(&bytes).unwrap();
    assert_eq!(packet.header_len(), 20);
    assert_eq!(packet.payload(&bytes), b"payload");
}

#[test]
fn a_probe_has_padding_and_no_payload() {
    let mut bytes = packet(&[], &[0; 255]);
    bytes[0] |= 0x20;
    *bytes.last_mut().unwrap() = 255;
    let packet = RtpPacket::parse(&bytes).unwrap();
    assert!(packet.is_empty());
    assert_eq!(packet.padding_len(), 255);
}

#[test]
fn impossible_packets_are_refused() {
    let parse = |bytes: &[u8]| RtpPacket::parse(bytes).unwrap_err();
    assert_eq!(parse(&[0x80; 11]), PacketError::Truncated);
    assert_eq!(parse(&[0x40; 12]), PacketError::Version);
    assert_eq!(parse(&[0x8F; 12]), PacketError::Truncated);
    assert_eq!(parse(&[0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xBE, 0xDE, 0, 1]), PacketError::Truncated);
    assert_eq!(parse(&[0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), PacketError::Padding);
    assert_eq!(parse(&[0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), PacketError::Padding);
    assert_eq!(parse(&[0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]), PacketError::Padding);
    assert_eq!(parse(&[0x80; 70_000]), PacketError::TooLong);
}

#[test]
fn identifiers_are_short_and_plain() {
    let read = |value: &[u8]| {
        let bytes = packet(&[(4, value)], b"");
        RtpPacket::parse(&bytes).unwrap().identifier(&bytes, 4).map(str::to_owned)
    };
    assert_eq!(read(b"r0"), Some("r0".to_owned()));
    assert_eq!(read(b"a-B_9"), Some("a-B_9".to_owned()));
    assert_eq!(read(b"seventeen-letters"), None);
    assert_eq!(read(b"r\n"), None);
    assert_eq!(read(&[0xFF]), None);
}

#[test]
fn the_two_byte_form_is_taken_when_one_value_needs_it() {
    for extensions in [&[(1u8, &b"ab"[..]), (15, b"c")][..], &[(1, b"")], &[(1, &[7; 17])], &[(200, b"x")]] {
        let bytes = packet(extensions, b"p");
        assert_eq!(bytes[12..14], [0x10, 0x00]);
        let packet = RtpPacket::parse(&bytes).unwrap();
        assert_eq!(packet.extensions(&bytes).collect::<Vec<_>>(), extensions);
    }
}

#[test]
fn what_extensions_take_is_known_before_they_are_written() {
    let values: [&[usize]; 5] = [&[], &[3], &[1, 3, 2], &[16, 8], &[3, 17, 1]];
    for lens in values {
        let elements: Vec<_> = lens.iter().zip(1..).map(|(&len, id)| (id, &[7; 17][..len])).collect();
        let taken = extensions_len(lens.iter().copied());
        assert_eq!(packet(&elements, &[]).len(), FIXED_HEADER_LEN + taken, "{lens:?}");
    }
}

#[test]
fn an_element_can_be_overwritten_in_place() {
    let mut bytes = packet(&[(5, &[0, 0]), (1, b"m")], b"payload");
    let packet = RtpPacket::parse(&bytes).unwrap();
    packet.extension_mut(&mut bytes, 5).unwrap().copy_from_slice(&777u16.to_be_bytes());
    assert_eq!(packet.transport_sequence_number(&bytes, 5), Some(777));
    assert_eq!(packet.payload(&bytes), b"payload");
}

#[test]
fn elements_beyond_the_bound_are_skipped_and_the_packet_kept() {
    let value = [9];
    let extensions: Vec<(u8, &[u8])> = (1..40).map(|id| (id, &value[..])).collect();
    let bytes = packet(&extensions, b"payload");
    let packet = RtpPacket::parse(&bytes).unwrap();
    assert_eq!(packet.extensions(&bytes).count(), EXTENSION_ELEMENTS_MAX);
    assert_eq!(packet.payload(&bytes), b"payload");
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        marker: bool, payload_type in 0u8..128, sequence_number: u16, timestamp: u32, ssrc: u32,
        extensions in prop::collection::btree_map(1u8..=255, prop::collection::vec(any::<u8>(), 0..40), 0..EXTENSION_ELEMENTS_MAX),
        payload in prop::collection::vec(any::<u8>(), 0..100),
        padding in 0u8..20,
    ) {
        let fields = HeaderFields { marker, payload_type, sequence_number, timestamp, ssrc };
        let mut bytes = vec![0xEE; 2048];
        let elements = extensions.iter().map(|(id, value)| (*id, &value[..]));
        let len = write_header(&mut bytes, fields, elements.clone()).unwrap();
        bytes.truncate(len);
        bytes.extend(&payload);
        if padding > 0 {
            bytes[0] |= 0x20;
            bytes.extend(std::iter::repeat_n(0, usize::from(padding) - 1));
            bytes.push(padding);
        }
        let packet = RtpPacket::parse(&bytes).unwrap();
        let read = HeaderFields {
            marker: packet.marker,
            payload_type: packet.payload_type,
            sequence_number: packet.sequence_number,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
        };
        prop_assert_eq!(read, fields);
        prop_assert_eq!(packet.payload(&bytes), &payload[..]);
        prop_assert_eq!(packet.padding_len(), usize::from(padding));
        prop_assert_eq!(packet.extensions(&bytes).collect::<Vec<_>>(), elements.collect::<Vec<_>>());
    }

    #[test]
    fn a_header_without_room_is_not_written(room in 0usize..40) {
        let mut bytes = vec![0; room];
        let value = [1, 2, 3];
        let written = write_header(&mut bytes, FIELDS, [(1, &value[..]), (2, &value[..]), (3, &value[..])].into_iter());
        prop_assert_eq!(written, (room >= 28).then_some(28));
    }

    #[test]
    fn any_bytes_stay_within_their_bounds(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = (*first & 0x3F) | 0x80;
        }
        if let Ok(packet) = RtpPacket::parse(&bytes) {
            prop_assert_eq!(packet.len(), bytes.len());
            prop_assert_eq!(packet.header_len() + packet.payload(&bytes).len() + packet.padding_len(), bytes.len());
            for (id, value) in packet.extensions(&bytes) {
                prop_assert!(id != 0 && value.len() <= 255);
            }
            for id in 0..=255 {
                let _ = (packet.audio_level(&bytes, id), packet.transport_sequence_number(&bytes, id));
                let _ = (packet.abs_send_time(&bytes, id), packet.identifier(&bytes, id), packet.video_orientation(&bytes, id));
            }
        }
    }
}
