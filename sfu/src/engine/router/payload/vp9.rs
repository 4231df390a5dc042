//! The VP9 payload descriptor (RFC 9628 section 4.2).

use super::{Description, PictureId};

/// One descriptor, as far as forwarding goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp9 {
    /// PictureID, the same for every spatial layer of a picture.
    pub picture_id: Option<PictureId>,
    /// P: the frame depends on earlier pictures.
    pub inter_picture: bool,
    /// D: the frame depends on the spatial layer below.
    pub inter_layer: bool,
    /// B and E: first and last packet of a spatial layer's frame.
    pub frame_start: bool,
    /// See `frame_start`.
    pub frame_end: bool,
    /// TID, temporal layer.
    pub temporal: u8,
    /// U: pictures of higher temporal layers that follow depend on none of them before this one.
    pub switch_up: bool,
    /// SID, spatial layer.
    pub spatial: u8,
    /// TL0PICIDX and where it is; absent in flexible mode.
    pub base_index: Option<(u8, u8)>,
    /// Z: no spatial layer above is built on this frame.
    pub not_for_upper: bool,
    /// V: a scalability structure follows.
    pub has_structure: bool,
    /// Bytes read so far; of a picture that depends on none before, the structure or the frame's own bytes come next.
    pub len: u8,
}

impl Vp9 {
    /// `None` when the payload ends within the descriptor.
    pub fn read(payload: &[u8]) -> Option<Vp9> {
        let first = *payload.first()?;
        let flexible = first & 0x10 != 0;
        let mut vp9 = Vp9 {
            picture_id: None,
            inter_picture: first & 0x40 != 0,
            inter_layer: false,
            frame_start: first & 0x08 != 0,
            frame_end: first & 0x04 != 0,
            temporal: 0,
            switch_up: false,
            spatial: 0,
            base_index: None,
            not_for_upper: first & 0x01 != 0,
            has_structure: first & 0x02 != 0,
            len: 0,
        };
        let mut at = 1;
        if first & 0x80 != 0 {
            let picture_id = PictureId::read(payload, at)?;
            at += picture_id.len();
            vp9.picture_id = Some(picture_id);
        }
        if first & 0x20 != 0 {
            let layer = *payload.get(at)?;
            at += 1;
            vp9.temporal = layer >> 5;
            vp9.switch_up = layer & 0x10 != 0;
            vp9.spatial = (layer >> 1) & 0x07;
            vp9.inter_layer = layer & 0x01 != 0;
            if !flexible {
                vp9.base_index = Some((*payload.get(at)?, at as u8));
                at += 1;
            }
        }
        payload.get(at)?;
        vp9.len = at as u8;
        Some(vp9)
    }

    pub(super) fn describe(self) -> Description {
        Description {
            // A stream is entered at its lowest spatial layer; the layers above of the same picture build on it.
            keyframe: self.frame_start && !self.inter_picture && self.spatial == 0 && !self.inter_layer,
            spatial: self.spatial,
            temporal: self.temporal,
            temporal_sync: self.temporal == 0,
            opens_temporal: self.switch_up,
            spatial_sync: self.frame_start && !self.inter_picture,
            // The layers of a keyframe build on each other, or are entered together.
            feeds_upper: !self.not_for_upper || !self.inter_picture,
            layer_frame_end: self.frame_end,
            numbers: self.into(),
            dependency: None,
        }
    }

    /// Writes other numbers over those of the payload this descriptor was read from (or a copy of it).
    pub fn write(&self, payload: &mut [u8], picture_id: u16, base_index: u8) {
        if let Some(place) = self.picture_id {
            place.write(payload, picture_id);
        }
        if let Some(byte) = self.base_index.and_then(|(_, at)| payload.get_mut(usize::from(at))) {
            *byte = base_index;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_packet_of_a_non_flexible_keyframe_is_read() {
        // I, L, B, V; 15-bit PictureID 0x0102; TID 0, U, SID 0; TL0PICIDX 9; a scalability structure follows.
        let vp9 = Vp9::read(&[0xAA, 0x81, 0x02, 0x10, 0x09, 0x18, 0x01]).expect("a descriptor");
        assert_eq!(vp9.picture_id, Some(PictureId { value: 0x0102, wide: true, offset: 1 }));
        assert_eq!((vp9.temporal, vp9.spatial, vp9.switch_up, vp9.inter_layer), (0, 0, true, false));
        assert_eq!(vp9.base_index, Some((9, 4)));
        assert!(vp9.describe().keyframe);
    }

    #[test]
    fn an_upper_spatial_layer_of_a_key_picture_is_no_entrance() {
        // I, L, B, E; PictureID 5 in 7 bits; TID 0, SID 1, D; TL0PICIDX 9.
        let description = Vp9::read(&[0xAC, 0x05, 0x03, 0x09, 0x00]).expect("a descriptor").describe();
        assert!(!description.keyframe);
        assert_eq!((description.spatial, description.layer_frame_end), (1, true));
    }

    #[test]
    fn flexible_mode_has_no_base_index_and_p_means_no_keyframe() {
        // I, P, L, F, B; PictureID 5; TID 2, U, SID 2; then reference indices.
        let vp9 = Vp9::read(&[0xF8, 0x05, 0x54, 0x02, 0x00]).expect("a descriptor");
        assert_eq!((vp9.temporal, vp9.spatial, vp9.switch_up), (2, 2, true));
        assert_eq!(vp9.base_index, None);
        assert!(!vp9.describe().keyframe);
    }

    #[test]
    fn a_frame_that_nothing_above_is_built_on_says_so_unless_it_is_a_keyframe() {
        // I, P, L, B, E, Z; PictureID 5; TID 0, SID 0; TL0PICIDX 9. Then the same without P.
        let inter = Vp9::read(&[0xED, 0x05, 0x00, 0x09, 0x00]).expect("a descriptor").describe();
        let key = Vp9::read(&[0xAD, 0x05, 0x00, 0x09, 0x00]).expect("a descriptor").describe();
        assert_eq!((inter.feeds_upper, inter.spatial_sync), (false, false));
        assert_eq!((key.feeds_upper, key.spatial_sync), (true, true));
    }

    #[test]
    fn pictures_of_chromium_with_three_layers_that_meet_in_keyframes_are_read() {
        // As Chromium 156 sends L3T3_KEY, in flexible mode: two frames of a key picture, and one of the top layer later.
        let read = |bytes: &[u8]| Vp9::read(bytes).expect("a descriptor").describe();
        let key = read(&[0xBE, 0x89, 0xA6, 0x10, 0x50, 0x01, 0x40, 0x00, 0xB4]);
        let above = read(&[0xB8, 0x89, 0xA6, 0x13, 0x87, 0x02]);
        let later = read(&[0xF1, 0x89, 0xA9, 0x54, 0x02, 0xDD]);
        assert_eq!((key.keyframe, key.spatial, key.feeds_upper), (true, 0, true));
        assert_eq!((above.keyframe, above.spatial, above.spatial_sync), (false, 1, true));
        assert_eq!(
            (later.spatial, later.temporal, later.feeds_upper, later.spatial_sync),
            (2, 2, false, false)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let mut copy = bytes.clone();
            if let Some(vp9) = Vp9::read(&bytes) {
                vp9.write(&mut copy, 77, 3);
                let after = Vp9::read(&copy).expect("the same shape");
                prop_assert_eq!(after.picture_id.map(|p| p.value), vp9.picture_id.map(|_| 77));
                prop_assert_eq!(after.base_index.map(|b| b.0), vp9.base_index.map(|_| 3));
            }
        }
    }
}
