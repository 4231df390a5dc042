//! Plain RTP packets of the sizes and shapes that matter.

use plenum_sfu::engine::packet::{HeaderFields, write_header};

/// Audio of a speaker at about 32 kbit/s: 80 bytes of payload.
pub const AUDIO_PAYLOAD: usize = 80;
/// A full video packet.
pub const VIDEO_PAYLOAD: usize = 1100;

/// An opus-like packet with level and mid, as Chromium sends it.
pub fn audio(sequence_number: u16) -> Vec<u8> {
    let extensions: [(u8, &[u8]); 4] = [(1, &[0x99]), (2, &[1, 2, 3]), (3, &[0, 1]), (4, b"0")];
    let fields = HeaderFields {
        marker: false,
        payload_type: 111,
        sequence_number,
        timestamp: u32::from(sequence_number) * 960,
        ssrc: 0x1111_1111,
    };
    packet(fields, &extensions, &[0xfc; AUDIO_PAYLOAD])
}

/// A VP8-like packet in the middle of a frame, with picture id, mid and transport-wide sequence number.
pub fn video(sequence_number: u16) -> Vec<u8> {
    let mut payload = [0x5a; VIDEO_PAYLOAD];
    payload[..6].copy_from_slice(&[0x80, 0xe0, 0x80, 0x11, 7, 0]);
    let extensions: [(u8, &[u8]); 3] = [(2, &[1, 2, 3]), (3, &[0, 1]), (4, b"1")];
    let fields = HeaderFields {
        marker: false,
        payload_type: 96,
        sequence_number,
        timestamp: u32::from(sequence_number) * 3000,
        ssrc: 0x2222_2222,
    };
    packet(fields, &extensions, &payload)
}

fn packet(fields: HeaderFields, extensions: &[(u8, &[u8])], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 64 + payload.len()];
    let header =
        write_header(&mut bytes, fields, extensions.iter().copied()).expect("64 bytes hold this header");
    bytes[header..header + payload.len()].copy_from_slice(payload);
    bytes.truncate(header + payload.len());
    bytes
}
