//! ABORT (RFC 9260 section 3.3.7): how a client learns that its association is over here. sctp-proto says so for want of
//! memory only, and of associations it no longer knows nothing at all; a client would go on repeating itself.

use bytes::Bytes;

const COMMON_HEADER_LEN: usize = 12;
const CHUNK_HEADER_LEN: usize = 4;
const INIT: u8 = 1;
const ABORT: u8 = 6;
const ERROR: u8 = 9;
const SHUTDOWN_COMPLETE: u8 = 14;
/// The tag is the one the client has put into its packet, because its own is not known (section 8.4).
const TAG_REFLECTED: u8 = 1;

/// Where packets to the client go: its ports the other way round, and its verification tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    ports: [u8; 4],
    tag: [u8; 4],
}

/// The route back to whoever sent this packet, if it is an INIT.
pub fn route_of_init(packet: &[u8]) -> Option<Route> {
    let header = packet.first_chunk::<COMMON_HEADER_LEN>()?;
    let chunk = packet.get(COMMON_HEADER_LEN..).filter(|chunk| chunk.first() == Some(&INIT))?;
    let tag = *chunk.get(CHUNK_HEADER_LEN..)?.first_chunk()?;
    Some(Route { ports: swapped(header), tag })
}

/// Ends the association of this client.
pub fn abort(route: Route) -> Bytes {
    packet(route, 0)
}

/// Answers a packet of an association that is not known here. `None` for what must not be answered: an INIT, and the end
/// of an association.
pub fn answer_to_unknown(received: &[u8]) -> Option<Bytes> {
    let header = received.first_chunk::<COMMON_HEADER_LEN>()?;
    let is_silent = |kind| [INIT, ABORT, ERROR, SHUTDOWN_COMPLETE].contains(&kind);
    if chunk_kinds(received).next().is_none() || chunk_kinds(received).any(is_silent) {
        return None;
    }
    let tag = [header[4], header[5], header[6], header[7]];
    Some(packet(Route { ports: swapped(header), tag }, TAG_REFLECTED))
}

/// Whether the client says by this packet that its association is over: then it need not be told.
pub fn is_farewell(received: &[u8]) -> bool {
    chunk_kinds(received).any(|kind| [ABORT, SHUTDOWN_COMPLETE].contains(&kind))
}

fn swapped(header: &[u8; COMMON_HEADER_LEN]) -> [u8; 4] {
    [header[2], header[3], header[0], header[1]]
}

/// The types of the chunks in a packet, as far as it can be read.
fn chunk_kinds(packet: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = packet.get(COMMON_HEADER_LEN..).unwrap_or_default();
    std::iter::from_fn(move || {
        let [kind, _, high, low, ..] = *rest else { return None };
        let len = usize::from(u16::from_be_bytes([high, low])).max(CHUNK_HEADER_LEN);
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some(kind)
    })
}

fn packet(Route { ports, tag }: Route, flags: u8) -> Bytes {
    let mut packet = [0; COMMON_HEADER_LEN + CHUNK_HEADER_LEN];
    packet[..4].copy_from_slice(&ports);
    packet[4..8].copy_from_slice(&tag);
    packet[COMMON_HEADER_LEN..].copy_from_slice(&[ABORT, flags, 0, CHUNK_HEADER_LEN as u8]);
    let checksum = crc32c(&packet).to_le_bytes();
    packet[8..12].copy_from_slice(&checksum);
    Bytes::copy_from_slice(&packet)
}

/// Bit by bit: it is for 16 bytes, once in the life of an association.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A packet from port 1 to port 2 with this tag and these chunks, each without a body.
    fn received(tag: u32, kinds: &[u8]) -> Vec<u8> {
        let mut packet = vec![0, 1, 0, 2];
        packet.extend(tag.to_be_bytes());
        packet.extend([0; 4]);
        kinds.iter().for_each(|&kind| packet.extend([kind, 0, 0, 4]));
        packet
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
    }

    #[test]
    fn whoever_is_not_known_is_told_with_the_tag_it_used() {
        let answer = answer_to_unknown(&received(7, &[3])).unwrap();
        assert_eq!(answer[..8], [0, 2, 0, 1, 0, 0, 0, 7]);
        assert_eq!(answer[12..], [ABORT, TAG_REFLECTED, 0, 4]);
    }

    #[test]
    fn neither_a_beginning_nor_an_end_is_answered() {
        for kinds in [&[INIT][..], &[ABORT], &[3, ABORT], &[SHUTDOWN_COMPLETE], &[ERROR], &[]] {
            assert_eq!(answer_to_unknown(&received(7, kinds)), None, "{kinds:?}");
        }
    }

    #[test]
    fn the_route_back_is_learnt_from_an_init() {
        let mut init = received(0, &[INIT]);
        init.extend(0xAABB_CCDD_u32.to_be_bytes());
        let packet = abort(route_of_init(&init).unwrap());
        assert_eq!(packet[..8], [0, 2, 0, 1, 0xAA, 0xBB, 0xCC, 0xDD]);
        assert_eq!(packet[12..], [ABORT, 0, 0, 4]);
        assert_eq!(route_of_init(&received(0, &[3])), None);
        assert_eq!(route_of_init(&init[..18]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            route_of_init(&bytes);
            is_farewell(&bytes);
            prop_assert!(answer_to_unknown(&bytes).is_none_or(|answer| answer.len() == 16));
        }
    }
}
