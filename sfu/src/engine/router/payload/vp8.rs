//! The VP8 payload descriptor (RFC 7741 section 4.2).

use super::{Description, PictureId};

/// One descriptor, with the places of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp8 {
    /// First packet of a frame (start of partition 0).
    pub frame_start: bool,
    /// First packet of a keyframe.
    pub keyframe: bool,
    /// PictureID.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX, counts base layer frames.
    pub base_index: Option<(u8, u8)>,
    /// TID, temporal layer.
    pub temporal: Option<u8>,
    /// Y: the frame depends on the base layer only.
    pub layer_sync: bool,
    /// KEYIDX, 5 bits, and where its byte is.
    pub key_index: Option<(u8, u8)>,
    /// Bytes of the descriptor: the frame's own bytes come after it.
    pub len: u8,
}

impl Vp8 {
    /// `None` when the payload ends within the descriptor.
    pub fn read(payload: &[u8]) -> Option<Vp8> {
        let first = *payload.first()?;
        let frame_start = first & 0x10 != 0 && first & 0x07 == 0;
        let mut vp8 = Vp8 {
            frame_start,
            keyframe: false,
            picture_id: None,
            base_index: None,
            temporal: None,
            layer_sync: false,
            key_index: None,
            len: 0,
        };
        let mut at = 1;
        if first & 0x80 != 0 {
            let extension = *payload.get(at)?;
            at += 1;
            if extension & 0x80 != 0 {
                let picture_id = PictureId::read(payload, at)?;
                at += picture_id.len();
                vp8.picture_id = Some(picture_id);
            }
            if extension & 0x40 != 0 {
                vp8.base_index = Some((*payload.get(at)?, at as u8));
                at += 1;
            }
            if extension & 0x30 != 0 {
                let byte = *payload.get(at)?;
                if extension & 0x20 != 0 {
                    vp8.temporal = Some(byte >> 6);
                    vp8.layer_sync = byte & 0x20 != 0;
                }
                if extension & 0x10 != 0 {
                    vp8.key_index = Some((byte & 0x1F, at as u8));
                }
                at += 1;
            }
        }
        // The inverse key frame flag is the lowest bit of the payload header's first byte.
        vp8.keyframe = frame_start && payload.get(at)? & 0x01 == 0;
        vp8.len = at as u8;
        Some(vp8)
    }

    pub(super) fn describe(self) -> Description {
        let temporal = self.temporal.unwrap_or(0);
        Description {
            keyframe: self.keyframe,
            temporal,
            temporal_sync: self.layer_sync || temporal == 0,
            numbers: self.into(),
            ..Description::PLAIN
        }
    }

    /// Writes other numbers over those of the payload this descriptor was read from (or a copy of it).
    pub fn write(&self, payload: &mut [u8], picture_id: u16, base_index: u8, key_index: u8) {
        if let Some(place) = self.picture_id {
            place.write(payload, picture_id);
        }
        if let Some(byte) = self.base_index.and_then(|(_, at)| payload.get_mut(usize::from(at))) {
            *byte = base_index;
        }
        if let Some(byte) = self.key_index.and_then(|(_, at)| payload.get_mut(usize::from(at))) {
            *byte = (*byte & 0xE0) | (key_index & 0x1F);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As Chromium sends it: X, then I L T K, a 15-bit PictureID, TL0PICIDX, TID/Y/KEYIDX, and a payload header.
    const CHROMIUM_KEYFRAME: [u8; 10] = [0x90, 0xF0, 0x92, 0x34, 0x07, 0x05, 0x50, 0x9D, 0x01, 0x2A];

    #[test]
    fn every_field_of_a_chromium_keyframe_is_read() {
        let vp8 = Vp8::read(&CHROMIUM_KEYFRAME).expect("a descriptor");
        assert!(vp8.frame_start && vp8.keyframe);
        assert_eq!(vp8.picture_id, Some(PictureId { value: 0x1234, wide: true, offset: 2 }));
        assert_eq!(vp8.base_index, Some((7, 4)));
        assert_eq!(vp8.temporal, Some(0));
        assert!(!vp8.layer_sync);
        assert_eq!(vp8.key_index, Some((5, 5)));
    }

    #[test]
    fn a_delta_frame_and_a_later_partition_are_no_keyframe() {
        assert!(!Vp8::read(&[0x10, 0x01]).expect("a descriptor").keyframe);
        let continuation = Vp8::read(&[0x00, 0x00]).expect("a descriptor");
        assert!(!continuation.keyframe && !continuation.frame_start);
        assert!(!Vp8::read(&[0x11, 0x00]).expect("a descriptor").keyframe, "partition 1");
    }

    #[test]
    fn the_temporal_layer_and_its_sync_are_read() {
        let vp8 = Vp8::read(&[0x90, 0x20, 0xA0, 0x01]).expect("a descriptor");
        assert_eq!((vp8.temporal, vp8.layer_sync), (Some(2), true));
        assert_eq!(vp8.picture_id, None);
    }

    #[test]
    fn a_descriptor_without_payload_is_none() {
        for cut in 0..7 {
            assert!(!Vp8::read(&CHROMIUM_KEYFRAME[..cut]).is_some_and(|v| v.keyframe), "{cut} bytes");
        }
        assert_eq!(Vp8::read(&[]), None);
    }

    proptest! {
        #[test]
        fn numbers_written_are_read_back_and_nothing_else_changes(id: u16, base: u8, key: u8) {
            let mut payload = CHROMIUM_KEYFRAME;
            let vp8 = Vp8::read(&payload).expect("a descriptor");
            vp8.write(&mut payload, id, base, key);
            let after = Vp8::read(&payload).expect("a descriptor");
            prop_assert_eq!(after.picture_id.map(|p| p.value), Some(id & 0x7FFF));
            prop_assert_eq!(after.base_index, Some((base, 4)));
            prop_assert_eq!(after.key_index, Some((key & 0x1F, 5)));
            prop_assert_eq!((after.temporal, after.layer_sync), (vp8.temporal, vp8.layer_sync));
            prop_assert_eq!(&payload[6..], &CHROMIUM_KEYFRAME[6..]);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let mut copy = bytes.clone();
            if let Some(vp8) = Vp8::read(&bytes) {
                vp8.write(&mut copy, 1, 2, 3);
            }
            prop_assert_eq!(copy.len(), bytes.len());
        }
    }
}
