//! Which layer a consumer is on, and on which packet a switch is clean.

use plenum_shared::media::Layer;

use super::{
    decode_targets::DecodeTargets,
    payload::{
        Description,
        dependency::{Active, Dependency, Structure, TargetLayer},
    },
};

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Send,
    /// It is sent, and the consumer continues with it: a new segment starts.
    Enter,
    /// It is of the stream the consumer is on, but of a layer above: left out with its frame.
    OmitFrame,
    /// It is of a stream the consumer is not on.
    Ignore,
}

/// Later than this, 10 s at the clock of video, nothing comes that was lost.
const LATE_TICKS: u32 = 900_000;
/// Changes of layer that are remembered for late frames. There are a few in the second within which those still come.
const HELD: usize = 3;
/// All temporal layers.
const EVERY_TEMPORAL: u8 = 7;

/// What a consumer is to get, as its streams have it.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    stream: u8,
    spatial: u8,
    temporal: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Current {
    stream: u8,
    spatial: u8,
    temporal: u8,
    /// Timestamp of the picture that is passing, and whether nothing of it was left out yet.
    frame: u32,
    frame_whole: bool,
    /// Timestamp of the first frame of these layers, and what held before them, the latest first.
    since: u32,
    before: [Held; HELD],
    /// No frame of a lower layer was left out since the last keyframe, so that the consumer can go down to it.
    lower_whole: bool,
    /// The keyframe since which that is so.
    whole_since: u32,
}

/// Layers that held once, from the frame of a timestamp on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    spatial: u8,
    temporal: u8,
    since: u32,
    /// What came after it goes on with a layer below, in the belief that nothing of that was left out since the keyframe of
    /// this timestamp: a frame of it that is on its way still is needed.
    below_since: Option<u32>,
}

/// The layer state of one consumer. A stream is one simulcast layer; within an SVC stream spatial layers are chosen too.
#[derive(Debug)]
pub struct Layers {
    svc: bool,
    /// What the viewer can use at most.
    pub preferred: Layer,
    /// What it is to get, after bandwidth; `None` while nothing fits or nothing is known.
    target: Option<Layer>,
    current: Option<Current>,
    /// The decode targets of the current stream, where its publisher describes them.
    targets: Option<Box<DecodeTargets>>,
    /// The stream that was entered last, also after a stop: timestamps continue from it.
    last_stream: Option<u8>,
    /// Nothing fits: unlike at the start, what comes first is not taken.
    withheld: bool,
}

impl Layers {
    /// On nothing yet. `svc` when spatial layers are inside one stream.
    pub fn new(svc: bool, preferred: Layer) -> Self {
        Layers {
            svc,
            preferred,
            target: None,
            current: None,
            targets: None,
            last_stream: None,
            withheld: false,
        }
    }

    /// What the consumer is to get.
    pub fn target(&self) -> Option<Layer> {
        self.target
    }

    /// Sets what the consumer is to get. `None` ends what it gets now; another stream waits for a keyframe.
    pub fn set_target(&mut self, target: Option<Layer>) {
        self.target = target;
        self.withheld = target.is_none();
        if target.is_none() {
            self.current = None;
        }
    }

    /// Nothing was known of the producer when its consumer was made: it takes whatever stream comes first.
    pub fn take_first(&mut self, stream: u8) {
        if self.target.is_none() && !self.withheld {
            let spatial = if self.svc { self.preferred.spatial } else { stream };
            self.target = Some(Layer { spatial, temporal: self.preferred.temporal });
        }
    }

    /// Nothing is sent any more; going on needs an entrance.
    pub fn stop(&mut self) {
        self.current = None;
    }

    /// What the consumer gets.
    pub fn current(&self) -> Option<Layer> {
        self.current.map(|current| Layer {
            spatial: if self.svc { current.spatial } else { current.stream },
            temporal: (current.temporal != EVERY_TEMPORAL).then_some(current.temporal),
        })
    }

    /// The stream that has to be entered before the consumer gets its target: a keyframe of it is needed.
    pub fn awaited_stream(&self) -> Option<u8> {
        let target = self.target?;
        let stream = self.stream_of(target);
        let waits = match (self.current, &self.targets) {
            (Some(current), _) if current.stream != stream => true,
            (None, _) => true,
            (Some(_), Some(targets)) => targets.awaits_keyframe(self.limit_of(target)),
            (Some(current), None) if !self.svc || current.spatial == target.spatial => false,
            (Some(current), None) => current.spatial < target.spatial || !current.lower_whole,
        };
        waits.then_some(stream)
    }

    /// What the viewer is to be told about decode targets, where the stream has them and it does not get them all.
    pub fn active_targets(&mut self) -> Option<Active> {
        self.targets.as_mut()?.active()
    }

    /// The stream that was entered last.
    pub fn last_stream(&self) -> Option<u8> {
        self.last_stream
    }

    /// The stream the consumer is on.
    pub fn current_stream(&self) -> Option<u8> {
        self.current.map(|current| current.stream)
    }

    /// The highest spatial layer of an SVC stream that passes.
    pub fn spatial_limit(&self) -> Option<u8> {
        self.current.filter(|_| self.svc).map(|current| current.spatial)
    }

    /// Decides about one packet, in the order of arrival. `structure`: what the dependency descriptors of its stream mean.
    pub fn judge(
        &mut self,
        stream: u8,
        timestamp: u32,
        description: &Description,
        structure: Option<&Structure>,
    ) -> Verdict {
        let Some(target) = self.target else { return Verdict::Ignore };
        let wanted = Wanted {
            stream: self.stream_of(target),
            spatial: target.spatial,
            temporal: target.temporal.unwrap_or(EVERY_TEMPORAL),
        };
        let on_it = self.current.is_some_and(|current| current.stream == stream);
        if !on_it {
            if !description.keyframe || stream != wanted.stream {
                return Verdict::Ignore;
            }
            self.current = Some(Current::enter(&wanted, timestamp));
            self.last_stream = Some(stream);
            self.targets = structure.zip(description.dependency).map(|(structure, dependency)| {
                let entered = DecodeTargets::enter(structure.targets, &dependency, self.limit_of(target));
                Box::new(entered)
            });
            self.note_targets();
            return Verdict::Enter;
        }
        // While a switch is pending the layers of the old stream stay as they are.
        let wanted = (wanted.stream == stream).then_some(wanted);
        let sent = match &description.dependency {
            Some(dependency) if self.targets.is_some() => {
                self.follow_targets(dependency, structure, wanted.is_some())
            }
            _ => self
                .current
                .as_mut()
                .is_some_and(|current| current.follow(wanted, timestamp, description, self.svc)),
        };
        if sent { Verdict::Send } else { Verdict::OmitFrame }
    }

    /// As [`Layers::judge`] of a packet of sound, where there are no layers and everything is a place to enter.
    pub fn judge_sound(&mut self, stream: u8, timestamp: u32, description: &Description) -> Verdict {
        match self.current {
            Some(current) if current.stream == stream && !self.svc => Verdict::Send,
            _ => self.judge(stream, timestamp, description, None),
        }
    }

    fn follow_targets(
        &mut self,
        dependency: &Dependency,
        structure: Option<&Structure>,
        is_wanted: bool,
    ) -> bool {
        let limit = self.target.filter(|_| is_wanted).map(|target| self.limit_of(target));
        let Some(targets) = self.targets.as_mut() else { return false };
        let sent = targets.judge(dependency, structure.map(|structure| &structure.targets), limit);
        self.note_targets();
        sent
    }

    /// What the decode target means as a layer.
    fn note_targets(&mut self) {
        if let (Some(current), Some(targets)) = (&mut self.current, &self.targets) {
            let TargetLayer { spatial, temporal } = targets.layer();
            current.spatial = spatial;
            current.temporal = if targets.every_temporal() { EVERY_TEMPORAL } else { temporal };
        }
    }

    fn stream_of(&self, layer: Layer) -> u8 {
        if self.svc { 0 } else { layer.spatial }
    }

    /// What of one stream is wanted.
    fn limit_of(&self, layer: Layer) -> TargetLayer {
        TargetLayer {
            spatial: if self.svc { layer.spatial } else { u8::MAX },
            temporal: layer.temporal.unwrap_or(EVERY_TEMPORAL),
        }
    }
}

impl Current {
    /// Nothing came before.
    fn enter(wanted: &Wanted, timestamp: u32) -> Self {
        let &Wanted { stream, spatial, temporal } = wanted;
        Current {
            stream,
            spatial,
            temporal,
            frame: timestamp,
            frame_whole: true,
            since: timestamp,
            before: [Held { spatial: 0, temporal: 0, since: timestamp, below_since: None }; HELD],
            whole_since: timestamp,
            lower_whole: true,
        }
    }

    /// Goes down at the start of a frame, up in time where the stream allows it, and in space where what the frame builds
    /// on was sent. Returns whether the packet is sent. Layers are those of the payload descriptor.
    fn follow(
        &mut self,
        wanted: Option<Wanted>,
        timestamp: u32,
        description: &Description,
        svc: bool,
    ) -> bool {
        let age = timestamp.wrapping_sub(self.since);
        if !svc && timestamp == self.frame && !description.keyframe && age < LATE_TICKS {
            // Nothing changes within a frame.
            let sent = description.temporal <= self.temporal;
            self.frame_whole &= sent;
            return sent;
        }
        let (spatial, temporal) = (self.spatial, self.temporal);
        if let Some(wanted) = wanted {
            self.go_to(&wanted, timestamp, description, svc);
        }
        if (self.spatial, self.temporal) != (spatial, temporal) && age != 0 {
            self.leave(spatial, temporal, timestamp, description);
        } else if (LATE_TICKS..u32::MAX / 2).contains(&age) {
            // So long ago that nothing of before it can come; timestamps must not turn around meanwhile.
            self.since = timestamp;
            self.before = [self.held(); HELD];
        }
        // What comes late belongs to what held in its time.
        let Held { spatial, temporal, below_since, .. } = self.held_at(timestamp);
        // Layers that are independent after the keyframe: of those below nothing is needed.
        let independent = svc && description.spatial < spatial && !description.feeds_upper;
        let is_built_on = below_since.is_some_and(|since| timestamp.wrapping_sub(since) as i32 >= 0);
        let unneeded = independent && !(is_built_on && description.spatial <= self.spatial);
        self.lower_whole &= !unneeded;
        let above = description.temporal > temporal || (svc && description.spatial > spatial);
        let sent = !above && !unneeded;
        self.frame_whole &= sent || timestamp != self.frame;
        sent
    }

    /// Other layers hold from this frame on.
    #[cold]
    fn leave(&mut self, spatial: u8, temporal: u8, timestamp: u32, description: &Description) {
        let goes_on_below = self.spatial < spatial && !description.keyframe;
        let below_since = goes_on_below.then_some(self.whole_since);
        self.before.rotate_right(1);
        self.before[0] = Held { spatial, temporal, since: self.since, below_since };
        self.since = timestamp;
    }

    fn held(&self) -> Held {
        Held { spatial: self.spatial, temporal: self.temporal, since: self.since, below_since: None }
    }

    fn held_at(&self, timestamp: u32) -> Held {
        let began = |since: u32| timestamp.wrapping_sub(since) as i32 >= 0;
        if began(self.since) {
            return self.held();
        }
        self.before.into_iter().find(|held| began(held.since)).unwrap_or(self.before[HELD - 1])
    }

    fn go_to(&mut self, wanted: &Wanted, timestamp: u32, description: &Description, svc: bool) {
        let new_frame = timestamp.wrapping_sub(self.frame) as i32 > 0;
        if new_frame && wanted.spatial < self.spatial && self.lower_whole {
            self.spatial = wanted.spatial;
        }
        // Until the keyframe that a lower layer needs: as little as can be.
        let temporal = if svc && wanted.spatial < self.spatial { 0 } else { wanted.temporal };
        if new_frame {
            (self.frame, self.frame_whole) = (timestamp, true);
            self.temporal = self.temporal.min(temporal);
        }
        let newest = timestamp == self.frame;
        let up = description.temporal > self.temporal && description.temporal <= temporal;
        if description.keyframe && newest {
            // When it comes behind a layer above, and that was left out, the way up waits for another one.
            let highest = if self.frame_whole { u8::MAX } else { self.spatial };
            (self.temporal, self.spatial, self.lower_whole) =
                (wanted.temporal, wanted.spatial.min(highest), true);
            self.whole_since = timestamp;
        } else if svc && newest && description.spatial_sync && self.is_next(description, wanted) {
            self.spatial = description.spatial;
        } else if new_frame && description.opens_temporal && description.temporal <= self.temporal {
            self.temporal = self.temporal.max(temporal);
        } else if up && new_frame && description.temporal_sync && !svc_upper(svc, description) {
            // Once the highest wanted layer may pass there is nothing above it to hold back.
            self.temporal = description.temporal;
        }
    }

    /// The frame is of the layer above, and what it builds on has just been sent.
    fn is_next(&self, description: &Description, wanted: &Wanted) -> bool {
        description.spatial == self.spatial + 1
            && description.spatial <= wanted.spatial
            && description.temporal <= self.temporal
    }
}

/// A packet of an upper spatial layer does not start a picture.
fn svc_upper(svc: bool, description: &Description) -> bool {
    svc && description.spatial > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(spatial: u8, temporal: Option<u8>) -> Layer {
        Layer { spatial, temporal }
    }

    fn frame(keyframe: bool, temporal: u8, temporal_sync: bool) -> Description {
        Description { keyframe, temporal, temporal_sync, ..Description::PLAIN }
    }

    fn key() -> Description {
        frame(true, 0, true)
    }

    fn delta() -> Description {
        frame(false, 0, true)
    }

    #[test]
    fn a_consumer_enters_at_a_keyframe_of_its_target_only() {
        let mut layers = Layers::new(false, layer(1, None));
        assert_eq!(layers.judge(1, 0, &key(), None), Verdict::Ignore, "no target");
        layers.set_target(Some(layer(1, None)));
        assert_eq!(layers.awaited_stream(), Some(1));
        assert_eq!(layers.judge(1, 1, &delta(), None), Verdict::Ignore);
        assert_eq!(layers.judge(0, 2, &key(), None), Verdict::Ignore);
        assert_eq!(layers.judge(1, 3, &key(), None), Verdict::Enter);
        assert_eq!(layers.judge(1, 3, &delta(), None), Verdict::Send);
        assert_eq!((layers.awaited_stream(), layers.current()), (None, Some(layer(1, None))));
        assert_eq!(layers.judge(1, 4, &key(), None), Verdict::Send, "a later keyframe is no new entrance");
    }

    #[test]
    fn sound_is_judged_as_a_packet_without_layers_is() {
        let (mut layers, mut plain) =
            (Layers::new(false, layer(0, None)), Layers::new(false, layer(0, None)));
        for (timestamp, stream, target) in [
            (1, 0, None),
            (2, 0, Some(layer(0, None))),
            (3, 0, Some(layer(0, None))),
            (2_000_000, 0, Some(layer(0, None))),
            (4, 0, Some(layer(0, None))),
            (5, 1, Some(layer(0, None))),
            (6, 0, None),
            (7, 0, Some(layer(0, None))),
        ] {
            layers.set_target(target);
            plain.set_target(target);
            let verdict = layers.judge_sound(stream, timestamp, &Description::SOUND);
            assert_eq!(verdict, plain.judge(stream, timestamp, &Description::SOUND, None), "{timestamp}");
            assert_eq!(layers.current(), plain.current());
            assert_eq!(layers.awaited_stream(), plain.awaited_stream());
        }
    }

    #[test]
    fn the_old_stream_goes_on_until_the_new_one_has_a_keyframe() {
        let mut layers = Layers::new(false, layer(2, None));
        layers.set_target(Some(layer(0, None)));
        layers.judge(0, 0, &key(), None);
        layers.set_target(Some(layer(2, None)));
        assert_eq!(layers.judge(2, 1, &delta(), None), Verdict::Ignore);
        assert_eq!(layers.judge(0, 1, &delta(), None), Verdict::Send);
        assert_eq!(layers.judge(2, 2, &key(), None), Verdict::Enter);
        assert_eq!(layers.judge(0, 2, &delta(), None), Verdict::Ignore);
        layers.set_target(None);
        assert_eq!(layers.judge(2, 3, &delta(), None), Verdict::Ignore);
        assert_eq!(layers.current(), None);
    }

    #[test]
    fn temporal_layers_go_down_at_a_frame_and_up_at_a_sync() {
        let mut layers = Layers::new(false, layer(0, None));
        layers.set_target(Some(layer(0, None)));
        layers.judge(0, 0, &key(), None);
        assert_eq!(layers.judge(0, 1, &frame(false, 2, true), None), Verdict::Send);
        layers.set_target(Some(layer(0, Some(0))));
        assert_eq!(layers.judge(0, 1, &frame(false, 2, true), None), Verdict::Send, "the frame is completed");
        assert_eq!(layers.judge(0, 2, &frame(false, 1, true), None), Verdict::OmitFrame);
        assert_eq!(layers.judge(0, 3, &frame(false, 0, true), None), Verdict::Send);
        layers.set_target(Some(layer(0, Some(2))));
        assert_eq!(
            layers.judge(0, 4, &frame(false, 2, false), None),
            Verdict::OmitFrame,
            "depends on what was left out"
        );
        assert_eq!(layers.judge(0, 5, &frame(false, 1, true), None), Verdict::Send);
        assert_eq!(layers.judge(0, 6, &frame(false, 2, true), None), Verdict::Send);
        assert_eq!(layers.current(), Some(layer(0, Some(2))));
    }

    #[test]
    fn spatial_layers_of_an_svc_stream_go_down_at_a_picture_and_up_at_a_keyframe() {
        let mut layers = Layers::new(true, layer(2, None));
        let packet = |keyframe, spatial| Description { keyframe, spatial, ..Description::PLAIN };
        layers.set_target(Some(layer(2, None)));
        assert_eq!(layers.judge(0, 0, &packet(true, 0), None), Verdict::Enter);
        assert_eq!(layers.judge(0, 0, &packet(false, 2), None), Verdict::Send);
        layers.set_target(Some(layer(0, None)));
        assert_eq!(layers.judge(0, 0, &packet(false, 2), None), Verdict::Send, "the picture is completed");
        assert_eq!(layers.judge(0, 1, &packet(false, 0), None), Verdict::Send);
        assert_eq!(layers.judge(0, 1, &packet(false, 1), None), Verdict::OmitFrame);
        layers.set_target(Some(layer(1, None)));
        assert_eq!(layers.awaited_stream(), Some(0));
        assert_eq!(layers.judge(0, 2, &packet(false, 1), None), Verdict::OmitFrame);
        assert_eq!(layers.judge(0, 3, &packet(true, 0), None), Verdict::Send);
        assert_eq!(layers.judge(0, 3, &packet(false, 1), None), Verdict::Send);
        assert_eq!(layers.spatial_limit(), Some(1));
    }

    /// A frame of a spatial layer by the VP9 payload descriptor.
    fn vp9(spatial: u8, inter_picture: bool, feeds_upper: bool) -> Description {
        Description {
            keyframe: !inter_picture && spatial == 0,
            spatial,
            spatial_sync: !inter_picture,
            feeds_upper: feeds_upper || !inter_picture,
            ..Description::PLAIN
        }
    }

    #[test]
    fn layers_that_meet_in_keyframes_are_sent_one_at_a_time_and_changed_at_keyframes() {
        let mut layers = Layers::new(true, layer(1, None));
        layers.set_target(Some(layer(1, None)));
        assert_eq!(layers.judge(0, 0, &vp9(0, false, false), None), Verdict::Enter);
        assert_eq!(layers.judge(0, 0, &vp9(1, false, false), None), Verdict::Send);
        assert_eq!(layers.judge(0, 1, &vp9(0, true, false), None), Verdict::OmitFrame);
        assert_eq!(layers.judge(0, 1, &vp9(1, true, false), None), Verdict::Send);
        layers.set_target(Some(layer(0, None)));
        assert_eq!(layers.awaited_stream(), Some(0), "of the layer below frames were left out");
        assert_eq!(layers.judge(0, 2, &vp9(0, true, false), None), Verdict::OmitFrame);
        let second_in_time = Description { temporal: 1, ..vp9(1, true, false) };
        assert_eq!(layers.judge(0, 2, &second_in_time, None), Verdict::OmitFrame, "less, until then");
        assert_eq!(layers.judge(0, 3, &vp9(1, true, false), None), Verdict::Send);
        assert_eq!(layers.judge(0, 4, &vp9(0, false, false), None), Verdict::Send);
        assert_eq!(layers.judge(0, 4, &vp9(1, false, false), None), Verdict::OmitFrame);
        assert_eq!((layers.awaited_stream(), layers.current()), (None, Some(layer(0, None))));
    }

    #[test]
    fn a_keyframe_that_comes_behind_an_upper_layer_that_was_left_out_is_no_way_up() {
        let mut layers = Layers::new(true, layer(1, None));
        layers.set_target(Some(layer(0, None)));
        assert_eq!(layers.judge(0, 0, &vp9(0, false, true), None), Verdict::Enter);
        assert_eq!(layers.judge(0, 1, &vp9(1, false, true), None), Verdict::OmitFrame);
        layers.set_target(Some(layer(1, None)));
        assert_eq!(layers.judge(0, 1, &vp9(0, false, true), None), Verdict::Send, "the keyframe of that");
        assert_eq!(layers.judge(0, 2, &vp9(0, true, true), None), Verdict::Send);
        assert_eq!(layers.judge(0, 2, &vp9(1, true, true), None), Verdict::OmitFrame, "built on it");
        assert_eq!(layers.awaited_stream(), Some(0));
        assert_eq!(layers.judge(0, 3, &vp9(0, false, true), None), Verdict::Send);
        assert_eq!(layers.judge(0, 3, &vp9(1, false, true), None), Verdict::Send);
    }

    #[test]
    fn an_upper_layer_that_builds_on_the_one_below_alone_is_entered_without_a_keyframe() {
        let mut layers = Layers::new(true, layer(1, None));
        layers.set_target(Some(layer(0, None)));
        assert_eq!(layers.judge(0, 0, &vp9(0, false, true), None), Verdict::Enter);
        layers.set_target(Some(layer(1, None)));
        assert_eq!(layers.judge(0, 1, &vp9(0, true, true), None), Verdict::Send);
        assert_eq!(
            layers.judge(0, 1, &vp9(1, true, true), None),
            Verdict::OmitFrame,
            "builds on the one before"
        );
        assert_eq!(layers.judge(0, 2, &vp9(0, true, true), None), Verdict::Send);
        assert_eq!(layers.judge(0, 2, &vp9(1, false, true), None), Verdict::Send);
        assert_eq!(
            layers.judge(0, 1, &vp9(1, true, true), None),
            Verdict::OmitFrame,
            "late, of before the change"
        );
    }
}
