//! What an RTP packet says in the clear (RFC 3550 section 5.1, RFC 8285), and writing it.

const FIXED_LEN: usize = 12;
const ONE_BYTE: u16 = 0xbede;
const TWO_BYTE: u16 = 0x1000;

/// The header as far as a light member has use for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub sequence: u16,
    pub ssrc: u32,
    /// Bytes before the payload.
    pub len: usize,
    /// The number of transport-wide congestion control.
    pub transport_wide: Option<u16>,
}

/// RTP, or RTCP by its type (RFC 5761 section 4); STUN and DTLS are neither.
pub(super) fn is_rtp_or_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [128..=191, ..])
}

pub(super) fn is_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [128..=191, 192..=223, ..])
}

impl Header {
    /// `transport_wide` is the id of its extension element.
    pub(super) fn read(bytes: &[u8], transport_wide: u8) -> Option<Self> {
        let fixed = bytes.first_chunk::<FIXED_LEN>()?;
        let mut header = Self {
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            len: FIXED_LEN + 4 * usize::from(fixed[0] & 0x0f),
            transport_wide: None,
        };
        if fixed[0] & 0x10 != 0 {
            let [profile, words] = [word(bytes, header.len)?, word(bytes, header.len + 2)?];
            let from = header.len + 4;
            header.len = from + 4 * usize::from(words);
            header.transport_wide = find(bytes.get(from..header.len)?, profile, transport_wide);
        }
        (header.len <= bytes.len()).then_some(header)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).map(|two| u16::from_be_bytes([two[0], two[1]]))
}

/// The two bytes of the element of this id.
fn find(mut elements: &[u8], profile: u16, wanted: u8) -> Option<u16> {
    while let [first, rest @ ..] = elements {
        if *first == 0 {
            elements = rest;
            continue;
        }
        let (id, len, rest) = match profile {
            ONE_BYTE => (first >> 4, usize::from(first & 0x0f) + 1, rest),
            profile if profile & 0xfff0 == TWO_BYTE => (*first, usize::from(*rest.first()?), &rest[1..]),
            _ => return None,
        };
        if id == wanted {
            return word(rest, 0).filter(|_| len == 2);
        }
        elements = rest.get(len..)?;
    }
    None
}

/// Begins a packet with these one-byte elements; returns it without a payload.
pub(super) fn write(
    marker: bool,
    payload_type: u8,
    (sequence, rtp_time, ssrc): (u16, u32, u32),
    elements: &[(u8, &[u8])],
) -> Vec<u8> {
    let mut packet = Vec::with_capacity(1300);
    packet.extend([0x90, u8::from(marker) << 7 | payload_type]);
    packet.extend(sequence.to_be_bytes());
    packet.extend(rtp_time.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(ONE_BYTE.to_be_bytes());
    packet.extend([0, 0]);
    for (id, value) in elements.iter().filter(|(_, value)| (1..=16).contains(&value.len())) {
        packet.push(id << 4 | (value.len() - 1) as u8);
        packet.extend(*value);
    }
    packet.resize(packet.len().next_multiple_of(4), 0);
    let words = ((packet.len() - FIXED_LEN - 4) / 4) as u16;
    packet[FIXED_LEN + 2..FIXED_LEN + 4].copy_from_slice(&words.to_be_bytes());
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_header_is_read_back() {
        let elements: [(u8, &[u8]); 2] = [(4, b"mid"), (3, &[1, 2])];
        let packet = write(true, 96, (7, 8, 9), &elements);
        let expected = Header { sequence: 7, ssrc: 9, len: packet.len(), transport_wide: Some(258) };
        assert_eq!(Header::read(&packet, 3), Some(expected));
        assert_eq!(Header::read(&packet, 5), Some(Header { transport_wide: None, ..expected }));
        assert!(is_rtp_or_rtcp(&packet) && !is_rtcp(&packet));
    }

    #[test]
    fn two_byte_elements_are_read_and_cut_ones_are_not() {
        let mut packet = vec![0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5];
        packet.extend([0x10, 0, 0, 2, 0, 20, 1, 9, 3, 2, 0xab, 0xcd]);
        assert_eq!(Header::read(&packet, 3).and_then(|it| it.transport_wide), Some(0xabcd));
        assert_eq!(Header::read(&packet[..20], 3), None);
        packet[21] = 7;
        assert_eq!(Header::read(&packet, 3).and_then(|it| it.transport_wide), None, "longer than the block");
        assert_eq!(Header::read(&[0x80; 11], 3), None);
    }
}
