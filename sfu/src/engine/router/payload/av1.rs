//! AV1: the aggregation header of a payload, and the frame number in the dependency descriptor (AV1 RTP, sections 4.4 and A).

/// N of the aggregation header: the first packet of a coded video sequence, which is a keyframe.
const NEW_SEQUENCE: u8 = 0x08;

/// Whether a receiver can enter the stream here. `None` for an empty payload.
pub fn starts_sequence(payload: &[u8]) -> Option<bool> {
    payload.first().map(|header| header & NEW_SEQUENCE != 0)
}

/// Where the frame number is in the descriptor: after the flags of start and end and the template id.
const FRAME_NUMBER: std::ops::Range<usize> = 1..3;

/// The frame number of a dependency descriptor.
pub fn frame_number(descriptor: &[u8]) -> Option<u16> {
    let bytes = descriptor.get(FRAME_NUMBER)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// Writes another frame number into a dependency descriptor.
pub fn write_frame_number(descriptor: &mut [u8], number: u16) {
    if let Some(bytes) = descriptor.get_mut(FRAME_NUMBER) {
        bytes.copy_from_slice(&number.to_be_bytes());
    }
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

    #[test]
    fn a_frame_number_is_read_and_written_in_place() {
        let mut descriptor = [0xC0, 0x12, 0x34];
        assert_eq!(frame_number(&descriptor), Some(0x1234));
        write_frame_number(&mut descriptor, 0xFFFF);
        assert_eq!(descriptor, [0xC0, 0xFF, 0xFF]);
        assert_eq!(frame_number(&[0xC0, 0x12]), None);
        write_frame_number(&mut [0xC0], 5);
    }
}
