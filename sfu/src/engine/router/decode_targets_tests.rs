//! Streams with layers inside, one viewer that is sent from layer to layer at random, and a path that loses and delays: it
//! must never get a frame without those it is built on.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use plenum_shared::media::Layer;
use proptest::prelude::*;

use super::{
    layers::{Layers, Verdict},
    payload::{
        Description, Numbers,
        dependency::{
            Dependency, Structure,
            tests::{Frame, Kind, Plan, l1t3, l2t2, l2t2_key},
        },
    },
    rewrite::{Entrance, Rewriter},
};

/// A stream: its kinds of frames, and which kinds come in each picture.
struct Stream {
    plan: Plan,
    /// Of a keyframe, then of each picture after it, over and over.
    key: &'static [u32],
    pattern: &'static [&'static [u32]],
    layers: (u8, u8),
    /// The lower layer is needed by the upper one in every picture.
    feeds_upper: bool,
}

/// Two sizes that have nothing to do with each other (S2T1).
fn s2t1() -> Plan {
    let kind = |spatial, indications, frame_diffs, chain_diffs| Kind {
        spatial,
        temporal: 0,
        indications,
        frame_diffs,
        chain_diffs,
    };
    Plan {
        offset: 20,
        chains: 2,
        protected_by: &[0, 1],
        kinds: vec![
            kind(0, "S-", &[], &[0, 0]),
            kind(0, "S-", &[2], &[2, 1]),
            kind(1, "-S", &[], &[1, 0]),
            kind(1, "-S", &[2], &[1, 2]),
        ],
    }
}

fn streams() -> [Stream; 4] {
    [
        Stream {
            plan: l1t3(),
            key: &[0],
            pattern: &[&[3], &[2], &[4], &[1]],
            layers: (1, 3),
            feeds_upper: true,
        },
        Stream {
            plan: l2t2(),
            key: &[0, 3],
            pattern: &[&[2, 5], &[1, 4]],
            layers: (2, 2),
            feeds_upper: true,
        },
        Stream {
            plan: l2t2_key(),
            key: &[0, 3],
            pattern: &[&[2, 5], &[1, 4]],
            layers: (2, 2),
            feeds_upper: false,
        },
        Stream { plan: s2t1(), key: &[0, 2], pattern: &[&[1, 3]], layers: (2, 1), feeds_upper: false },
    ]
}

/// What happens at one picture. Pauses come on a path without fault only: who enters at a keyframe that is late has passed
/// over what follows it, and asks for another.
#[derive(Debug, Clone)]
struct Step {
    /// The viewer is to get this layer from now on; pauses when there is none.
    target: Option<Option<(u8, Option<u8>)>>,
    keyframe: bool,
    /// What happens to each frame: it comes, so many pictures late, or never.
    fates: [Fate; 2],
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    Comes,
    Late(usize),
    Lost,
}

/// What frames meet on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    Faultless,
    /// Some come late, and after others.
    Uneven,
    /// Some are lost, too.
    Losing,
}

fn steps(path: Path) -> impl Strategy<Value = Vec<Step>> {
    let target =
        prop::option::weighted(0.15, prop::option::weighted(0.9, (0_u8..2, prop::option::of(0_u8..3))));
    let pauses = path == Path::Faultless;
    let target = target.prop_map(move |target| target.filter(|target| pauses || target.is_some()));
    let fate = move || {
        (0_u8..100, 1_usize..4).prop_map(move |(percent, late)| match percent {
            0..5 if path == Path::Losing => Fate::Lost,
            5..15 if path != Path::Faultless => Fate::Late(late),
            _ => Fate::Comes,
        })
    };
    let step = (target, prop::bool::weighted(0.08), fate(), fate());
    let step = step.prop_map(|(target, keyframe, a, b)| Step { target, keyframe, fates: [a, b] });
    prop::collection::vec(step, 1..200)
}

/// A frame on the wire, and the picture it is of.
#[derive(Debug, Clone)]
struct Wire {
    descriptor: Vec<u8>,
    index: u64,
    timestamp: u32,
    /// Where layers are to be known by the payload.
    flags: Option<Flags>,
}

/// P and Z of a VP9 payload descriptor. U is on every picture: none of these streams refers to its own temporal layer.
#[derive(Debug, Clone, Copy)]
struct Flags {
    inter_picture: bool,
    feeds_upper: bool,
}

/// What the viewer got: the publisher's number of each frame and what became of it.
#[derive(Debug, Default)]
struct Seen {
    sent: BTreeMap<u16, u16>,
    lost: BTreeSet<u16>,
    /// What each frame is built on.
    built_on: BTreeMap<u16, Vec<u16>>,
    /// What the viewer was to have and what it was on, after each picture.
    pictures: Vec<Picture>,
}

#[derive(Debug, Clone, Copy)]
struct Picture {
    target: Option<Layer>,
    current: Option<Layer>,
    awaits_keyframe: bool,
    /// All of it has come, and nothing else.
    in_time: bool,
}

/// Plays the steps. With `answers` a keyframe comes when one is waited for.
fn play(stream: &Stream, steps: &[Step], answers: bool, described: bool) -> Result<Seen, TestCaseError> {
    let epoch = Instant::now();
    let (mut seen, mut structure) = (Seen::default(), None::<Box<Structure>>);
    let top = Layer { spatial: stream.layers.0 - 1, temporal: None };
    let mut layers = Layers::new(true, top);
    layers.set_target(Some(top));
    let mut rewriter = Rewriter::new(60_000, 9);
    let (mut number, mut index, mut phase) = (65_500_u16, 70_000, 0);
    let mut on_the_way: Vec<(usize, Wire)> = Vec::new();
    for (picture, step) in steps.iter().enumerate() {
        match step.target {
            Some(Some((spatial, temporal))) => {
                layers.set_target(Some(Layer { spatial: spatial.min(top.spatial), temporal }));
            }
            Some(None) => layers.stop(),
            None => {}
        }
        let asked = answers && layers.awaited_stream().is_some();
        let keyframe = step.keyframe || picture == 0 || asked;
        let kinds = if keyframe { stream.key } else { stream.pattern[phase % stream.pattern.len()] };
        phase = if keyframe { 0 } else { phase + 1 };
        for (at, &kind) in kinds.iter().enumerate() {
            (number, index) = (number.wrapping_add(1), index + 1);
            let frame = Frame { number, kind, starts: true, ends: true, ..Frame::default() };
            let descriptor = stream.plan.descriptor(&frame, keyframe && at == 0);
            let diffs = stream.plan.kinds[kind as usize].frame_diffs;
            seen.built_on
                .insert(number, diffs.iter().map(|&diff| number.wrapping_sub(diff as u16)).collect());
            let timestamp = picture as u32 * 3000;
            let flags = (!described).then(|| Flags {
                inter_picture: diffs.iter().any(|&diff| diff as usize > at),
                feeds_upper: stream.feeds_upper || keyframe,
            });
            let wire = Wire { descriptor, index, timestamp, flags };
            match step.fates[at] {
                // A stream whose first keyframe is lost is another story.
                _ if picture == 0 => on_the_way.push((picture, wire)),
                Fate::Comes => on_the_way.push((picture, wire)),
                Fate::Late(pictures) => on_the_way.push((picture + pictures, wire)),
                Fate::Lost => {
                    seen.lost.insert(number);
                }
            }
        }
        let (arrived, rest) =
            std::mem::take(&mut on_the_way).into_iter().partition(|(due, _)| *due <= picture);
        on_the_way = rest;
        let arrived: Vec<(usize, Wire)> = arrived;
        let in_time =
            on_the_way.is_empty() && arrived.iter().all(|(_, wire)| wire.timestamp == picture as u32 * 3000);
        for (_, wire) in arrived {
            receive(epoch, &wire, &mut layers, &mut structure, &mut rewriter, &mut seen)?;
        }
        let (target, current) = (layers.target(), layers.current());
        let awaits_keyframe = layers.awaited_stream().is_some();
        seen.pictures.push(Picture { target, current, awaits_keyframe, in_time });
    }
    for (_, wire) in on_the_way {
        receive(epoch, &wire, &mut layers, &mut structure, &mut rewriter, &mut seen)?;
    }
    Ok(seen)
}

fn receive(
    epoch: Instant,
    wire: &Wire,
    layers: &mut Layers,
    structure: &mut Option<Box<Structure>>,
    rewriter: &mut Rewriter,
    seen: &mut Seen,
) -> Result<(), TestCaseError> {
    let (dependency, attached) =
        Dependency::read(&wire.descriptor, structure.as_deref()).expect("written well");
    if attached.is_some() {
        *structure = attached;
    }
    let description = Description {
        keyframe: dependency.attaches_structure,
        spatial: dependency.spatial,
        temporal: dependency.temporal,
        numbers: Numbers { frame: Some(dependency.frame_number), ..Numbers::default() },
        dependency: Some(dependency),
        ..Description::PLAIN
    };
    let description = match wire.flags {
        None => description,
        Some(Flags { inter_picture, feeds_upper }) => Description {
            temporal_sync: false,
            opens_temporal: true,
            spatial_sync: !inter_picture,
            feeds_upper,
            dependency: None,
            ..description
        },
    };
    let now = epoch + Duration::from_millis(u64::from(wire.timestamp) / 90);
    let numbers = description.numbers;
    match layers.judge(0, wire.timestamp, &description, structure.as_deref()) {
        Verdict::Ignore => {
            // Nothing is sent of what comes during a pause.
            seen.lost.insert(dependency.frame_number);
            return Ok(());
        }
        Verdict::OmitFrame => {
            rewriter.omit_frame(wire.index, &numbers);
            return Ok(());
        }
        Verdict::Enter => {
            let Wire { index, timestamp, .. } = *wire;
            let entrance = Entrance { index, timestamp, numbers, clock_rate: 90_000, to_previous: Some(0) };
            rewriter.start(now, &entrance);
        }
        Verdict::Send => {}
    }
    let Some(out) = rewriter.map(now, wire.index, wire.timestamp, &numbers) else { return Ok(()) };
    let twice = seen.sent.insert(dependency.frame_number, out.picture.frame_number);
    prop_assert_eq!(twice, None, "frame {} twice", dependency.frame_number);
    Ok(())
}

/// Every frame that was sent refers to frames that were sent, by the numbers they were sent with.
fn check(seen: &Seen) -> Result<(), TestCaseError> {
    for (number, out) in &seen.sent {
        for back in &seen.built_on[number] {
            match seen.sent.get(back) {
                Some(back_out) => {
                    prop_assert_eq!(out.wrapping_sub(*back_out), number.wrapping_sub(*back), "of {}", number);
                }
                None => prop_assert!(seen.lost.contains(back), "{} without {}", number, back),
            }
        }
    }
    Ok(())
}

/// Every frame has its own number, and the viewer has its layer once nothing was late for long enough.
fn check_settled(stream: &Stream, seen: &Seen) -> Result<(), TestCaseError> {
    let outs: BTreeSet<_> = seen.sent.values().collect();
    prop_assert_eq!(outs.len(), seen.sent.len(), "every frame has its own number");
    // A keyframe comes with the picture after it was asked for, and a switch in time within a round of the pattern.
    let settled = stream.pattern.len() + 2;
    for window in seen.pictures.windows(settled) {
        let Picture { target, current, awaits_keyframe, .. } = window[settled - 1];
        let is_even =
            |picture: &Picture| picture.target == target && picture.current.is_some() && picture.in_time;
        if window.iter().all(is_even) {
            let (target, current) = (target.expect("set"), current.expect("on it"));
            let top = stream.layers.1 - 1;
            prop_assert_eq!(current.spatial, target.spatial);
            prop_assert_eq!(
                current.temporal.unwrap_or(top).min(top),
                target.temporal.unwrap_or(top).min(top)
            );
            prop_assert!(!awaits_keyframe);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_viewer_never_gets_a_frame_without_those_it_is_built_on(
        steps in steps(Path::Losing), which in 0_usize..4, answers: bool
    ) {
        check(&play(&streams()[which], &steps, answers, true)?)?;
    }

    #[test]
    fn without_loss_a_viewer_has_its_layer_as_soon_as_the_stream_allows(
        steps in steps(Path::Faultless), which in 0_usize..4, described: bool
    ) {
        let stream = &streams()[which];
        let seen = play(stream, &steps, true, described)?;
        check(&seen)?;
        check_settled(stream, &seen)?;
    }

    #[test]
    fn after_frames_that_came_late_a_viewer_has_its_layer_as_soon_as_the_stream_allows(
        steps in steps(Path::Uneven), which in 0_usize..4, described: bool
    ) {
        let stream = &streams()[which];
        let seen = play(stream, &steps, true, described)?;
        check(&seen)?;
        check_settled(stream, &seen)?;
    }
}

/// A viewer of the top layer of the stream, after its keyframe and one more round of pictures.
fn on_top(stream: &Stream) -> (Layers, Structure, Vec<bool>) {
    let mut layers = Layers::new(true, Layer { spatial: 1, temporal: None });
    layers.set_target(Some(Layer { spatial: 1, temporal: None }));
    let mut structure = None;
    let mut sent = Vec::new();
    let kinds = stream.key.iter().chain(stream.pattern.iter().copied().flatten());
    for (number, &kind) in kinds.enumerate() {
        let frame = Frame { number: number as u16, kind, starts: true, ends: true, ..Frame::default() };
        let descriptor = stream.plan.descriptor(&frame, number == 0);
        let (dependency, attached) =
            Dependency::read(&descriptor, structure.as_deref()).expect("written well");
        structure = attached.or(structure);
        let description = Description {
            keyframe: dependency.attaches_structure,
            dependency: Some(dependency),
            ..Description::PLAIN
        };
        sent.push(layers.judge(0, number as u32, &description, structure.as_deref()) != Verdict::OmitFrame);
    }
    (layers, *structure.expect("the keyframe had it"), sent)
}

#[test]
fn of_layers_that_build_on_each_other_all_are_sent_and_a_smaller_picture_needs_no_keyframe() {
    let (mut layers, _, sent) = on_top(&streams()[1]);
    assert_eq!(sent, [true; 6]);
    layers.set_target(Some(Layer { spatial: 0, temporal: None }));
    assert_eq!(layers.awaited_stream(), None);
}

#[test]
fn of_layers_that_meet_in_keyframes_one_is_sent_and_another_waits_for_a_keyframe() {
    let (mut layers, _, sent) = on_top(&streams()[2]);
    assert_eq!(sent, [true, true, false, true, false, true]);
    assert_eq!(layers.active_targets().map(|active| active.mask), Some(0b1100));
    layers.set_target(Some(Layer { spatial: 0, temporal: None }));
    assert_eq!(layers.awaited_stream(), Some(0));
}

#[test]
fn after_a_late_base_frame_a_viewer_goes_up_again_within_a_round_and_without_a_keyframe() {
    let stream = &streams()[0];
    let low = Layer { spatial: 0, temporal: Some(0) };
    let mut layers = Layers::new(true, Layer { spatial: 0, temporal: None });
    layers.set_target(Some(low));
    let mut structure = None;
    let rounds = std::iter::repeat_n(stream.pattern, 4).flatten().copied().flatten();
    let kinds: Vec<u32> = stream.key.iter().chain(rounds).copied().collect();
    // The first base frame after the keyframe comes after the second.
    let mut order: Vec<usize> = (0..kinds.len()).collect();
    let late = order.remove(4);
    order.insert(8, late);
    for number in order {
        if number == 9 {
            layers.set_target(Some(Layer { spatial: 0, temporal: None }));
        }
        let frame = Frame {
            number: number as u16,
            kind: kinds[number],
            starts: true,
            ends: true,
            ..Frame::default()
        };
        let descriptor = stream.plan.descriptor(&frame, number == 0);
        let (dependency, attached) =
            Dependency::read(&descriptor, structure.as_deref()).expect("written well");
        structure = attached.or(structure);
        let description = Description {
            keyframe: dependency.attaches_structure,
            dependency: Some(dependency),
            ..Description::PLAIN
        };
        let verdict = layers.judge(0, number as u32, &description, structure.as_deref());
        assert!(number != late || verdict == Verdict::Send, "it is sent when it comes");
    }
    let temporal = layers.current().expect("on it").temporal;
    assert!(temporal.is_none_or(|temporal| temporal == 2), "{temporal:?}");
}
