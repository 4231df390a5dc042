//! An RTP packet as offsets into a buffer (RFC 3550): read once, header extensions found and rewritten in place.

use std::ops::Range;

use thiserror::Error;

pub mod template;

/// The part of the header that is always there.
pub const FIXED_HEADER_LEN: usize = 12;

/// Header extension elements remembered per packet. Chromium sends at most nine; elements beyond the bound are
/// skipped, which loses only their meaning for us, never the packet.
pub const EXTENSION_ELEMENTS_MAX: usize = 16;

/// RFC 8285: the profile word of one-byte headers.
const ONE_BYTE_PROFILE: u16 = 0xBEDE;
/// RFC 8285: the profile word of two-byte headers, its low four bits are free for the application.
const TWO_BYTE_PROFILE: u16 = 0x1000;
const TWO_BYTE_PROFILE_MASK: u16 = 0xFFF0;

/// Why bytes are not an RTP packet. All are the sender's fault; the packet is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PacketError {
    /// Fewer bytes than the header says there are.
    #[error("RTP packet is cut short")]
    Truncated,
    /// Not version 2.
    #[error("RTP version is not 2")]
    Version,
    /// The padding length is zero or larger than what follows the header.
    #[error("RTP padding is impossible")]
    Padding,
    /// Longer than a UDP datagram can be.
    #[error("RTP packet is too long")]
    TooLong,
}

/// What SRTP needs of a header before the packet is authenticated: nothing else of it may be believed by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderPrefix {
    /// Synchronisation source.
    pub ssrc: u32,
    /// Sequence number.
    pub sequence_number: u16,
    /// Bytes of the header: fixed part, contributing sources and extension block.
    pub header_len: usize,
}

impl HeaderPrefix {
    /// Reads the lengths of a header without looking into its extension elements.
    ///
    /// # Errors
    /// [`PacketError`] when the bytes cannot be an RTP packet of version 2.
    pub fn parse(bytes: &[u8]) -> Result<Self, PacketError> {
        let fixed = bytes.get(..FIXED_HEADER_LEN).ok_or(PacketError::Truncated)?;
        if fixed[0] >> 6 != 2 {
            return Err(PacketError::Version);
        }
        if bytes.len() > usize::from(u16::MAX) {
            return Err(PacketError::TooLong);
        }
        let mut header_len = FIXED_HEADER_LEN + 4 * usize::from(fixed[0] & 0x0F);
        if fixed[0] & 0x10 != 0 {
            let words = read_u16(bytes, header_len + 2).ok_or(PacketError::Truncated)?;
            header_len += 4 + 4 * usize::from(words);
        }
        if header_len > bytes.len() {
            return Err(PacketError::Truncated);
        }
        Ok(HeaderPrefix {
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            sequence_number: u16::from_be_bytes([fixed[2], fixed[3]]),
            header_len,
        })
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Element {
    id: u8,
    len: u8,
    offset: u16,
}

/// One plain RTP packet, as numbers and as offsets into the buffer it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpPacket {
    /// The marker bit: end of a video frame, start of a talk spurt.
    pub marker: bool,
    /// Payload type, 0–127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence_number: u16,
    /// Media timestamp, in units of the codec's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    header_len: u16,
    payload_len: u16,
    padding_len: u8,
    element_count: u8,
    elements: [Element; EXTENSION_ELEMENTS_MAX],
}

impl RtpPacket {
    /// Reads a plain (already opened) packet.
    ///
    /// # Errors
    /// [`PacketError`] when the bytes cannot be an RTP packet of version 2.
    pub fn parse(bytes: &[u8]) -> Result<RtpPacket, PacketError> {
        let prefix = HeaderPrefix::parse(bytes)?;
        Self::parse_with(bytes, prefix)
    }

    /// As [`RtpPacket::parse`], for a caller who has read the prefix of these bytes before.
    ///
    /// # Errors
    /// [`PacketError::Padding`] when the padding does not fit, [`PacketError::Truncated`] when the prefix is of another packet.
    pub fn parse_with(bytes: &[u8], prefix: HeaderPrefix) -> Result<RtpPacket, PacketError> {
        let after_header = bytes.get(prefix.header_len..).ok_or(PacketError::Truncated)?;
        let padding_len = if bytes[0] & 0x20 == 0 {
            0
        } else {
            match after_header.last() {
                Some(&len) if len > 0 && usize::from(len) <= after_header.len() => len,
                _ => return Err(PacketError::Padding),
            }
        };
        let mut packet = RtpPacket {
            marker: bytes[1] & 0x80 != 0,
            payload_type: bytes[1] & 0x7F,
            sequence_number: prefix.sequence_number,
            timestamp: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            ssrc: prefix.ssrc,
            header_len: prefix.header_len as u16,
            payload_len: (after_header.len() - usize::from(padding_len)) as u16,
            padding_len,
            element_count: 0,
            elements: [Element::default(); EXTENSION_ELEMENTS_MAX],
        };
        if bytes[0] & 0x10 != 0 {
            let block = FIXED_HEADER_LEN + 4 * usize::from(bytes[0] & 0x0F);
            packet.read_elements(bytes, block);
        }
        Ok(packet)
    }

    /// Bytes of the header: fixed part, contributing sources and extension block.
    pub fn header_len(&self) -> usize {
        usize::from(self.header_len)
    }

    /// Where the payload is, padding not included.
    pub fn payload_range(&self) -> Range<usize> {
        self.header_len()..self.header_len() + usize::from(self.payload_len)
    }

    /// The payload, padding not included. `bytes` is the buffer the packet was read from.
    pub fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.payload_range()).unwrap_or_default()
    }

    /// Bytes of padding at the end; a packet with padding and no payload is a probe.
    pub fn padding_len(&self) -> usize {
        usize::from(self.padding_len)
    }

    /// Bytes of the whole packet.
    pub fn len(&self) -> usize {
        self.payload_range().end + self.padding_len()
    }

    /// No payload: the packet carries padding or nothing.
    pub fn is_empty(&self) -> bool {
        self.payload_len == 0
    }

    /// The value of the extension element `id`, of any element order and either header form.
    pub fn extension<'a>(&self, bytes: &'a [u8], id: u8) -> Option<&'a [u8]> {
        bytes.get(self.extension_range(id)?)
    }

    /// Bytes of the value of the extension element `id`.
    pub fn extension_len(&self, id: u8) -> Option<usize> {
        self.extension_range(id).map(|range| range.len())
    }

    /// As [`RtpPacket::extension`], to be overwritten in place with a value of the same length.
    pub fn extension_mut<'a>(&self, bytes: &'a mut [u8], id: u8) -> Option<&'a mut [u8]> {
        bytes.get_mut(self.extension_range(id)?)
    }

    /// Every extension element in the order of the packet.
    pub fn extensions<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = (u8, &'a [u8])> {
        self.elements().iter().filter_map(move |e| {
            Some((e.id, bytes.get(usize::from(e.offset)..usize::from(e.offset) + usize::from(e.len))?))
        })
    }

    /// RFC 6464 client-to-mixer audio level.
    pub fn audio_level(&self, bytes: &[u8], id: u8) -> Option<AudioLevel> {
        let value = *self.extension(bytes, id)?.first()?;
        Some(AudioLevel { voice: value & 0x80 != 0, level_dbov_neg: value & 0x7F })
    }

    /// Sequence number of transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    pub fn transport_sequence_number(&self, bytes: &[u8], id: u8) -> Option<u16> {
        read_u16(self.extension(bytes, id)?, 0)
    }

    /// Departure time at the sender, 24 bits: seconds in 6.18 fixed point, wrapping every 64 s.
    pub fn abs_send_time(&self, bytes: &[u8], id: u8) -> Option<u32> {
        let value = self.extension(bytes, id)?.get(..3)?;
        Some(u32::from_be_bytes([0, value[0], value[1], value[2]]))
    }

    /// Video orientation (3GPP TS 26.114): the CVO byte as sent.
    pub fn video_orientation(&self, bytes: &[u8], id: u8) -> Option<u8> {
        self.extension(bytes, id)?.first().copied()
    }

    /// An SDES item such as `mid`, `rid` or the repaired `rid` (RFC 8852, RFC 8843): 1 to 16 characters of an identifier.
    /// Longer or stranger values are no identifier of ours and read as absent.
    pub fn identifier<'a>(&self, bytes: &'a [u8], id: u8) -> Option<&'a str> {
        let value = self.extension(bytes, id)?;
        let fits = (1..=IDENTIFIER_LEN_MAX).contains(&value.len());
        let plain = value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        (fits && plain).then(|| std::str::from_utf8(value).ok()).flatten()
    }

    fn elements(&self) -> &[Element] {
        &self.elements[..usize::from(self.element_count)]
    }

    fn extension_range(&self, id: u8) -> Option<Range<usize>> {
        let element = self.elements().iter().find(|e| e.id == id)?;
        let start = usize::from(element.offset);
        Some(start..start + usize::from(element.len))
    }

    /// `block` is where the profile word is; the prefix has checked that the whole block is there.
    fn read_elements(&mut self, bytes: &[u8], block: usize) {
        let profile = u16::from_be_bytes([bytes[block], bytes[block + 1]]);
        let two_byte = match profile {
            ONE_BYTE_PROFILE => false,
            p if p & TWO_BYTE_PROFILE_MASK == TWO_BYTE_PROFILE => true,
            _ => return,
        };
        let end = self.header_len();
        let mut at = block + 4;
        while at < end && usize::from(self.element_count) < EXTENSION_ELEMENTS_MAX {
            let first = bytes[at];
            if first == 0 {
                at += 1;
                continue;
            }
            let (id, len, start) = if two_byte {
                let Some(&len) = bytes[..end].get(at + 1) else { return };
                (first, usize::from(len), at + 2)
            } else {
                (first >> 4, usize::from(first & 0x0F) + 1, at + 1)
            };
            // RFC 8285 section 4.2: id 15 ends the processing of one-byte elements.
            if (!two_byte && id == 15) || start + len > end {
                return;
            }
            // Id 0 with a length is padding that carries bytes; it is skipped.
            if id != 0 {
                self.elements[usize::from(self.element_count)] =
                    Element { id, len: len as u8, offset: start as u16 };
                self.element_count += 1;
            }
            at = start + len;
        }
    }
}

/// Longest `mid` or `rid` we take: browsers use one to four characters, mediasoup-client a small number.
pub const IDENTIFIER_LEN_MAX: usize = 16;

/// RFC 6464: how loud the packet is, and whether the sender believes it is speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioLevel {
    /// The sender's own voice detection.
    pub voice: bool,
    /// Level in -dBov: 0 is the loudest, 127 is silence.
    pub level_dbov_neg: u8,
}

/// The numbers of a header to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderFields {
    /// The marker bit.
    pub marker: bool,
    /// Payload type, 0–127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence_number: u16,
    /// Media timestamp.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

/// Writes a header with the given extension elements in front of a payload and returns its length, or `None` when it
/// does not fit into `out`. One-byte elements are used when every id and length allows, two-byte elements otherwise.
/// Ids of 0 and values longer than 255 bytes cannot be expressed and are left out.
pub fn write_header<'a, I>(out: &mut [u8], fields: HeaderFields, extensions: I) -> Option<usize>
where
    I: Iterator<Item = (u8, &'a [u8])> + Clone,
{
    let fixed = out.get_mut(..FIXED_HEADER_LEN)?;
    fixed[0] = 0x80;
    fixed[1] = (u8::from(fields.marker) << 7) | (fields.payload_type & 0x7F);
    fixed[2..4].copy_from_slice(&fields.sequence_number.to_be_bytes());
    fixed[4..8].copy_from_slice(&fields.timestamp.to_be_bytes());
    fixed[8..12].copy_from_slice(&fields.ssrc.to_be_bytes());

    let writable = |&(id, value): &(u8, &[u8])| id != 0 && value.len() <= usize::from(u8::MAX);
    let extensions = extensions.filter(writable);
    let Some(one_byte) = header_form(extensions.clone()) else {
        return Some(FIXED_HEADER_LEN);
    };
    let mut at = FIXED_HEADER_LEN + 4;
    for (id, value) in extensions {
        let prefix = if one_byte { 1 } else { 2 };
        let element = out.get_mut(at..at + prefix + value.len())?;
        if one_byte {
            element[0] = (id << 4) | (value.len() - 1) as u8;
        } else {
            element[0] = id;
            element[1] = value.len() as u8;
        }
        element[prefix..].copy_from_slice(value);
        at += element.len();
    }
    let end = at.next_multiple_of(4);
    out.get_mut(at..end)?.fill(0);
    let words = u16::try_from((end - FIXED_HEADER_LEN - 4) / 4).ok()?;
    let profile = if one_byte { ONE_BYTE_PROFILE } else { TWO_BYTE_PROFILE };
    out[0] |= 0x10;
    out[FIXED_HEADER_LEN..FIXED_HEADER_LEN + 2].copy_from_slice(&profile.to_be_bytes());
    out[FIXED_HEADER_LEN + 2..FIXED_HEADER_LEN + 4].copy_from_slice(&words.to_be_bytes());
    Some(end)
}

/// Bytes of the extension block that [`write_header`] writes for values of these lengths, where all ids fit the one-byte form.
pub fn extensions_len(values: impl Iterator<Item = usize> + Clone) -> usize {
    let prefix = if values.clone().all(|len| (1..=16).contains(&len)) { 1 } else { 2 };
    match values.map(|len| prefix + len).sum::<usize>() {
        0 => 0,
        elements => 4 + elements.next_multiple_of(4),
    }
}

/// Whether every element fits the one-byte form; `None` when there is no element.
fn header_form<'a>(extensions: impl Iterator<Item = (u8, &'a [u8])>) -> Option<bool> {
    extensions.map(|(id, value)| id < 15 && (1..=16).contains(&value.len())).reduce(|all, one| all && one)
}

fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([two[0], two[1]]))
}

#[cfg(test)]
mod tests;
