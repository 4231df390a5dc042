//! Which layer a consumer is on, and on which packet a switch is clean.

use plenum_shared::media::Layer;

use super::payload::Description;

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

/// All temporal layers.
const EVERY_TEMPORAL: u8 = 7;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Current {
    stream: u8,
    spatial: u8,
    temporal: u8,
    /// Timestamp of the frame that is passing.
    frame: u32,
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
    /// The stream that was entered last, also after a stop: timestamps continue from it.
    last_stream: Option<u8>,
    /// Nothing fits: unlike at the start, what comes first is not taken.
    withheld: bool,
}

impl Layers {
    /// On nothing yet. `svc` when spatial layers are inside one stream.
    pub fn new(svc: bool, preferred: Layer) -> Self {
        Layers { svc, preferred, target: None, current: None, last_stream: None, withheld: false }
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
        match self.current {
            Some(current) if current.stream == stream && !(self.svc && current.spatial < target.spatial) => {
                None
            }
            _ => Some(stream),
        }
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

    /// Decides about one packet, in the order of arrival.
    pub fn judge(&mut self, stream: u8, timestamp: u32, description: &Description) -> Verdict {
        let Some(target) = self.target else { return Verdict::Ignore };
        let wanted = Current {
            stream: self.stream_of(target),
            spatial: target.spatial,
            temporal: target.temporal.unwrap_or(EVERY_TEMPORAL),
            frame: timestamp,
        };
        let on_it = self.current.is_some_and(|current| current.stream == stream);
        if description.keyframe && stream == wanted.stream && !on_it {
            self.current = Some(wanted);
            self.last_stream = Some(stream);
            return Verdict::Enter;
        }
        let svc = self.svc;
        let Some(current) = self.current.as_mut().filter(|current| current.stream == stream) else {
            return Verdict::Ignore;
        };
        // While a switch is pending the layers of the old stream stay as they are.
        if wanted.stream == stream {
            current.follow(&wanted, timestamp, description, svc);
        }
        let above = description.temporal > current.temporal || (svc && description.spatial > current.spatial);
        if above { Verdict::OmitFrame } else { Verdict::Send }
    }

    fn stream_of(&self, layer: Layer) -> u8 {
        if self.svc { 0 } else { layer.spatial }
    }
}

impl Current {
    /// Goes down at the start of a frame, up in time where the stream allows it, up in space at a keyframe.
    fn follow(&mut self, wanted: &Current, timestamp: u32, description: &Description, svc: bool) {
        let new_frame = timestamp.wrapping_sub(self.frame) as i32 > 0;
        if new_frame {
            self.frame = timestamp;
            self.temporal = self.temporal.min(wanted.temporal);
            self.spatial = self.spatial.min(wanted.spatial);
        }
        let up = description.temporal > self.temporal && description.temporal <= wanted.temporal;
        if description.keyframe {
            (self.temporal, self.spatial) = (wanted.temporal, wanted.spatial);
        } else if up && new_frame && description.temporal_sync && !svc_upper(svc, description) {
            // Once the highest wanted layer may pass there is nothing above it to hold back.
            self.temporal = description.temporal;
        }
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
        assert_eq!(layers.judge(1, 0, &key()), Verdict::Ignore, "no target");
        layers.set_target(Some(layer(1, None)));
        assert_eq!(layers.awaited_stream(), Some(1));
        assert_eq!(layers.judge(1, 1, &delta()), Verdict::Ignore);
        assert_eq!(layers.judge(0, 2, &key()), Verdict::Ignore);
        assert_eq!(layers.judge(1, 3, &key()), Verdict::Enter);
        assert_eq!(layers.judge(1, 3, &delta()), Verdict::Send);
        assert_eq!((layers.awaited_stream(), layers.current()), (None, Some(layer(1, None))));
        assert_eq!(layers.judge(1, 4, &key()), Verdict::Send, "a later keyframe is no new entrance");
    }

    #[test]
    fn the_old_stream_goes_on_until_the_new_one_has_a_keyframe() {
        let mut layers = Layers::new(false, layer(2, None));
        layers.set_target(Some(layer(0, None)));
        layers.judge(0, 0, &key());
        layers.set_target(Some(layer(2, None)));
        assert_eq!(layers.judge(2, 1, &delta()), Verdict::Ignore);
        assert_eq!(layers.judge(0, 1, &delta()), Verdict::Send);
        assert_eq!(layers.judge(2, 2, &key()), Verdict::Enter);
        assert_eq!(layers.judge(0, 2, &delta()), Verdict::Ignore);
        layers.set_target(None);
        assert_eq!(layers.judge(2, 3, &delta()), Verdict::Ignore);
        assert_eq!(layers.current(), None);
    }

    #[test]
    fn temporal_layers_go_down_at_a_frame_and_up_at_a_sync() {
        let mut layers = Layers::new(false, layer(0, None));
        layers.set_target(Some(layer(0, None)));
        layers.judge(0, 0, &key());
        assert_eq!(layers.judge(0, 1, &frame(false, 2, true)), Verdict::Send);
        layers.set_target(Some(layer(0, Some(0))));
        assert_eq!(layers.judge(0, 1, &frame(false, 2, true)), Verdict::Send, "the frame is completed");
        assert_eq!(layers.judge(0, 2, &frame(false, 1, true)), Verdict::OmitFrame);
        assert_eq!(layers.judge(0, 3, &frame(false, 0, true)), Verdict::Send);
        layers.set_target(Some(layer(0, Some(2))));
        assert_eq!(
            layers.judge(0, 4, &frame(false, 2, false)),
            Verdict::OmitFrame,
            "depends on what was left out"
        );
        assert_eq!(layers.judge(0, 5, &frame(false, 1, true)), Verdict::Send);
        assert_eq!(layers.judge(0, 6, &frame(false, 2, true)), Verdict::Send);
        assert_eq!(layers.current(), Some(layer(0, Some(2))));
    }

    #[test]
    fn spatial_layers_of_an_svc_stream_go_down_at_a_picture_and_up_at_a_keyframe() {
        let mut layers = Layers::new(true, layer(2, None));
        let packet = |keyframe, spatial| Description { keyframe, spatial, ..Description::PLAIN };
        layers.set_target(Some(layer(2, None)));
        assert_eq!(layers.judge(0, 0, &packet(true, 0)), Verdict::Enter);
        assert_eq!(layers.judge(0, 0, &packet(false, 2)), Verdict::Send);
        layers.set_target(Some(layer(0, None)));
        assert_eq!(layers.judge(0, 0, &packet(false, 2)), Verdict::Send, "the picture is completed");
        assert_eq!(layers.judge(0, 1, &packet(false, 0)), Verdict::Send);
        assert_eq!(layers.judge(0, 1, &packet(false, 1)), Verdict::OmitFrame);
        layers.set_target(Some(layer(1, None)));
        assert_eq!(layers.awaited_stream(), Some(0));
        assert_eq!(layers.judge(0, 2, &packet(false, 1)), Verdict::OmitFrame);
        assert_eq!(layers.judge(0, 3, &packet(true, 0)), Verdict::Send);
        assert_eq!(layers.judge(0, 3, &packet(false, 1)), Verdict::Send);
        assert_eq!(layers.spatial_limit(), Some(1));
    }
}
