//! Unit of work: one message of the control link, to bytes and back.

use criterion::{Criterion, criterion_group, criterion_main};
use plenum_bench::allocations::{self, Counting};
use plenum_shared::{
    codec,
    command::{Command, Request, RoomCommand},
    event::{Event, NumberedEvent},
    id::{ConsumerId, ProducerId, RoomId, SessionId, TransportId},
    rtp::router_capabilities,
};
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes of the length in front of a message.
const PREFIX: usize = 4;

/// The largest request there is: a subscription with everything a browser can receive.
fn consume() -> Request {
    let command = RoomCommand::Consume {
        transport: TransportId::random(),
        consumer: ConsumerId::random(),
        producer: ProducerId::random(),
        rtp_capabilities: router_capabilities(),
        paused: false,
    };
    Request { control_epoch: 7, command: Command::Room { room: RoomId::random(), command } }
}

fn speaker() -> NumberedEvent {
    let speaker = Some((SessionId::random(), ProducerId::random()));
    NumberedEvent { number: 9, event: Event::ActiveSpeaker { room: RoomId::random(), group: 0, speaker } }
}

fn codec(criterion: &mut Criterion) {
    let (request, event) = (consume(), speaker());
    let request_bytes = codec::encode_request(&request).expect("within bounds");
    let event_bytes = codec::encode_event(&event).expect("within bounds");
    let encode_request = || drop(black_box(codec::encode_request(black_box(&request))));
    let decode_request = || drop(black_box(codec::decode_request(black_box(&request_bytes[PREFIX..]))));
    let encode_event = || drop(black_box(codec::encode_event(black_box(&event))));
    let decode_event = || drop(black_box(codec::decode_event(black_box(&event_bytes[PREFIX..]))));
    let cases: [(&str, &dyn Fn()); 4] = [
        ("codec/consume request to bytes", &encode_request),
        ("codec/consume request from bytes", &decode_request),
        ("codec/speaker event to bytes", &encode_event),
        ("codec/speaker event from bytes", &decode_event),
    ];
    for (name, work) in cases {
        allocations::report(name, work);
        criterion.bench_function(name, |bencher| bencher.iter(work));
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
