//! Figures against the wire of a network that loses, doubles, delays and reorders.

use std::time::Duration;

use plenum_sfu::engine::counters::ByKind;
use plenum_shared::details::{ConsumerDetails, DtlsState, IceState, StreamDetails, Traffic};
use plenum_shared::media::Direction;
use plenum_shared::transport::Protocol;

use crate::camera::Camera;
use crate::meeting::Meeting;

fn add(sum: &mut Traffic, more: &Traffic) {
    sum.count += more.count;
    sum.bytes += more.bytes;
}

/// Everybody publishes and watches the next one, over a network that loses in both directions.
#[test]
fn figures_add_up_to_what_was_on_the_wire_of_a_bad_network() {
    for seed in 1..4 {
        let mut meeting = Meeting::new(seed);
        let people: Vec<_> = (0..3).map(|_| meeting.join()).collect();
        meeting.network.delay = Duration::from_millis(20);
        meeting.network.jitter = Duration::from_millis(10);
        let cameras: Vec<_> =
            people.iter().map(|&person| meeting.publish(person, Camera::single())).collect();
        for &person in &people {
            meeting.watch(person, cameras[(person + 1) % cameras.len()]);
        }
        meeting.run(Duration::from_secs(2));
        meeting.network.loss_percent = 5;
        meeting.network.duplicate_percent = 1;
        meeting.run(Duration::from_secs(3));
        // That of the last seconds is a few packets' luck.
        let mut losses = vec![0.0; people.len()];
        for _ in 0..12 {
            meeting.run(Duration::from_secs(1));
            for (&person, loss) in people.iter().zip(&mut losses) {
                *loss += meeting.details(person).transports[1].loss / 12.0;
            }
        }

        let counters = meeting.engine.counters();
        let details: Vec<_> = people.iter().map(|&person| meeting.details(person)).collect();
        for (&person, details) in people.iter().zip(&details) {
            let [send, receive] = &details.transports[..] else { panic!("seed {seed}: {details:?}") };
            assert_eq!((send.direction, receive.direction), (Direction::Send, Direction::Recv));
            assert!(send.sending.is_none() && receive.sending.is_some());
            let of_person = &meeting.people[person];
            for (transport, connection) in [(send, &of_person.send), (receive, &of_person.receive)] {
                let wire = meeting.wire[&connection.address];
                assert_eq!([transport.received, transport.sent], wire, "seed {seed}");
                assert_eq!(transport.protocol, Some(Protocol::Udp));
                assert_eq!((transport.ice, transport.dtls), (IceState::Connected, DtlsState::Connected));
                assert!(transport.received_rate.0 > 0 && transport.sent_rate.0 > 0);
            }
        }
        assert_eq!((counters.stun_dropped_unknown_ufrag, counters.datagrams_dropped_unknown_address), (0, 0));

        let streams = || details.iter().flat_map(|one| &one.producers).flat_map(|one| &one.streams);
        let consumers = || details.iter().flat_map(|one| &one.consumers);
        let all = |count: fn(&StreamDetails) -> u64| streams().map(count).sum::<u64>();
        assert_eq!(all(|stream| stream.nacks), counters.nacks_sent, "seed {seed}");
        assert_eq!(all(|stream| stream.plis), counters.keyframes_requested, "seed {seed}");
        assert_eq!(all(|stream| stream.keyframes), counters.keyframes_received, "seed {seed}");
        assert_eq!(all(|stream| stream.duplicates), counters.rtp_dropped_duplicate, "seed {seed}");
        let all = |count: fn(&ConsumerDetails) -> u64| consumers().map(count).sum::<u64>();
        assert_eq!(all(|one| one.retransmitted.count), counters.rtp_retransmitted, "seed {seed}");
        assert_eq!(all(|one| one.nacks), counters.nacks_received, "seed {seed}");
        assert_eq!(all(|one| one.nacks_unanswered), counters.retransmissions_unavailable, "seed {seed}");
        let bytes = all(|one| one.sent.bytes + one.retransmitted.bytes + one.probes.bytes);
        assert_eq!(bytes, counters.rtp_bytes_sent, "seed {seed}");

        let ByKind { audio, video, rtx, probe, rtcp, data, handshake, stun } = counters.sent;
        let kinds = [audio, video, rtx, probe, rtcp, data, handshake, stun];
        let (mut by_kind, mut by_transport) = (Traffic::default(), Traffic::default());
        kinds.iter().for_each(|kind| add(&mut by_kind, kind));
        let transports = details.iter().flat_map(|one| &one.transports);
        transports.for_each(|transport| add(&mut by_transport, &transport.sent));
        assert_eq!(by_kind, by_transport, "seed {seed}");
        assert_eq!((rtx.count, probe.count), (counters.rtp_retransmitted, counters.probe_packets_sent));
        let came = counters.received;
        let of_publishers = came.audio.count + came.video.count + came.rtx.count;
        assert_eq!(of_publishers + counters.rtp_dropped_unbound, counters.rtp_received, "seed {seed}");
        assert!(came.rtx.count > 20 && came.rtcp.count > 20 && came.stun.count > 20, "{came:?}");
        let given: u64 = counters.videos_by_layer.iter().sum();
        assert_eq!(given + counters.videos_not_sent, cameras.len() as u64, "seed {seed}");
        assert_eq!(counters.estimates.count(), counters.viewers, "seed {seed}");
        let repaired: Vec<_> = streams().map(|stream| (stream.repaired.count, stream.missed)).collect();
        assert!(
            repaired.iter().all(|&(repaired, missed)| repaired > 20 && repaired <= missed),
            "{repaired:?}"
        );
        // This browser counts what was repaired as received.
        let reported =
            |one: &ConsumerDetails| one.remote.is_some_and(|remote| (0..30).contains(&remote.lost));
        assert!(consumers().all(reported), "seed {seed}");
        assert!(losses.iter().all(|loss| (0.02..0.10).contains(loss)), "seed {seed}: {losses:?}");
        for details in &details {
            let [send, receive] = &details.transports[..] else { panic!("seed {seed}: {details:?}") };
            assert!(receive.sending.is_some_and(|sending| sending.measured));
            assert!(send.loss < 0.08, "seed {seed}: {} after repair", send.loss);
        }
    }
}

#[test]
fn round_trip_and_jitter_are_those_of_the_network() {
    let mut meeting = Meeting::new(7);
    let (ada, bob) = (meeting.join(), meeting.join());
    meeting.network.delay = Duration::from_millis(40);
    let camera = meeting.publish(ada, Camera::simulcast());
    meeting.watch(bob, camera);
    meeting.run(Duration::from_secs(10));
    let (of_ada, of_bob) = (meeting.details(ada), meeting.details(bob));
    let round_trips =
        [of_ada.transports[0].round_trip_ms, of_bob.transports[1].round_trip_ms].map(Option::unwrap);
    assert!(round_trips.iter().all(|ms| (79..=83).contains(ms)), "{round_trips:?}");
    let remote = of_bob.consumers[0].remote.expect("it reports");
    assert!(remote.round_trip_ms.is_some_and(|ms| (79..=83).contains(&ms)), "{remote:?}");
    let still = of_ada.producers[0].streams[0].jitter_ms;
    assert!(still < 1.0, "{still}");

    meeting.network.jitter = Duration::from_millis(30);
    meeting.run(Duration::from_secs(2));
    // That of a moment is the luck of sixteen packets.
    let mut jitter = 0.0;
    for _ in 0..16 {
        meeting.run(Duration::from_millis(500));
        jitter += meeting.details(ada).producers[0].streams[0].jitter_ms / 16.0;
    }
    // One packet a picture: two of them differ by a third of the range, on average.
    assert!((7.5..12.5).contains(&jitter), "{jitter}");
}
