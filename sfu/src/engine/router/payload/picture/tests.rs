//! Headers as encoders write them, and headers that nobody should have written.

use super::*;
use proptest::prelude::*;

/// Bits put together by hand, the way the reader takes them apart.
#[derive(Default)]
struct Written(Vec<bool>);

impl Written {
    fn put(mut self, count: u32, value: u32) -> Self {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    fn golomb(self, value: u32) -> Self {
        let len = (value + 1).ilog2();
        self.put(len, 0).put(len + 1, value + 1)
    }

    fn bytes(self) -> Vec<u8> {
        let byte = |bits: &[bool]| bits.iter().enumerate().map(|(at, &bit)| u8::from(bit) << (7 - at)).sum();
        self.0.chunks(8).map(byte).collect()
    }
}

const fn size(width: u16, height: u16) -> PictureSize {
    PictureSize { width, height }
}

fn read_vp9(payload: &[u8]) -> Option<Said> {
    vp9(&Vp9::read(payload)?, payload)
}

#[test]
fn a_vp8_keyframe_says_its_size_without_the_scaling_bits() {
    let payload = [0x90, 0x80, 0x05, 0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A, 0x00, 0x45, 0xD0, 0x82, 0x00];
    let descriptor = Vp8::read(&payload).expect("a descriptor");
    assert_eq!(vp8(&descriptor, &payload), Some(size(1280, 720)), "with scaling 1 and 2");
    for cut in 0..13 {
        let known = Vp8::read(&payload[..cut]).and_then(|descriptor| vp8(&descriptor, &payload[..cut]));
        assert_eq!(known, None, "{cut} bytes");
    }
    let without_start_code = [0x10, 0x10, 0x02, 0x00, 0x9D, 0x01, 0x2B, 0x00, 0x05, 0xD0, 0x02];
    assert_eq!(vp8(&Vp8::read(&without_start_code).expect("a descriptor"), &without_start_code), None);
}

#[test]
fn a_vp9_scalability_structure_says_the_size_of_every_layer() {
    // L, B, V; TID 0 SID 0; TL0PICIDX; N_S 2, Y; three sizes.
    let mut payload = vec![0x2A, 0x00, 0x09, 0x50];
    payload.extend([320_u16, 180, 640, 360, 1280, 720].iter().flat_map(|side| side.to_be_bytes()));
    payload.push(0x82);
    let sizes = [Some(size(320, 180)), Some(size(640, 360)), Some(size(1280, 720)), None];
    assert_eq!(read_vp9(&payload), Some(Said::Layers(sizes)));
    payload.truncate(10);
    assert_eq!(read_vp9(&payload), None, "sizes cut off");
}

#[test]
fn a_vp9_keyframe_without_sizes_in_its_structure_is_read_itself() {
    let frame = |written: Written| written.put(16, 1919).put(16, 1079).put(8, 0).bytes();
    // Frame marker, profile 0, shown keyframe, sync code, colour space 2 with its range.
    let profile_0 = Written::default().put(8, 0b1000_0010).put(24, 0x49_83_42).put(3, 2).put(1, 0);
    let profile_0 = frame(profile_0);
    let alone: Vec<u8> = [&[0x08][..], &profile_0].concat();
    assert_eq!(read_vp9(&alone), Some(Said::Stream(size(1920, 1080))));
    // V: N_S 0, no sizes, G with one picture of two references.
    let grouped: Vec<u8> = [&[0x0A, 0x08, 1, 0x08, 1, 2][..], &profile_0].concat();
    assert_eq!(read_vp9(&grouped), Some(Said::Stream(size(1920, 1080))));
    // Profile 1 says how colours are sampled.
    let profile_1 = Written::default().put(8, 0b1010_0010).put(24, 0x49_83_42).put(3, 2).put(4, 0);
    let profile_1: Vec<u8> = [&[0x08][..], &frame(profile_1)].concat();
    assert_eq!(read_vp9(&profile_1), Some(Said::Stream(size(1920, 1080))));
    let inter = [0x08, 0b1000_0110, 0x49, 0x83, 0x42, 0, 0, 0, 0, 0];
    assert_eq!(read_vp9(&inter), None, "not a keyframe");
}

#[test]
fn a_sequence_parameter_set_of_an_encoder_says_its_size() {
    // x264, High profile, 1280 × 720, with emulation prevention in its timing.
    let sps = [
        0x67, 0x64, 0x00, 0x1F, 0xAC, 0xD9, 0x40, 0x50, 0x05, 0xBB, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10,
        0x00, 0x00, 0x03, 0x03, 0xC0, 0xF1, 0x83, 0x19, 0x60,
    ];
    assert_eq!(h264(&sps), Some(size(1280, 720)));
    let aggregate: Vec<u8> = [&[0x78, 0, 26][..], &sps, &[0, 3, 0x68, 0xCE, 0x06]].concat();
    assert_eq!(h264(&aggregate), Some(size(1280, 720)));
    assert_eq!(h264(&aggregate[..20]), None, "a unit cut off");
    assert_eq!(h264(&[0x65, 0xB8, 0x00]), None, "a picture alone");
}

#[test]
fn a_baseline_parameter_set_is_cropped_to_what_is_shown() {
    // Profile 66, id 0, frame numbers of 4 bits, order count type 2, one reference, 120 × 68 blocks, 4 lines cut.
    let unit = Written::default().put(8, 0x67).put(8, 66).put(16, 0xE0_1F).golomb(0).golomb(0).golomb(2);
    let unit = unit.golomb(1).put(1, 0).golomb(119).golomb(67).put(1, 1).put(1, 1).put(1, 1);
    let unit = unit.golomb(0).golomb(0).golomb(0).golomb(4).put(8, 0).bytes();
    assert_eq!(h264(&unit), Some(size(1920, 1080)));
    // More cut than there is.
    let unit = Written::default().put(8, 0x67).put(8, 66).put(16, 0xE0_1F).golomb(0).golomb(0).golomb(2);
    let unit = unit.golomb(1).put(1, 0).golomb(0).golomb(0).put(1, 1).put(1, 1).put(1, 1);
    let unit = unit.golomb(9).golomb(0).golomb(0).golomb(0).put(8, 0).bytes();
    assert_eq!(h264(&unit), None);
}

fn av1_sequence_header() -> Written {
    // Profile 0, no timing, no delays, one operating point of level 5.1 (with tier), sides of 11 and 10 bits.
    let written = Written::default().put(3, 0).put(2, 0).put(1, 0).put(1, 0).put(5, 0).put(12, 0);
    written.put(5, 13).put(1, 0).put(4, 10).put(4, 9).put(11, 1279).put(10, 719)
}

#[test]
fn an_av1_sequence_header_says_the_size_of_the_largest_layer() {
    let body = av1_sequence_header().put(8, 0).bytes();
    // N, one unit without a length.
    let packet: Vec<u8> = [&[0x18, 0x08][..], &body].concat();
    assert_eq!(av1(&packet), Some(size(1280, 720)));
    // N, every unit with its length: first a delimiter with an extension byte, then the header.
    let len = body.len() as u8 + 1;
    let packet: Vec<u8> = [&[0x08, 2, 0x14, 0x00, len, 0x08][..], &body].concat();
    assert_eq!(av1(&packet), Some(size(1280, 720)));
    assert_eq!(av1(&packet[..8]), None, "a unit cut off");
    let frame_only = [0x18, 0x30, 0x00, 0x00];
    assert_eq!(av1(&frame_only), None);
}

#[test]
fn timing_and_decoder_model_of_av1_are_passed_over() {
    let timed = Written::default().put(3, 0).put(2, 0).put(1, 1).put(32, 1).put(32, 30).put(1, 1).golomb(0);
    let modelled = timed.put(1, 1).put(5, 9).put(32, 1).put(10, 0).put(1, 1).put(5, 0);
    let point = modelled.put(12, 0).put(5, 8).put(1, 0).put(1, 1).put(10, 7).put(10, 7).put(1, 0).put(1, 1);
    let body = point.put(4, 3).put(4, 9).put(4, 8).put(10, 639).put(9, 359).put(8, 0).bytes();
    assert_eq!(av1_sequence(&body), Some(size(640, 360)));
}

#[test]
fn layers_inside_a_stream_and_layers_beside_each_other_are_told_apart() {
    let mut known = [None; LAYERS_MAX];
    Said::Stream(size(1280, 720)).note(&mut known, 2, None);
    Said::Stream(size(320, 180)).note(&mut known, 0, None);
    assert_eq!(known, [Some(size(320, 180)), None, Some(size(1280, 720)), None]);
    Said::Stream(size(1280, 720)).note(&mut known, 0, Some(3));
    assert_eq!(known[..3], [Some(size(320, 180)), Some(size(640, 360)), Some(size(1280, 720))]);
    let inside = [Some(size(160, 90)), Some(size(320, 180)), None, None];
    Said::Layers(inside).note(&mut known, 0, Some(2));
    assert_eq!(known, inside);
    Said::Layers(inside).note(&mut known, 1, None);
    assert_eq!(known[1], Some(size(320, 180)), "a stream is as large as its largest layer");
}

#[test]
fn a_picture_of_nothing_is_no_picture() {
    assert_eq!(picture(0, 720), None);
    assert_eq!(picture(70_000, 720), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Some(descriptor) = Vp8::read(&bytes) {
            let _ = vp8(&descriptor, &bytes);
        }
        let _ = read_vp9(&bytes);
        let _ = h264(&bytes);
        let _ = h264_parameters(&bytes);
        let _ = av1(&bytes);
        let _ = av1_sequence(&bytes);
    }

    #[test]
    fn every_cut_of_a_header_is_unknown_or_the_same(cut in 0_usize..20) {
        let body = av1_sequence_header().put(8, 0).bytes();
        let known = av1_sequence(&body[..cut.min(body.len())]);
        prop_assert!(known.is_none_or(|known| known == size(1280, 720)));
    }
}
