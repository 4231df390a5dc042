//! A simulcast publisher and one viewer that is sent from layer to layer, paused, and cut in time, at random: what it
//! receives must look like one stream of one encoder.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use plenum_shared::media::Layer;
use proptest::prelude::*;

use super::{
    layers::{Layers, Verdict},
    payload::{Description, Vp8},
    rewrite::{Entrance, Rewriter},
};

const LAYERS: usize = 3;
const FRAME: Duration = Duration::from_millis(33);
const FRAME_TICKS: u32 = 2970;
/// Temporal layers of four frames in a row (L1T3).
const PATTERN: [u8; 4] = [0, 2, 1, 2];

/// What happens at one frame.
#[derive(Debug, Clone)]
struct Step {
    /// The viewer is to get this layer from now on; pauses when there is none.
    target: Option<Option<(u8, Option<u8>)>>,
    keyframe: bool,
    packets: usize,
    /// One packet of each layer is lost.
    lost: Option<usize>,
}

fn steps(loss: bool) -> impl Strategy<Value = Vec<Step>> {
    let target = proptest::option::weighted(
        0.15,
        proptest::option::weighted(0.85, (0_u8..LAYERS as u8, proptest::option::of(0_u8..3))),
    );
    let lost = proptest::option::weighted(0.1, 0_usize..3).prop_map(move |lost| lost.filter(|_| loss));
    let step = (target, proptest::bool::weighted(0.1), 1_usize..4, lost);
    let step = step.prop_map(|(target, keyframe, packets, lost)| Step { target, keyframe, packets, lost });
    proptest::collection::vec(step, 1..300)
}

/// Where the numbers of each layer start.
#[derive(Debug, Clone)]
struct Start {
    index: u64,
    timestamp: u32,
    picture_id: u16,
    base_index: u8,
    key_index: u8,
}

fn starts() -> impl Strategy<Value = Vec<Start>> {
    let start = (70_000_u64..200_000, any::<u32>(), 0_u16..0x8000, any::<u8>(), 0_u8..32).prop_map(
        |(index, timestamp, picture_id, base_index, key_index)| Start {
            index,
            timestamp,
            picture_id,
            base_index,
            key_index,
        },
    );
    proptest::collection::vec(start, LAYERS)
}

/// A packet as the viewer got it.
#[derive(Debug, Clone, Copy)]
struct Got {
    frame: usize,
    first_of_frame: bool,
    keyframe: bool,
    temporal: u8,
    timestamp: u32,
    picture_id: u16,
    base_index: u8,
    key_index: u8,
}

/// Plays the steps. Returns what the viewer got by unwrapped sequence number, and how many packets were lost.
fn play(steps: &[Step], starts: &[Start]) -> Result<(BTreeMap<u64, Got>, usize), TestCaseError> {
    let epoch = Instant::now();
    let mut layers = Layers::new(false, Layer { spatial: 2, temporal: None });
    layers.set_target(Some(Layer { spatial: 0, temporal: None }));
    let mut rewriter = Rewriter::new(60_000, 4_000_000_000);
    let mut counters = starts.to_vec();
    let (mut got, mut lost_count, mut last_number) = (BTreeMap::new(), 0, None::<u64>);
    for (frame, step) in steps.iter().enumerate() {
        match step.target {
            Some(Some((spatial, temporal))) => layers.set_target(Some(Layer { spatial, temporal })),
            Some(None) => layers.stop(),
            None => {}
        }
        let now = epoch + FRAME * frame as u32;
        let keyframe = step.keyframe || frame == 0;
        let temporal = if keyframe { 0 } else { PATTERN[frame % 4] };
        for (stream, counter) in counters.iter_mut().enumerate() {
            counter.picture_id = (counter.picture_id + 1) & 0x7FFF;
            counter.base_index = counter.base_index.wrapping_add(u8::from(temporal == 0));
            counter.key_index = (counter.key_index + u8::from(keyframe)) & 0x1F;
            let timestamp = starts[stream].timestamp.wrapping_add(FRAME_TICKS.wrapping_mul(frame as u32));
            for packet in 0..step.packets {
                counter.index += 1;
                if step.lost == Some(packet) {
                    lost_count += 1;
                    continue;
                }
                let description = describe(counter, keyframe && packet == 0, packet == 0, temporal);
                let previous = layers.last_stream();
                match layers.judge(stream as u8, timestamp, &description, None) {
                    Verdict::Ignore => continue,
                    Verdict::OmitFrame => {
                        rewriter.omit_frame(counter.index, &description.numbers);
                        continue;
                    }
                    Verdict::Enter => {
                        let shift = |previous: u8| {
                            starts[usize::from(previous)].timestamp.wrapping_sub(starts[stream].timestamp)
                        };
                        let entrance = Entrance {
                            index: counter.index,
                            timestamp,
                            numbers: description.numbers,
                            clock_rate: 90_000,
                            to_previous: previous.map(shift),
                        };
                        rewriter.start(now, &entrance);
                    }
                    Verdict::Send => {}
                }
                let Some(out) = rewriter.map(now, counter.index, timestamp, &description.numbers) else {
                    continue;
                };
                let number = last_number.map_or(u64::from(out.sequence_number), |last| {
                    last + u64::from(out.sequence_number.wrapping_sub(last as u16))
                });
                last_number = Some(number);
                let packet = Got {
                    frame,
                    first_of_frame: packet == 0,
                    keyframe: description.keyframe,
                    temporal,
                    timestamp: out.timestamp,
                    picture_id: out.picture.picture_id,
                    base_index: out.picture.base_index,
                    key_index: out.picture.key_index,
                };
                prop_assert!(got.insert(number, packet).is_none(), "{number} twice");
            }
        }
    }
    Ok((got, lost_count))
}

fn describe(counter: &Start, keyframe: bool, frame_start: bool, temporal: u8) -> Description {
    let mut payload = vec![if frame_start { 0x90 } else { 0x80 }, 0xF0];
    payload.extend((0x8000 | counter.picture_id).to_be_bytes());
    payload.extend([counter.base_index, (temporal << 6) | 0x20 | counter.key_index, u8::from(!keyframe)]);
    let vp8 = Vp8::read(&payload).expect("a descriptor");
    assert_eq!(vp8.keyframe, keyframe);
    Description { keyframe, temporal, temporal_sync: true, numbers: vp8.into(), ..Description::PLAIN }
}

proptest! {
    #[test]
    fn without_loss_a_viewer_sees_one_stream_without_a_seam(steps in steps(false), starts in starts()) {
        let (got, _) = play(&steps, &starts)?;
        let packets: Vec<_> = got.iter().collect();
        prop_assert!(packets.first().is_none_or(|(_, first)| first.keyframe));
        for pair in packets.windows(2) {
            let ((number, before), (next_number, after)) = (pair[0], pair[1]);
            prop_assert_eq!(number + 1, *next_number, "sequence numbers have no gap");
            let picture_step = after.picture_id.wrapping_sub(before.picture_id) & 0x7FFF;
            let time_step = after.timestamp.wrapping_sub(before.timestamp) as i32;
            if after.first_of_frame {
                prop_assert_eq!(picture_step, 1, "each picture has the next number");
                prop_assert!(time_step > 0, "time goes on: {} at frame {}", time_step, after.frame);
                let base_step = after.base_index.wrapping_sub(before.base_index);
                prop_assert_eq!(base_step, u8::from(after.temporal == 0));
                let key_step = after.key_index.wrapping_sub(before.key_index) & 0x1F;
                prop_assert_eq!(key_step, u8::from(after.keyframe));
            } else {
                prop_assert_eq!((picture_step, time_step), (0, 0), "one frame, one number, one time");
            }
            // Slips of a tick at switches do not add up to a drift.
            let expected = FRAME_TICKS as i64 * (after.frame - before.frame) as i64;
            prop_assert!((i64::from(time_step) - expected).abs() <= 2, "{time_step}, not {expected}");
        }
    }

    #[test]
    fn with_loss_nothing_comes_twice_and_gaps_are_those_of_the_input(steps in steps(true), starts in starts()) {
        let (got, lost) = play(&steps, &starts)?;
        let (Some((first, _)), Some((last, _))) = (got.first_key_value(), got.last_key_value()) else {
            return Ok(());
        };
        prop_assert!((last - first + 1) as usize - got.len() <= lost);
        let mut by_frame: BTreeMap<usize, u32> = BTreeMap::new();
        for packet in got.values() {
            let timestamp = *by_frame.entry(packet.frame).or_insert(packet.timestamp);
            // A frame is of one layer, or its other half is the keyframe of the layer switched to: a tick later.
            prop_assert!(packet.timestamp.wrapping_sub(timestamp) <= 1);
        }
        let times: Vec<_> = by_frame.values().collect();
        for pair in times.windows(2) {
            prop_assert!((pair[1].wrapping_sub(*pair[0]) as i32) > 0, "time goes on");
        }
    }
}
