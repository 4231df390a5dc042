//! AV1: the aggregation header of a payload (AV1 RTP, section 4.4). Everything else is in the dependency descriptor.

/// N of the aggregation header: the first packet of a coded video sequence, which is a keyframe.
const NEW_SEQUENCE: u8 = 0x08;

/// Whether a receiver can enter the stream here. `None` for an empty payload.
pub fn starts_sequence(payload: &[u8]) -> Option<bool> {
    payload.first().map(|header| header & NEW_SEQUENCE != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_new_coded_video_sequence_is_an_entrance() {
        assert_eq!(starts_sequence(&[0x18, 0x0A]), Some(true), "W = 1, N");
        assert_eq!(starts_sequence(&[0x10, 0x32]), Some(false));
        assert_eq!(starts_sequence(&[0x90, 0x32]), Some(false), "continued unit");
        assert_eq!(starts_sequence(&[]), None);
    }
}
