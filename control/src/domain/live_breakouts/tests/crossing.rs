//! Tracks, channels, words and screens stay in the room they are of, and are found again where it is left.

use super::*;

#[test]
fn c_61_moving_apart_ends_subscriptions_both_ways_and_coming_back_tells_of_the_tracks_again() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let [hanna, ada, bob] = inside[..] else { panic!() };
    let tracks = [
        world.publish(hanna, Source::Camera),
        world.publish(ada, Source::Camera),
        world.publish(bob, Source::Camera),
    ];
    let mut watched = HashMap::new();
    for (index, viewer) in inside.iter().enumerate() {
        for (of, track) in tracks.iter().enumerate().filter(|(of, _)| *of != index) {
            watched.insert((index, of), world.watch(*viewer, *track).expect("watches"));
        }
    }
    let rooms = world.open(plan(2));
    let moved = world.assign("hanna", "ada", rooms[0]).expect("moves");
    let ended: HashSet<_> = moved.unsubscribed.iter().copied().collect();
    let crossing: HashSet<_> = [(0, 1), (1, 0), (1, 2), (2, 1)].iter().map(|pair| watched[pair]).collect();
    assert_eq!(ended, crossing, "host and second still see each other");
    assert_eq!(hears(&moved.notices, ada, "producer_closed"), 2);
    assert_eq!(hears(&moved.notices, hanna, "producer_closed"), 1);
    assert_eq!(hears(&moved.notices, bob, "producer_closed"), 1);
    assert_eq!(hears(&moved.notices, bob, "producer_added"), 0);
    assert_eq!(world.watch(ada, tracks[0]), Err(DomainError::ProducerNotFound), "as if it were not there");
    assert_eq!(world.watch(bob, tracks[1]), Err(DomainError::ProducerNotFound));

    let moved = world.assign("hanna", "bob", rooms[0]).expect("moves");
    assert_eq!(moved.unsubscribed.len(), 2, "bob and hanna");
    assert_eq!(hears(&moved.notices, ada, "producer_added"), 1);
    assert_eq!(hears(&moved.notices, bob, "producer_added"), 1);
    assert_eq!(hears(&moved.notices, hanna, "producer_closed"), 1);
    world.watch(ada, tracks[2]).expect("together now");

    let moved = world.wish("hanna", BreakoutWish::Close).expect("closes");
    assert_eq!(moved.unsubscribed, [], "nobody loses anybody");
    assert_eq!(hears(&moved.notices, ada, "producer_added"), 1, "the host; the other was near all the time");
    assert_eq!(hears(&moved.notices, hanna, "producer_added"), 2);
    assert_eq!(hears(&moved.notices, ada, "producer_closed"), 0);
    assert!(inside.iter().all(|who| world.place(*who).is_none()));
    let kept = world.live.participant(ada.id).expect("inside");
    assert_eq!((kept.producers.len(), kept.consumers.len()), (1, 1), "what was published stays published");
}

#[test]
fn c_61_add_ev_90_data_channels_are_parted_and_met_as_tracks_are() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let [hanna, ada, bob] = inside[..] else { panic!() };
    let channels = [world.open_channel(hanna), world.open_channel(ada)];
    let ended = [
        world.receive(ada, channels[0]).expect("together"),
        world.receive(hanna, channels[1]).expect("together"),
    ];
    let kept = world.receive(bob, channels[0]).expect("together");
    let transport = world.live.of_connection(bob.connection).expect("inside").recv_transport.expect("open");
    let rooms = world.open(plan(1));
    let moved = world.assign("hanna", "ada", rooms[0]).expect("moves");
    assert_eq!(moved.unsubscribed_data.iter().collect::<HashSet<_>>(), ended.iter().collect());
    assert_eq!(moved.closed_data, []);
    let (closed, added) = ("data_producer_closed", "data_producer_added");
    let heard = |who| (hears(&moved.notices, who, closed), hears(&moved.notices, who, added));
    assert_eq!((heard(hanna), heard(ada), heard(bob)), ((1, 0), (1, 0), (1, 0)));
    assert_eq!(
        world.receive(bob, channels[1]),
        Err(DomainError::ProducerNotFound),
        "as if it were not there"
    );
    let late =
        DataConsumer { id: DataConsumerId::random(), transport, producer: channels[1], stream: STREAM };
    let late = world.live.add_data_consumer(bob.connection, late);
    assert_eq!(late, Err(DomainError::ProducerNotFound), "what was asked for before the move");
    assert_eq!(world.live.of_connection(bob.connection).expect("inside").data_consumers[0].id, kept);

    let (eve, notices) = world.join("eve");
    let entrance = notices.iter().find_map(|notice| match &notice.event {
        DomainEvent::Joined(entrance) => Some(entrance.clone()),
        _ => None,
    });
    let others = entrance.expect("joined").others.clone();
    let found: Vec<_> = others.iter().map(|other| other.data_producers.len()).collect();
    assert_eq!(found, [1, 0, 0], "of the main room alone");
    let closes = world.wish("hanna", BreakoutWish::Close).expect("closes");
    let news = |who| hears(&closes.notices, who, added);
    assert_eq!((news(hanna), news(ada), news(bob), news(eve)), (1, 1, 1, 1));
    world.receive(bob, channels[1]).expect("together now");
}

#[test]
fn c_61_whoever_comes_to_a_room_without_chat_has_no_channel_there() {
    let (mut world, inside) = World::with(&["hanna", "ada"]);
    let [hanna, ada] = inside[..] else { panic!() };
    let channel = world.open_channel(ada);
    world.receive(hanna, channel).expect("together");
    let rooms = world.open(Plan { rooms: vec![quiet_room()], ..plan(1) });
    let moved = world.assign("hanna", "ada", rooms[0]).expect("moves");
    assert_eq!((moved.closed_data, moved.unsubscribed_data), (vec![channel], vec![]));
    assert_eq!(hears(&moved.notices, hanna, "data_producer_closed"), 1);
    let sends = world.live.of_connection(ada.connection).expect("inside").send_transport.expect("open");
    let refused = world.live.may_produce_data(ada.connection, sends);
    assert_eq!(refused, Err(DomainError::FeatureOff(Feature::Chat)));
}

#[test]
fn c_61_what_was_asked_for_before_a_move_and_answered_after_it_is_refused() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let [_, ada, bob] = inside[..] else { panic!() };
    let track = world.publish(ada, Source::Camera);
    let wanted =
        Wanted { publisher: ada.id.to_string(), kind: Kind::Video, source: None, producer: Some(track) };
    let chosen = world.live.may_consume(bob.connection, &wanted).expect("together");
    let rooms = world.open(plan(1));
    world.assign("hanna", "bob", rooms[0]).expect("moves");
    let late =
        Consumer { id: ConsumerId::random(), transport: chosen.transport, producer: track, told: None };
    assert_eq!(world.live.add_consumer(bob.connection, late), Err(DomainError::ProducerNotFound));
}

#[test]
fn c_61_what_a_room_does_not_allow_stops_and_is_refused_inside_it() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let [hanna, ada, _] = inside[..] else { panic!() };
    let screen = world.publish(ada, Source::Screen);
    let sound = world.publish(ada, Source::ScreenAudio);
    world.publish(ada, Source::Camera);
    let rooms = world.open(Plan { rooms: vec![quiet_room()], ..plan(1) });
    let moved = world.assign("hanna", "ada", rooms[0]).expect("moves");
    assert_eq!(moved.closed, [screen, sound]);
    assert_eq!(hears(&moved.notices, ada, "producer_closed"), 2, "told to those who saw it, and to him");
    assert_eq!(hears(&moved.notices, hanna, "producer_closed"), 3);
    assert!(!world.live.participant(ada.id).expect("inside").media.screen);
    let share = MediaChange { screen: Some(true), ..MediaChange::default() };
    let off = DomainError::FeatureOff(Feature::ScreenSharing);
    assert_eq!(world.live.set_media(ada.connection, share), Err(off.clone()));
    assert_eq!(world.live.may_produce(ada.connection, Kind::Video, Source::Screen), Err(off));
    let silent = DomainError::FeatureOff(Feature::Chat);
    assert_eq!(world.live.may_chat(ada.connection).err(), Some(silent.clone()));
    assert_eq!(world.live.set_typing(ada.connection, true, now()), Err(silent.clone()));
    assert_eq!(world.live.name_to_write(world.accounts["ada"].id), Err(silent));
    assert!(world.live.may_chat(hanna.connection).is_ok());
    world.wish("ada", BreakoutWish::Return(Whom::Oneself)).expect("returns");
    assert!(
        world.live.may_chat(ada.connection).is_ok() && world.live.set_media(ada.connection, share).is_ok()
    );
}

#[test]
fn c_61_tracks_pauses_and_speakers_are_told_within_the_room_only() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let [hanna, ada, bob] = inside[..] else { panic!() };
    let rooms = world.open(plan(1));
    world.assign("hanna", "ada", rooms[0]).expect("moves");
    world.assign("hanna", "bob", rooms[0]).expect("moves");
    let transport = world.live.of_connection(ada.connection).expect("inside").send_transport.expect("open");
    let id = ProducerId::random();
    let track = Producer { id, transport, kind: Kind::Video, source: Source::Camera, paused: false };
    let added = world.live.add_producer(ada.connection, track).expect("publishes");
    let paused = world.live.pause_producer(ada.connection, id, true).expect("pauses");
    let speaks = world.live.speaker_changed(1, Some(SessionId(ada.id.0)));
    for (notices, name) in
        [(&added, "producer_added"), (&paused, "producer_paused"), (&speaks, "active_speaker")]
    {
        assert_eq!((hears(notices, bob, name), hears(notices, hanna, name)), (1, 0), "{name}");
    }
    let elsewhere = world.live.speaker_changed(0, Some(SessionId(hanna.id.0)));
    let heard = |who: Session| {
        let mine = elsewhere
            .iter()
            .filter(|notice| hears(std::slice::from_ref(*notice), who, "active_speaker") == 1);
        mine.map(|notice| match notice.event {
            DomainEvent::ActiveSpeaker { participant, .. } => participant,
            _ => panic!(),
        })
        .collect::<Vec<_>>()
    };
    assert_eq!((heard(hanna), heard(bob)), (vec![Some(hanna.id)], vec![]));
    let closed = world.live.close_producer(ada.connection, id).expect("closes");
    let name = "producer_closed";
    assert_eq!(
        (hears(&closed, ada, name), hears(&closed, bob, name), hears(&closed, hanna, name)),
        (1, 1, 0)
    );
    let muted =
        world.live.set_media(ada.connection, MediaChange { audio: Some(false), ..MediaChange::default() });
    assert_eq!(hears(&muted.expect("mutes").0, hanna, "media_changed"), 1, "that is known of everybody");
}

#[test]
fn c_61_whoever_enters_hears_of_the_rooms_and_finds_the_tracks_of_his_room_only() {
    let (mut world, inside) = World::with(&["hanna", "ada"]);
    let [hanna, ada] = inside[..] else { panic!() };
    world.publish(hanna, Source::Camera);
    world.publish(ada, Source::Camera);
    let rooms = world.open(plan(2));
    world.assign("hanna", "ada", rooms[1]).expect("moves");
    assert_eq!(world.assign("hanna", "bob", rooms[1]), Ok(Moved::default()), "on the roster and not inside");
    let tracks = |notices: &[Notice]| {
        let entrance = notices.iter().find_map(|notice| match &notice.event {
            DomainEvent::Joined(entrance) => Some(entrance.clone()),
            _ => None,
        });
        let others = entrance.expect("joined").others.clone();
        others.iter().map(|other| (other.id, other.producers.len())).collect::<Vec<_>>()
    };
    let (bob, notices) = world.join("bob");
    assert_eq!(world.place(bob), Some(rooms[1]), "a place was kept for him");
    assert_eq!(tracks(&notices), [(hanna.id, 0), (ada.id, 1)]);
    assert_eq!(hears(&notices, bob, "breakouts_changed"), 1);
    assert_eq!(hears(&notices, hanna, "breakouts_changed"), 0);
    assert_eq!(
        (hears(&notices, bob, "breakout_assigned"), hears(&notices, hanna, "breakout_assigned")),
        (1, 1)
    );
    let (_, notices) = world.join("eve");
    assert_eq!(tracks(&notices), [(hanna.id, 1), (ada.id, 0), (bob.id, 0)]);
    assert_eq!(
        world.assign("hanna", &RosterId::generate().to_string(), rooms[0]),
        Err(DomainError::ParticipantNotFound)
    );
    assert_eq!(world.assign("hanna", "nobody", rooms[0]), Err(DomainError::ParticipantNotFound));
}

#[test]
fn c_61_a_broadcast_reaches_every_room_and_needs_one() {
    let (mut world, _) = World::with(&["hanna", "ada"]);
    let host = world.actor("hanna");
    let say = |world: &World| world.live.broadcast(&host, "Five minutes".into(), now());
    assert_eq!(say(&world).err(), Some(DomainError::BreakoutRoomNotFound));
    world.open(plan(1));
    let (person, name, notices) = say(&world).expect("says");
    assert_eq!((person, name.as_str()), (Person::User(world.accounts["hanna"].id), "hanna"));
    assert!(matches!(notices[..], [Notice { audience: Audience::Everyone, .. }]));
}
