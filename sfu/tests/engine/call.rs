//! One publisher, one viewer, and what is told of both.

use plenum_sfu::engine::transport::rtcp::{self, RtcpPacket};
use plenum_shared::details::{ConsumerDetails, ProducerDetails, StreamDetails};
use plenum_shared::event::Event;
use plenum_shared::media::{ConnectionQuality, Direction, Kind, Source};

use crate::room::{MID, Room, Sent, Viewing};
use crate::tracks::vp8;

/// Ada publishes one video, Bob watches it.
pub struct Call {
    pub room: Room,
    pub ada: usize,
    pub viewing: Viewing,
}

impl Call {
    pub fn new(json: &str) -> Self {
        let mut room = Room::new();
        let (ada, bob) = (room.link(Direction::Send), room.link(Direction::Recv));
        let producer = room.produce(ada, Kind::Video, Source::Camera, json);
        let viewing = room.consume(bob, producer);
        Call { room, ada, viewing }
    }

    pub fn producer(&mut self) -> ProducerDetails {
        let session = self.room.links[self.ada].session;
        self.room.details(session).producers.remove(0)
    }

    pub fn stream(&mut self) -> StreamDetails {
        self.producer().streams.remove(0)
    }

    pub fn consumer(&mut self) -> ConsumerDetails {
        let session = self.room.links[self.viewing.link].session;
        self.room.details(session).consumers.remove(0)
    }

    /// A packet of the single stream, sent again on its stream of retransmissions.
    pub fn repair(&mut self, rtx_number: u16, number: u16) {
        let mut payload = number.to_be_bytes().to_vec();
        payload.extend(vp8(false, number));
        let packet = Sent {
            payload_type: 97,
            ssrc: 2001,
            sequence_number: rtx_number,
            timestamp: u32::from(number) * 3000,
            extensions: &[(MID, b"1")],
            payload: &payload,
        };
        self.room.send(self.ada, packet);
    }

    /// Sequence numbers the publisher was asked for since the last look.
    pub fn asked_for(&mut self) -> u64 {
        let compounds = self.room.received_rtcp(self.ada);
        let packets = compounds.iter().flat_map(|compound| rtcp::parse(compound));
        let counts = packets.map(|packet| match packet {
            RtcpPacket::Nack { lost, .. } => lost.sequence_numbers().count() as u64,
            _ => 0,
        });
        counts.sum()
    }

    pub fn told_quality(&self) -> Option<ConnectionQuality> {
        let viewer = self.room.links[self.viewing.link].session;
        self.room.events.iter().rev().find_map(|event| match event {
            Event::QualityChanged { session, quality, .. } if *session == viewer => Some(*quality),
            _ => None,
        })
    }

    /// So many pictures of every layer at 30 a second.
    pub fn pictures(&mut self, numbers: std::ops::Range<u16>) {
        for number in numbers {
            self.room.send_simulcast(self.ada, number, number % 30 == 1);
            self.room.run(33);
        }
    }

    /// So many pictures of the single stream, of which the first may be a keyframe.
    pub fn film(&mut self, numbers: std::ops::Range<u16>, keyframe: bool) {
        for number in numbers.clone() {
            self.room.send_video(self.ada, number, keyframe && number == numbers.start);
            self.room.run(33);
        }
    }

    /// The viewer asks for a keyframe, so many times in one compound.
    pub fn ask(&mut self, times: u8) {
        let (ssrc, link) = (self.viewing.ssrc(), self.viewing.link);
        self.room.send_rtcp(link, |writer| {
            assert!(writer.pli(1, ssrc));
            (1..times).for_each(|number| assert!(writer.fir(1, ssrc, number)));
        });
    }
}
