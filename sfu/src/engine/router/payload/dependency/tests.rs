//! Descriptors by a writer that knows nothing of the reader, as the appendix has them.

use proptest::prelude::*;

use super::*;

/// Bits as text, so that a descriptor can be compared with the syntax tables by eye.
#[derive(Debug, Clone, Default)]
pub(in crate::engine::router) struct Text(String);

impl Text {
    fn put(&mut self, value: u32, count: usize) -> &mut Self {
        if count > 0 {
            self.0.push_str(&format!("{:0count$b}", value % (1_u32 << count.min(31))));
        }
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bits = self.0.clone();
        bits.push_str(&"0".repeat((8 - bits.len() % 8) % 8));
        bits.as_bytes()
            .chunks(8)
            .map(|octet| octet.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0')))
            .collect()
    }
}

/// A template in the notation of the specification.
#[derive(Debug, Clone)]
pub(in crate::engine::router) struct Kind {
    pub spatial: u8,
    pub temporal: u8,
    /// `-`, `D`, `S` or `R` for each decode target.
    pub indications: &'static str,
    pub frame_diffs: &'static [u32],
    pub chain_diffs: &'static [u32],
}

/// A structure to be written.
#[derive(Debug, Clone)]
pub(in crate::engine::router) struct Plan {
    pub offset: u32,
    pub kinds: Vec<Kind>,
    pub protected_by: &'static [u32],
    pub chains: u32,
}

/// A frame to be written.
#[derive(Debug, Clone, Default)]
pub(in crate::engine::router) struct Frame {
    pub number: u16,
    pub kind: u32,
    pub starts: bool,
    pub ends: bool,
    pub active: Option<u32>,
    pub indications: Option<String>,
    pub frame_diffs: Option<Vec<u32>>,
    pub chain_diffs: Option<Vec<u32>>,
}

fn symbol(indication: char) -> u32 {
    "-DSR".find(indication).expect("one of the four") as u32
}

/// `ns(n)`.
fn non_symmetric(text: &mut Text, value: u32, values: u32) {
    let width = (values as f64).log2().floor() as usize + 1;
    let short = (1 << width) - values;
    if value < short {
        text.put(value, width - 1);
    } else {
        text.put(value + short, width);
    }
}

impl Plan {
    fn targets(&self) -> usize {
        self.kinds[0].indications.len()
    }

    fn write(&self, text: &mut Text) {
        text.put(self.offset, 6).put(self.targets() as u32 - 1, 5);
        for pair in self.kinds.windows(2) {
            let next = match (pair[1].spatial - pair[0].spatial, pair[1].temporal == pair[0].temporal) {
                (0, true) => 0,
                (0, false) => 1,
                _ => 2,
            };
            text.put(next, 2);
        }
        text.put(3, 2);
        for kind in &self.kinds {
            for indication in kind.indications.chars() {
                text.put(symbol(indication), 2);
            }
        }
        for kind in &self.kinds {
            for diff in kind.frame_diffs {
                text.put(1, 1).put(diff - 1, 4);
            }
            text.put(0, 1);
        }
        non_symmetric(text, self.chains, self.targets() as u32 + 1);
        if self.chains > 0 {
            self.protected_by.iter().for_each(|&chain| non_symmetric(text, chain, self.chains));
            for kind in &self.kinds {
                for &diff in kind.chain_diffs {
                    text.put(diff, 4);
                }
            }
        }
        text.put(0, 1);
    }

    /// The descriptor of a packet, with the structure when `attach`.
    pub(in crate::engine::router) fn descriptor(&self, frame: &Frame, attach: bool) -> Vec<u8> {
        let mut text = Text::default();
        text.put(frame.starts.into(), 1).put(frame.ends.into(), 1);
        text.put((self.offset + frame.kind) % 64, 6).put(frame.number.into(), 16);
        let custom = [
            attach,
            frame.active.is_some(),
            frame.indications.is_some(),
            frame.frame_diffs.is_some(),
            frame.chain_diffs.is_some(),
        ];
        if custom == [false; 5] {
            return text.bytes();
        }
        for flag in custom {
            text.put(flag.into(), 1);
        }
        if attach {
            self.write(&mut text);
        }
        if let Some(active) = frame.active {
            text.put(active, self.targets());
        }
        for indication in frame.indications.iter().flat_map(|all| all.chars()) {
            text.put(symbol(indication), 2);
        }
        if let Some(diffs) = &frame.frame_diffs {
            for diff in diffs {
                let nibbles = (1..3).find(|n| diff - 1 < 1 << (4 * n)).unwrap_or(3);
                text.put(nibbles, 2).put(diff - 1, 4 * nibbles as usize);
            }
            text.put(0, 2);
        }
        for &diff in frame.chain_diffs.iter().flatten() {
            text.put(diff, 8);
        }
        text.bytes()
    }
}

const fn kind(
    spatial: u8,
    temporal: u8,
    indications: &'static str,
    frame_diffs: &'static [u32],
    chain_diffs: &'static [u32],
) -> Kind {
    Kind { spatial, temporal, indications, frame_diffs, chain_diffs }
}

/// Two spatial and two temporal layers, each picture of the upper one built on the lower (L2T2 of the specification).
pub(in crate::engine::router) fn l2t2() -> Plan {
    Plan {
        offset: 60,
        chains: 2,
        protected_by: &[0, 0, 1, 1],
        kinds: vec![
            kind(0, 0, "SSSS", &[], &[0, 0]),
            kind(0, 0, "SSRR", &[4], &[4, 3]),
            kind(0, 1, "-D-R", &[2], &[2, 1]),
            kind(1, 0, "--SS", &[1], &[1, 1]),
            kind(1, 0, "--SS", &[4, 1], &[1, 1]),
            kind(1, 1, "---D", &[2, 1], &[3, 2]),
        ],
    }
}

/// The same, with the upper layer built on the lower in keyframes only (L2T2_KEY).
pub(in crate::engine::router) fn l2t2_key() -> Plan {
    Plan {
        offset: 3,
        chains: 2,
        protected_by: &[0, 0, 1, 1],
        kinds: vec![
            kind(0, 0, "SSSS", &[], &[0, 0]),
            kind(0, 0, "SS--", &[4], &[4, 3]),
            kind(0, 1, "-D--", &[2], &[2, 1]),
            kind(1, 0, "--SS", &[1], &[1, 1]),
            kind(1, 0, "--SS", &[4], &[1, 4]),
            kind(1, 1, "---D", &[2], &[3, 2]),
        ],
    }
}

/// Three temporal layers (L1T3).
pub(in crate::engine::router) fn l1t3() -> Plan {
    Plan {
        offset: 0,
        chains: 1,
        protected_by: &[0, 0, 0],
        kinds: vec![
            kind(0, 0, "SSS", &[], &[0]),
            kind(0, 0, "SSS", &[4], &[4]),
            kind(0, 1, "-DS", &[2], &[2]),
            kind(0, 2, "--D", &[1], &[1]),
            kind(0, 2, "--D", &[1], &[3]),
        ],
    }
}

fn first_of(plan: &Plan) -> Vec<u8> {
    plan.descriptor(&Frame { number: 0x1234, starts: true, ..Frame::default() }, true)
}

#[test]
fn a_structure_is_read_as_the_specification_writes_it() {
    let (frame, structure) = Dependency::read(&first_of(&l2t2()), None).expect("a keyframe");
    let targets = structure.expect("it was attached").targets;
    assert!(frame.starts_frame && !frame.ends_frame && frame.attaches_structure);
    assert_eq!((frame.frame_number, frame.active), (0x1234, Some(0b1111)));
    assert_eq!((targets.count(), targets.chain_count, targets.all()), (4, 2, 0b1111));
    let layers: Vec<_> = (0..4).map(|target| targets.layer(target)).collect();
    let layer = |spatial, temporal| TargetLayer { spatial, temporal };
    assert_eq!(layers, [layer(0, 0), layer(0, 1), layer(1, 0), layer(1, 1)]);
    assert_eq!([0, 1, 2, 3].map(|target| targets.chain(target)), [0, 0, 1, 1]);
    assert_eq!([0, 1, 2, 3].map(|target| targets.covered(target)), [0b0001, 0b0011, 0b0101, 0b1111]);
    assert_eq!(targets.pick(targets.all(), layer(1, 0)), 2);
    assert_eq!(targets.pick(0b1010, layer(1, 0)), 1, "within the limit there is only the lower of these");
    assert_eq!(targets.pick(0b1000, layer(0, 0)), 3, "better too much than nothing");
}

#[test]
fn a_packet_of_three_bytes_is_read_by_its_template() {
    let (_, structure) = Dependency::read(&first_of(&l2t2()), None).expect("a keyframe");
    let packet = l2t2().descriptor(&Frame { number: 7, kind: 5, ends: true, ..Frame::default() }, false);
    assert_eq!(packet.len(), 3);
    let (frame, attached) = Dependency::read(&packet, structure.as_deref()).expect("known");
    assert_eq!(attached, None);
    assert_eq!((frame.spatial, frame.temporal, frame.ends_frame, frame.active), (1, 1, true, None));
    assert_eq!(frame.frame_diffs.as_slice(), [2, 1]);
    assert_eq!(frame.chain_diffs[..2], [3, 2]);
    assert_eq!(
        [0, 3].map(|target| frame.indications.get(target)),
        [Indication::NotPresent, Indication::Discardable]
    );
    assert_eq!(Dependency::read(&packet, None), None, "nothing is known of template 5");
    let unknown = l2t2().descriptor(&Frame { kind: 6, ..Frame::default() }, false);
    assert_eq!(Dependency::read(&unknown, structure.as_deref()), None);
}

#[test]
fn what_a_frame_has_of_its_own_goes_before_its_template() {
    let (_, structure) = Dependency::read(&first_of(&l2t2()), None).expect("a keyframe");
    let own = Frame {
        number: 9,
        kind: 1,
        active: Some(0b0011),
        indications: Some("DDRS".into()),
        frame_diffs: Some(vec![1, 17, 4096]),
        chain_diffs: Some(vec![200, 3]),
        ..Frame::default()
    };
    let (frame, _) = Dependency::read(&l2t2().descriptor(&own, false), structure.as_deref()).expect("known");
    assert_eq!(frame.active, Some(0b0011));
    assert_eq!(frame.indications.get(3), Indication::Switch);
    assert_eq!(frame.frame_diffs.as_slice(), [1, 17, 4096]);
    assert_eq!(frame.chain_diffs[..2], [200, 3]);
}

/// The first descriptors of AV1 streams as Chromium 156 sends them at 1280x720.
const CHROMIUM_L3T3: &str = "c1000180081485214eafffaaaa863cf0430c10c302afc0aaa0063c00430010c002a000a80006000040001d954926e082b04a0941b820ac1282503157f974000ca864330e222222eca8655304224230eca87753013f00b3027f016704ff02cf";
const CHROMIUM_L3T3_KEY: &str = "c0000180081485214eaaaaa8000600004000100002aa80a8000600004000100002a000a800060000400016d549241b5524906d54923157e001974ca864330e222396eca8655304224390eca87753013f00b3027f016704ff02cf";

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).expect("digits"), 16).expect("digits"))
        .collect()
}

#[test]
fn streams_of_chromium_are_read() {
    // Nine targets; what the upper ones cover is what tells the two modes apart.
    for (text, covered) in [(CHROMIUM_L3T3, 0b1_1111_1111), (CHROMIUM_L3T3_KEY, 0b1_1100_0000)] {
        let (key, structure) = Dependency::read(&hex(text), None).expect("a keyframe");
        let targets = structure.as_ref().expect("attached").targets;
        assert_eq!((targets.count(), targets.chain_count, targets.temporal_max()), (9, 3, 2));
        let layers: Vec<_> = (0..9).map(|target| targets.layer(target)).collect();
        assert!(layers.is_sorted() && layers[8] == TargetLayer { spatial: 2, temporal: 2 });
        assert_eq!(targets.covered(8), covered);
        assert_eq!((key.frame_number, key.spatial, key.temporal), (1, 0, 0));
        // The last packet of the second picture's frame in the third layer of both.
        let (top, _) = Dependency::read(&hex("4d0009"), structure.as_deref()).expect("known");
        assert_eq!((top.spatial, top.temporal, top.ends_frame), (2, 2, true));
        let built_on: &[u16] = if text == CHROMIUM_L3T3 { &[3, 1] } else { &[3] };
        assert_eq!(top.frame_diffs.as_slice(), built_on);
    }
}

#[test]
fn a_descriptor_cut_anywhere_is_none() {
    let whole = first_of(&l1t3());
    for len in 0..whole.len() {
        assert!(Dependency::read(&whole[..len], None).is_none(), "{len} bytes");
    }
}

/// The same descriptor with another number and mask, read back.
fn rewritten(plan: &Plan, frame: &Frame, attach: bool, active: Option<Active>) -> (Dependency, Dependency) {
    let (_, structure) = Dependency::read(&first_of(plan), None).expect("a keyframe");
    let before = plan.descriptor(frame, attach);
    let mut out = [0xFF; DESCRIPTOR_MAX];
    let len = rewrite(&before, 0xABCD, active, &mut out).expect("it fits");
    let read = |bytes: &[u8]| Dependency::read(bytes, structure.as_deref()).expect("readable").0;
    (read(&before), read(&out[..len]))
}

fn frames() -> impl Strategy<Value = (Frame, bool)> {
    let own = (
        prop::option::of(0_u32..16),
        prop::option::of("[-DSR]{4}"),
        prop::option::of(prop::collection::vec(1_u32..=4096, 0..8)),
        prop::option::of(prop::collection::vec(0_u32..256, 2)),
    );
    (any::<(u16, bool, bool, bool)>(), 0_u32..6, own).prop_map(
        |((number, starts, ends, attach), kind, own)| {
            let (active, indications, frame_diffs, chain_diffs) = own;
            (Frame { number, kind, starts, ends, active, indications, frame_diffs, chain_diffs }, attach)
        },
    )
}

proptest! {
    #[test]
    fn only_the_number_and_the_mask_are_rewritten((frame, attach) in frames(), mask in 0_u32..16) {
        let (before, after) = rewritten(&l2t2(), &frame, attach, Some(Active { mask, count: 4 }));
        let active = if frame.starts { Some(mask) } else { before.active };
        prop_assert_eq!(after, Dependency { frame_number: 0xABCD, active, ..before });
        let (before, after) = rewritten(&l2t2(), &frame, attach, None);
        prop_assert_eq!(after, Dependency { frame_number: 0xABCD, ..before });
    }

    #[test]
    fn any_bytes_are_read_and_rewritten_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..80), mask: u32, count in 0_u8..33
    ) {
        let (_, structure) = Dependency::read(&first_of(&l2t2_key()), None).expect("a keyframe");
        let _ = (Dependency::read(&bytes, structure.as_deref()), frame_number(&bytes));
        let mut out = [0; DESCRIPTOR_MAX];
        if let Some(len) = rewrite(&bytes, 5, Some(Active { mask, count }), &mut out) {
            prop_assert_eq!(frame_number(&out[..len]), Some(5));
        }
    }
}
