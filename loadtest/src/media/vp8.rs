//! The VP8 payload descriptor (RFC 7741 section 4.2) as far as a sender writes it and a receiver checks it.

/// What the descriptor of one packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The packet begins a frame.
    pub starts_frame: bool,
    /// 15 bits.
    pub picture_id: u16,
    pub tl0_pic_idx: u8,
    pub temporal_layer: u8,
}

/// Bytes of the descriptor we write: all optional fields but KEYIDX's meaning.
pub const DESCRIPTOR_LEN: usize = 6;
/// Bytes of the VP8 header that follows in the first packet of a keyframe.
pub const KEYFRAME_HEADER_LEN: usize = 10;
/// Bytes of the VP8 header that follows in the first packet of any other frame.
pub const DELTA_HEADER_LEN: usize = 3;

impl Descriptor {
    pub fn write(&self, out: &mut [u8]) {
        out[0] = 0x80 | if self.starts_frame { 0x10 } else { 0 };
        out[1] = 0x80 | 0x40 | 0x20; // I, L, T
        out[2..4].copy_from_slice(&(0x8000 | self.picture_id).to_be_bytes());
        out[4] = self.tl0_pic_idx;
        out[5] = self.temporal_layer << 6;
    }
}

/// The picture id of a received payload, whichever optional fields are there; `None` without one.
pub fn picture_id(payload: &[u8]) -> Option<u16> {
    let (first, rest) = payload.split_first()?;
    if first & 0x80 == 0 {
        return None;
    }
    let (extended, rest) = rest.split_first()?;
    if extended & 0x80 == 0 {
        return None;
    }
    let high = *rest.first()?;
    if high & 0x80 == 0 {
        return Some(u16::from(high));
    }
    Some(u16::from_be_bytes([high & 0x7f, *rest.get(1)?]))
}

/// Writes the VP8 frame header (RFC 6386 section 9.1) that tells a keyframe from others and carries the size.
pub fn write_frame_header(out: &mut [u8], keyframe_size: Option<(u16, u16)>) {
    let not_key = u8::from(keyframe_size.is_none());
    out[0] = not_key | 0x10; // version 0, show_frame
    out[1] = 0;
    out[2] = 0;
    if let Some((width, height)) = keyframe_size {
        out[3..6].copy_from_slice(&[0x9d, 0x01, 0x2a]);
        out[6..8].copy_from_slice(&width.to_le_bytes());
        out[8..10].copy_from_slice(&height.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_descriptor_gives_its_picture_id_back() {
        for id in [0, 1, 127, 128, 0x7fff] {
            let mut bytes = [0; DESCRIPTOR_LEN];
            Descriptor { starts_frame: true, picture_id: id, tl0_pic_idx: 9, temporal_layer: 1 }
                .write(&mut bytes);
            assert_eq!(picture_id(&bytes), Some(id));
        }
    }

    #[test]
    fn short_and_plain_descriptors_are_read_without_harm() {
        assert_eq!(picture_id(&[]), None);
        assert_eq!(picture_id(&[0x10, 0xff]), None);
        assert_eq!(picture_id(&[0x90]), None);
        assert_eq!(picture_id(&[0x90, 0x80]), None);
        assert_eq!(picture_id(&[0x90, 0x80, 0xff]), None);
        assert_eq!(picture_id(&[0x90, 0x80, 0x21]), Some(0x21));
    }

    #[test]
    fn a_keyframe_is_told_by_its_first_bit_and_start_code() {
        let mut header = [0; KEYFRAME_HEADER_LEN];
        write_frame_header(&mut header, Some((640, 360)));
        assert_eq!(header[0] & 1, 0);
        assert_eq!(&header[3..6], &[0x9d, 0x01, 0x2a]);
        write_frame_header(&mut header, None);
        assert_eq!(header[0] & 1, 1);
    }
}
