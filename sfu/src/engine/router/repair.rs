//! A retransmission of a publisher (RFC 4588), turned back into the packet it repeats.

use crate::engine::packet::RtpPacket;

/// Bytes of the original sequence number in front of the payload.
const ORIGINAL_LEN: usize = 2;

/// Moves the header of a retransmission over the original sequence number, so that `bytes[ORIGINAL_LEN..]` is the
/// packet it repeats. `None` for padding, which is what bandwidth probes are.
pub fn unwrap<'a>(
    bytes: &'a mut [u8],
    packet: &RtpPacket,
    ssrc: u32,
    payload_type: u8,
) -> Option<(RtpPacket, &'a mut [u8])> {
    let payload = packet.payload(bytes);
    if payload.len() <= ORIGINAL_LEN {
        return None;
    }
    let original = [payload[0], payload[1]];
    bytes.copy_within(..packet.header_len(), ORIGINAL_LEN);
    let bytes = bytes.get_mut(ORIGINAL_LEN..)?;
    bytes[1] = (bytes[1] & 0x80) | payload_type;
    bytes[2..4].copy_from_slice(&original);
    bytes[8..12].copy_from_slice(&ssrc.to_be_bytes());
    let packet = RtpPacket::parse(bytes).ok()?;
    Some((packet, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::packet::{HeaderFields, write_header};

    fn retransmission(payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 1500];
        let fields =
            HeaderFields { marker: true, payload_type: 97, sequence_number: 7, timestamp: 1234, ssrc: 55 };
        let extensions = [(4_u8, &b"0"[..]), (11, &b"r1"[..])];
        let len = write_header(&mut bytes, fields, extensions.into_iter()).expect("there is room");
        bytes[len..len + payload.len()].copy_from_slice(payload);
        bytes.truncate(len + payload.len());
        bytes
    }

    #[test]
    fn the_repeated_packet_has_its_own_number_stream_and_type() {
        let mut bytes = retransmission(&[0xFF, 0xFE, 1, 2, 3]);
        let packet = RtpPacket::parse(&bytes).expect("an RTP packet");
        let (packet, bytes) = unwrap(&mut bytes, &packet, 44, 96).expect("a repeated packet");
        assert_eq!((packet.sequence_number, packet.ssrc, packet.payload_type), (0xFFFE, 44, 96));
        assert_eq!((packet.timestamp, packet.marker), (1234, true));
        assert_eq!(packet.payload(bytes), [1, 2, 3]);
        assert_eq!(packet.identifier(bytes, 11), Some("r1"));
    }

    #[test]
    fn a_probe_repeats_nothing() {
        for payload in [&[][..], &[1], &[1, 2]] {
            let mut bytes = retransmission(payload);
            let packet = RtpPacket::parse(&bytes).expect("an RTP packet");
            assert!(unwrap(&mut bytes, &packet, 44, 96).is_none());
        }
    }
}
