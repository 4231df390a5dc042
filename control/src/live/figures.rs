//! What a sample of the media plane says about a meeting, in the terms of KCS-18.

use plenum_shared::{
    command::{ProducerStats, RoomStats},
    media::{ConnectionQuality, Source},
};

use crate::service::live_side::{MediaFigures, Quality};

/// Heights people know pictures by.
const RUNGS: [u16; 13] = [90, 120, 144, 180, 240, 270, 360, 480, 540, 720, 1080, 1440, 2160];

/// `qualities`: how well the people inside are connected, as far as that was measured.
pub(super) fn of(stats: &RoomStats, qualities: &[ConnectionQuality]) -> MediaFigures {
    let round_trips = stats.sessions.iter().filter_map(|session| session.round_trip_ms).map(f64::from);
    let flowing = stats.sessions.iter().filter(|session| session.received.0 + session.sent.0 > 0);
    let losses = flowing.map(|session| f64::from(session.loss) * 100.0);
    MediaFigures {
        total_mbps: rounded((stats.received.0 + stats.sent.0) as f64 / 1e6, 3),
        latency_ms: mean(round_trips).map(|ms| rounded(ms, 1)),
        packet_loss_percent: mean(losses).map(|percent| rounded(percent, 2)),
        video_height: video_height(&stats.producers),
        quality: mean(qualities.iter().map(|quality| score(*quality))).map(word),
    }
}

/// The height of the average picture that is shown to somebody, as people name it; where nobody looks, of what is
/// published. A picture that stands upright counts by its short side.
fn video_height(producers: &[ProducerStats]) -> Option<u16> {
    let shown = |producer: &&ProducerStats| {
        !producer.paused && matches!(producer.source, Source::Camera | Source::Screen)
    };
    let (mut viewed, mut published) = (Vec::new(), Vec::new());
    for producer in producers.iter().filter(shown) {
        let layers = producer.layers.iter().filter_map(|layer| Some((layer, layer.picture?)));
        let layers: Vec<_> =
            layers.map(|(layer, picture)| (layer, f64::from(picture.width.min(picture.height)))).collect();
        viewed.extend(layers.iter().map(|(layer, side)| (*side, f64::from(layer.viewers))));
        let best = layers.iter().rev().find(|(layer, _)| layer.received.0 > 0);
        published.extend(best.map(|(_, side)| (*side, 1.0)));
    }
    let height = weighted(&viewed).or_else(|| weighted(&published))?;
    RUNGS.into_iter().min_by(|a, b| (f64::from(*a) - height).abs().total_cmp(&(f64::from(*b) - height).abs()))
}

fn weighted(values: &[(f64, f64)]) -> Option<f64> {
    let weight: f64 = values.iter().map(|(_, weight)| weight).sum();
    (weight > 0.0).then(|| values.iter().map(|(value, weight)| value * weight).sum::<f64>() / weight)
}

/// The scores of C-66.
fn score(quality: ConnectionQuality) -> f64 {
    match quality {
        ConnectionQuality::Excellent => 100.0,
        ConnectionQuality::Good => 75.0,
        ConnectionQuality::Fair => 50.0,
        ConnectionQuality::Poor => 25.0,
    }
}

fn word(score: f64) -> Quality {
    match score {
        score if score >= 87.5 => Quality::Excellent,
        score if score >= 62.5 => Quality::Good,
        score if score >= 37.5 => Quality::Fair,
        _ => Quality::Poor,
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

fn rounded(value: f64, decimals: i32) -> f64 {
    let unit = 10_f64.powi(decimals);
    (value * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use plenum_shared::command::{LayerStats, SessionStats};
    use plenum_shared::id::{ProducerId, SessionId};
    use plenum_shared::media::{Bitrate, PictureSize};

    use super::*;
    use ConnectionQuality::{Excellent, Fair, Good, Poor};

    fn layer(width: u16, height: u16, viewers: u32) -> LayerStats {
        let picture = (width > 0).then_some(PictureSize { width, height });
        LayerStats { received: Bitrate::kbps(100), picture, viewers }
    }

    fn track(source: Source, layers: Vec<LayerStats>) -> ProducerStats {
        let (producer, session) = (ProducerId::random(), SessionId::random());
        ProducerStats { producer, session, source, paused: false, layers }
    }

    fn session(received: u64, loss: f32, round_trip_ms: Option<u32>) -> SessionStats {
        let (session, quality) = (SessionId::random(), Excellent);
        SessionStats { session, quality, received: Bitrate(received), sent: Bitrate(0), loss, round_trip_ms }
    }

    #[test]
    fn stat_03_a_room_without_media_has_no_quality() {
        let nothing = of(&RoomStats::default(), &[]);
        assert_eq!(nothing, MediaFigures::default());
        assert_eq!((nothing.total_mbps, nothing.latency_ms, nothing.video_height), (0.0, None, None));
    }

    #[test]
    fn stat_03_rates_add_up_and_round_trip_and_loss_are_means_of_those_measured() {
        let stats = RoomStats {
            received: Bitrate(1_500_400),
            sent: Bitrate(3_000_000),
            sessions: vec![session(1, 0.01, Some(20)), session(1, 0.02, None), session(0, 0.9, Some(41))],
            ..RoomStats::default()
        };
        let figures = of(&stats, &[Excellent, Good, Good]);
        assert_eq!((figures.total_mbps, figures.latency_ms), (4.5, Some(30.5)));
        assert_eq!(figures.packet_loss_percent, Some(1.5), "whoever is silent loses nothing");
        assert_eq!(figures.quality, Some(Quality::Good));
        assert_eq!(of(&stats, &[Fair, Poor]).quality, Some(Quality::Fair));
    }

    #[test]
    fn stat_03_video_quality_is_that_of_the_pictures_people_see() {
        let simulcast = |viewers: [u32; 3]| {
            let [small, middle, large] = viewers;
            let layers = vec![layer(320, 180, small), layer(640, 360, middle), layer(1280, 720, large)];
            track(Source::Camera, layers)
        };
        let height = |producers: Vec<ProducerStats>| video_height(&producers);
        assert_eq!(height(vec![simulcast([0, 0, 3])]), Some(720));
        assert_eq!(height(vec![simulcast([2, 0, 2])]), Some(480), "450 is nearest to that");
        assert_eq!(height(vec![simulcast([0, 0, 0])]), Some(720), "nobody looks: what is published");
        assert_eq!(height(vec![track(Source::Camera, vec![layer(480, 848, 1)])]), Some(480), "upright");
        assert_eq!(height(vec![track(Source::Camera, vec![layer(0, 0, 1)])]), None, "not known yet");
        assert_eq!(height(vec![track(Source::Microphone, vec![layer(0, 0, 1)])]), None);
        let paused = ProducerStats { paused: true, ..simulcast([0, 0, 1]) };
        assert_eq!(height(vec![paused]), None);
    }
}
