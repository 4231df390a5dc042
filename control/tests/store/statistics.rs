//! Facts of meetings, recordings, and counts over all of them.

use plenum_control::domain::analytics::{ActKind, Traffic};
use plenum_control::domain::chat::{ChatMessage, MessageKind, Place, Recipient, Sender};
use plenum_control::domain::id::{MessageId, RecordingId};
use plenum_control::domain::ledger::batch::Batch;
use plenum_control::domain::ledger::{Act, Fact, Lasting, Stretch};
use plenum_control::domain::participant::Person;
use plenum_control::domain::reaction::Reaction;
use plenum_control::domain::recording::Recording;
use plenum_control::domain::system::MeetingCounts;
use plenum_shared::id::RoomId;
use plenum_shared::media::ConnectionQuality;

use super::*;

on_both![
    stat_02_facts_add_up_over_batches_and_come_back_with_their_meeting,
    rec_01_a_recording_has_one_beginning_and_one_end_and_one_runs_at_a_time,
    stat_04_meetings_and_people_are_counted_by_campus,
];

fn message(meeting: MeetingId, sender: UserId, sent_at: OffsetDateTime) -> ChatMessage {
    ChatMessage {
        id: MessageId::generate(),
        place: Place::Meeting(meeting),
        sender: Sender::User(sender),
        sender_name: "shown".into(),
        text: "there".into(),
        kind: MessageKind::Text,
        recipient: Recipient::All,
        attachments: Vec::new(),
        mentions: Vec::new(),
        sent_at,
        link: None,
        edited_at: None,
        deleted: false,
    }
}

async fn stat_02_facts_add_up_over_batches_and_come_back_with_their_meeting(world: World) {
    let ada = world.account("ada").await;
    let meeting = world.meeting(&ada).await;
    let other = world.meeting(&ada).await;
    let session = world.enter(meeting.id, &ada, now(), 1).await;
    let started = meeting.started_at.expect("live");
    let quality = Lasting::Quality(ConnectionQuality::Fair);
    let stretch = Stretch { session, what: quality, from: started, to: None };
    let room = RoomId::random();
    let later = started + Duration::minutes(3);
    for (to, traffic) in [(None, 10), (Some(later), 25)] {
        let mut batch = Batch::default();
        let clap = Act::Reaction(Reaction::parse("reaction", "clap").expect("a reaction"));
        for act in [clap.clone(), clap, Act::Hand] {
            assert!(batch.note(meeting.id, started, Fact::Acted { session, act, at: later }));
        }
        batch.note(meeting.id, started, Fact::Stretch(Stretch { to, ..stretch }));
        batch.note_traffic(meeting.id, room, Traffic { received: traffic, sent: 2 * traffic });
        batch.note_traffic(other.id, RoomId::random(), Traffic { received: 1000, sent: 1000 });
        world.store.keep_facts(&batch).await.expect("written");
    }
    for minute in [0, 2, 2] {
        let sent = message(meeting.id, ada.id, started + Duration::minutes(minute) + Duration::seconds(59));
        world.store.insert_message(&sent).await.expect("written");
    }
    assert_eq!(world.store.record_of(&meeting).await.expect("reads"), None, "it goes on");
    let (ended, ()) =
        world.store.change_meeting(meeting.id, |meeting| meeting.end(later)).await.expect("ends");
    let record = world.store.record_of(&ended).await.expect("reads").expect("has ended");
    assert_eq!((record.sessions.len(), record.sessions[0].id), (1, session));
    let mut acts: Vec<_> =
        record.acts.iter().map(|act| (act.detail.as_str(), act.minute, act.count)).collect();
    acts.sort_unstable();
    assert_eq!(acts, [("", 3, 2), ("👏", 3, 4)]);
    assert!(record.acts.iter().any(|act| act.kind == ActKind::Hand && act.session == session));
    assert_eq!(record.stretches, [Stretch { to: Some(later), ..stretch }]);
    assert_eq!(record.traffic, Traffic { received: 25, sent: 50 }, "the newest of each room");
    let mut messages: Vec<_> = record.messages.iter().map(|sent| (sent.minute, sent.count)).collect();
    messages.sort_unstable();
    assert_eq!(messages, [(0, 1), (2, 2)]);
    let counts = world.store.live_counts(meeting.id).await.expect("reads");
    assert_eq!((counts.messages, counts.participants_peak, counts.recording), (3, 1, false));
}

async fn rec_01_a_recording_has_one_beginning_and_one_end_and_one_runs_at_a_time(world: World) {
    let ada = world.account("ada").await;
    let meeting = world.meeting(&ada).await;
    let begins = |started_by, at| Recording { id: RecordingId::generate(), started_by, started_at: at };
    let first = begins(Some(Person::User(ada.id)), now());
    world.store.begin_recording(meeting.id, &first).await.expect("begins");
    let at_once = begins(None, now());
    assert!(world.store.begin_recording(meeting.id, &at_once).await.is_err(), "one runs already");
    assert!(world.store.live_counts(meeting.id).await.expect("reads").recording);
    let (end, later) = (now() + Duration::minutes(1), now() + Duration::minutes(2));
    world.store.end_recording(first.id, end).await.expect("ends");
    world.store.end_recording(first.id, later).await.expect("twice is fine");
    let guest = Person::Guest(ParticipantId::generate());
    let second = begins(Some(guest), later);
    world.store.begin_recording(meeting.id, &second).await.expect("begins");
    world.store.end_recordings_of(meeting.id, later).await.expect("ends");
    let recordings = world.store.recordings(meeting.id).await.expect("reads");
    let told: Vec<_> = recordings.iter().map(|one| (one.id, one.started_by, one.ended_at)).collect();
    let ada = Some(Person::User(ada.id));
    assert_eq!(told, [(first.id, ada, Some(end)), (second.id, Some(guest), Some(later))]);
    assert!(recordings.iter().all(|one| one.file.is_none()));
}

async fn stat_04_meetings_and_people_are_counted_by_campus(world: World) {
    let (ada, bob) = (world.account("ada").await, world.account("bob").await);
    let stranger = Account { campus: CampusId::new("elsewhere"), ..account("eve") };
    world.store.insert_account(&stranger, &hash()).await.expect("inserted");
    let live = world.meeting(&ada).await;
    let mut planned = meeting(&ada);
    (planned.status, planned.started_at) = (MeetingStatus::Scheduled, None);
    world.store.insert_meeting(&planned).await.expect("inserted");
    world.meeting(&stranger).await;
    world.enter(live.id, &ada, now(), 1).await;
    // Two devices are one person.
    world.enter(live.id, &ada, now(), 1).await;
    let gone = world.enter(live.id, &bob, now(), 2).await;
    world.store.close_session(gone, now() + Duration::minutes(1), LeaveReason::Left).await.expect("closes");
    let here = CampusId::new("default");
    let counts = world.store.meeting_counts(Some(&here)).await.expect("counts");
    assert_eq!(counts, MeetingCounts { total: 2, active: 1, scheduled: 1, participants: 2, inside: 1 });
    let all = world.store.meeting_counts(None).await.expect("counts");
    assert_eq!(all, MeetingCounts { total: 3, active: 2, ..counts });
    let nowhere = world.store.meeting_counts(Some(&CampusId::new("nowhere"))).await.expect("counts");
    assert_eq!(nowhere, MeetingCounts::default());
}
