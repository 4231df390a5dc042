//! How well each session is connected, as it is judged and told.

use plenum_sfu::engine::transport::rtcp::ReportBlock;
use plenum_shared::media::{ConnectionQuality, Direction, Kind, LayerLimit, Source};

use crate::call::Call;
use crate::room::{Room, Viewing};
use crate::tracks::{AUDIO, simulcast, single};

#[test]
fn a_viewer_whose_only_picture_is_held_down_by_bandwidth_is_well_connected_at_best() {
    let mut call = Call::new(&simulcast());
    call.pictures(1..91);
    let quality = call.told_quality();
    assert_eq!(quality, Some(ConnectionQuality::Excellent));
    // The browser's own estimate falls to less than the second layer takes.
    for bitrate_bps in [400_000, 90_000] {
        let link = call.viewing.link;
        call.room.send_rtcp(link, |writer| assert!(writer.remb(1, bitrate_bps, &[])));
        call.room.run(33);
    }
    call.pictures(91..211);
    let consumer = call.consumer();
    assert_eq!(consumer.limit, Some(LayerLimit::Bandwidth));
    assert_eq!(consumer.current.map(|layer| layer.spatial), Some(0));
    assert_eq!(call.told_quality(), Some(ConnectionQuality::Good));
    let counters = call.room.engine.counters();
    assert_eq!((counters.pictures, counters.pictures_limited, counters.pictures_withheld), (1, 1, 0));
    // The browser said 90 kbit/s, and the first bound is 100.
    assert_eq!((counters.viewers, counters.estimates.up_to()[0], counters.estimates.count()), (1, 1, 1));
    assert_eq!((counters.videos_by_layer, counters.videos_not_sent), ([1, 0, 0, 0], 0));
}

#[test]
fn a_viewer_whose_pictures_freeze_is_not_well_connected_unless_they_came_in_pieces() {
    for (holes, told) in [(false, ConnectionQuality::Fair), (true, ConnectionQuality::Excellent)] {
        let mut call = Call::new(&single());
        for number in (1..700).filter(|number| !holes || number % 20 != 0) {
            call.room.send_video(call.ada, number, number % 100 == 1);
            call.room.run(33);
            // For a second and more of every three, until the next keyframe is there.
            if number % 100 > 62 && number % 15 == 1 {
                call.ask(1);
            }
        }
        assert_eq!(call.told_quality(), Some(told), "with holes: {holes}");
        assert_eq!(call.room.engine.counters().freezes, if holes { 0 } else { 7 });
    }
}

#[test]
fn a_freeze_is_one_however_often_its_viewer_asks_until_a_keyframe_is_there() {
    let mut call = Call::new(&single());
    let freezes = |call: &Call| call.room.engine.counters().freezes;
    call.film(1..91, true);
    for begin in [91, 96, 101, 106] {
        call.ask(40);
        call.film(begin..begin + 5, false);
    }
    assert_eq!(freezes(&call), 1);
    call.film(111..141, true);
    call.ask(1);
    assert_eq!(freezes(&call), 1, "it has got what it asks for");
    call.film(141..181, false);
    call.ask(1);
    assert_eq!(freezes(&call), 2);
}

#[test]
fn whoever_asks_for_a_keyframe_every_two_seconds_is_well_connected_all_the_same() {
    let mut call = Call::new(&single());
    for second in 0..10 {
        call.film(second * 60 + 1..second * 60 + 61, true);
        call.ask(1);
    }
    assert_eq!(call.told_quality(), Some(ConnectionQuality::Excellent));
    assert_eq!(call.room.engine.counters().freezes, 0);
}

#[test]
fn sound_does_not_freeze() {
    let mut room = Room::new();
    let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
    let microphone = room.produce(ada, Kind::Audio, Source::Microphone, AUDIO);
    let viewing = room.consume(bob, microphone);
    for number in 1..300 {
        // A pause of its publisher, or the last packet counts as the newest keyframe.
        if number < 150 {
            room.send_audio(ada, number, 30);
        }
        room.run(20);
    }
    room.send_rtcp(bob, |writer| assert!(writer.pli(1, viewing.ssrc())));
    assert_eq!(room.engine.counters().freezes, 0);
}

#[test]
fn losses_that_are_sent_again_count_less_than_others() {
    // 4 %, of video that is repeated and of sound that is not.
    let quality = |kind, source, json: &str| {
        let mut room = Room::new();
        let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
        let producer = room.produce(ada, kind, source, json);
        let viewing = room.consume(bob, producer);
        for number in 1..300 {
            match kind {
                Kind::Audio => room.send_audio(ada, number, 30),
                Kind::Video => room.send_video(ada, number, number == 1),
            }
            room.run(20);
            if number % 50 == 0 {
                let (ssrc, fraction_lost) = (viewing.ssrc(), 10);
                let block = ReportBlock { ssrc, fraction_lost, ..ReportBlock::default() };
                room.send_rtcp(bob, |writer| assert!(writer.receiver_report(1, &[block])));
            }
        }
        let session = room.links[bob].session;
        let details = room.details(session);
        assert!((details.transports[0].loss - 10.0 / 256.0).abs() < 1e-6, "it is told as it is");
        details.quality
    };
    assert_eq!(quality(Kind::Video, Source::Camera, &single()), ConnectionQuality::Good);
    assert_eq!(quality(Kind::Audio, Source::Microphone, AUDIO), ConnectionQuality::Fair);
}

/// Bob listens to Ada, and tells which of the packets arrived.
struct Listening {
    room: Room,
    ada: usize,
    viewing: Viewing,
    sent: u16,
}

impl Listening {
    fn new() -> Self {
        let mut room = Room::new();
        let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
        let microphone = room.produce(ada, Kind::Audio, Source::Microphone, AUDIO);
        let viewing = room.consume(bob, microphone);
        Listening { room, ada, viewing, sent: 0 }
    }

    /// So many seconds with so many packets each. One of `lose_every` is lost, which feedback tells five times a second
    /// and a report once.
    fn listen(&mut self, seconds: u16, packets: u16, lose_every: u16) {
        let start = self.room.now;
        for _ in 0..seconds {
            let (mut first, mut arrivals) = (self.sent, Vec::new());
            for number in 1..=packets {
                self.room.send_audio(self.ada, self.sent, 30);
                self.sent += 1;
                let arrival = (self.room.now - start).as_micros() as u64;
                arrivals.push((!self.sent.is_multiple_of(lose_every)).then_some(arrival));
                self.room.run(u64::from(1000 / packets));
                if number % (packets / 5).max(1) == 0 && arrivals.iter().any(Option::is_some) {
                    self.room.send_rtcp(self.viewing.link, |writer| {
                        assert_eq!(writer.transport_feedback(1, 2, 0, first, &arrivals), arrivals.len());
                    });
                    (first, arrivals) = (self.sent, Vec::new());
                }
            }
            let (ssrc, fraction_lost) = (self.viewing.ssrc(), (256 / lose_every) as u8);
            let block = ReportBlock { ssrc, fraction_lost, ..ReportBlock::default() };
            self.room.send_rtcp(self.viewing.link, |writer| assert!(writer.receiver_report(1, &[block])));
        }
    }

    fn told(&mut self) -> (f32, ConnectionQuality) {
        let session = self.room.links[self.viewing.link].session;
        let details = self.room.details(session);
        assert!(details.transports[0].sending.is_some_and(|sending| sending.measured));
        (details.transports[0].loss, details.quality)
    }
}

const NONE_LOST: u16 = u16::MAX;

#[test]
fn what_was_lost_while_somebody_spoke_is_forgotten_in_the_silence_after_it() {
    let mut listening = Listening::new();
    listening.listen(10, 50, 10);
    let (loss, quality) = listening.told();
    assert!((0.07..0.13).contains(&loss), "{loss}");
    assert_eq!(quality, ConnectionQuality::Poor);
    // Comfort packets.
    listening.listen(8, 3, NONE_LOST);
    assert_eq!(listening.told(), (0.0, ConnectionQuality::Excellent));
}

#[test]
fn a_path_that_begins_to_lose_in_silence_is_not_called_well() {
    let mut listening = Listening::new();
    listening.listen(10, 50, NONE_LOST);
    assert_eq!(listening.told(), (0.0, ConnectionQuality::Excellent));
    listening.listen(8, 3, 2);
    let (loss, quality) = listening.told();
    assert!((0.4..0.6).contains(&loss), "{loss}");
    assert_eq!(quality, ConnectionQuality::Poor);
}

#[test]
fn when_the_path_is_well_again_the_loss_is_gone_within_three_seconds_however_much_there_was() {
    let mut listening = Listening::new();
    listening.listen(5, 50, NONE_LOST);
    listening.listen(5, 50, 2);
    assert!(listening.told().0 > 0.4);
    listening.listen(3, 50, NONE_LOST);
    assert_eq!(listening.told().0, 0.0);
}
