//! Where an H264 stream can be entered (RFC 6184): at a sequence parameter set or an IDR picture.

const NAL_IDR: u8 = 5;
const NAL_SPS: u8 = 7;
const NAL_STAP_A: u8 = 24;
const NAL_FU_A: u8 = 28;
const FU_START: u8 = 0x80;

/// Whether the packet starts a keyframe. `None` when the payload ends within its headers.
pub fn is_keyframe(payload: &[u8]) -> Option<bool> {
    match payload.first()? & 0x1F {
        NAL_STAP_A => Some(aggregate_has_entrance(payload.get(1..)?)),
        NAL_FU_A => payload.get(1).map(|&fu| fu & FU_START != 0 && is_entrance(fu & 0x1F)),
        nal => Some(is_entrance(nal)),
    }
}

fn is_entrance(nal: u8) -> bool {
    nal == NAL_IDR || nal == NAL_SPS
}

/// Walks the units of a STAP-A; a size that does not fit ends the walk.
fn aggregate_has_entrance(mut units: &[u8]) -> bool {
    while let [high, low, rest @ ..] = units {
        let size = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((unit, after)) = rest.split_at_checked(size) else { return false };
        if unit.first().is_some_and(|&header| is_entrance(header & 0x1F)) {
            return true;
        }
        units = after;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameter_sets_in_an_aggregate_are_an_entrance() {
        // As Chromium sends it: STAP-A of SPS and PPS.
        let payload = [0x78, 0, 4, 0x67, 0x42, 0xE0, 0x1F, 0, 3, 0x68, 0xCE, 0x06];
        assert_eq!(is_keyframe(&payload), Some(true));
        let sei_and_slice = [0x78, 0, 2, 0x06, 0x05, 0, 2, 0x41, 0x9A];
        assert_eq!(is_keyframe(&sei_and_slice), Some(false));
    }

    #[test]
    fn only_the_first_fragment_of_an_idr_is_an_entrance() {
        assert_eq!(is_keyframe(&[0x7C, 0x85, 0xB8]), Some(true));
        assert_eq!(is_keyframe(&[0x7C, 0x05, 0xB8]), Some(false), "middle fragment");
        assert_eq!(is_keyframe(&[0x7C, 0x81, 0x9A]), Some(false), "fragment of a plain slice");
    }

    #[test]
    fn single_units_are_told_apart() {
        assert_eq!(is_keyframe(&[0x67, 0x42]), Some(true));
        assert_eq!(is_keyframe(&[0x65, 0xB8]), Some(true));
        assert_eq!(is_keyframe(&[0x41, 0x9A]), Some(false));
        assert_eq!(is_keyframe(&[]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = is_keyframe(&bytes);
            prop_assert!(!aggregate_has_entrance(&[0, 200, 0x67]));
        }
    }
}
