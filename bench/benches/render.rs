//! Unit of work: one event of a meeting as its Socket.IO clients hear it, from what happened to the bytes that go to each of
//! them.

use criterion::{Criterion, criterion_group, criterion_main};
use plenum_bench::allocations::{self, Counting};
use plenum_control::{
    dialect::kcs::socket_event,
    domain::{
        chat::{ChatMessage, MessageKind, Place, Recipient, Sender},
        event::DomainEvent,
        id::{MeetingId, MessageId, ParticipantId, UserId},
        participant::Person,
    },
    socketio::event_frame,
};
use serde_json::Value;
use std::hint::black_box;
use time::OffsetDateTime;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Characters of a message of the usual length.
const MESSAGE_CHARS: usize = 80;

fn events() -> [(&'static str, DomainEvent); 3] {
    let (meeting, user, at) = (MeetingId::generate(), UserId::generate(), OffsetDateTime::UNIX_EPOCH);
    let hand = DomainEvent::HandChanged {
        meeting,
        participant: ParticipantId::generate(),
        person: Person::User(user),
        name: "Ada Lovelace".to_owned(),
        raised: true,
        position: Some(3),
        at,
    };
    let message = ChatMessage {
        id: MessageId::generate(),
        place: Place::Meeting(meeting),
        sender: Sender::User(user),
        sender_name: "Ada Lovelace".to_owned(),
        text: "x".repeat(MESSAGE_CHARS),
        kind: MessageKind::Text,
        recipient: Recipient::All,
        attachments: Vec::new(),
        link: None,
        mentions: Vec::new(),
        sent_at: at,
        edited_at: None,
        deleted: false,
    };
    let speaker = DomainEvent::ActiveSpeaker { meeting, participant: Some(ParticipantId::generate()) };
    [
        ("render/a raised hand", hand),
        ("render/a chat message", DomainEvent::MessageSent(Box::new(message))),
        ("render/who speaks", speaker),
    ]
}

fn render(criterion: &mut Criterion) {
    for (name, event) in events() {
        let work = || {
            let (word, payload) = socket_event(black_box(&event), &Value::Null);
            let json = serde_json::to_vec(&payload).expect("it is JSON already");
            black_box(event_frame(word, &json, None));
        };
        allocations::report(name, work);
        criterion.bench_function(name, |bencher| bencher.iter(work));
    }
}

criterion_group!(benches, render);
criterion_main!(benches);
