//! Unit of work: one copy of a message by a data channel, from the sender's datagram to a sealed one for a receiver.
//!
//! The time of a message is divided by its receivers. What it may be at most is `COPY_TIME` of the engine's
//! `transport/sctp/budget.rs`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use plenum_bench::data_room::DataRoom;
use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

const RECEIVERS: [usize; 2] = [8, 64];
/// A line of a chat, a full packet, and a message of fourteen.
const LENGTHS: [usize; 3] = [100, 1000, 16_000];

fn copies(criterion: &mut Criterion) {
    for receivers in RECEIVERS {
        let room = RefCell::new(DataRoom::new(receivers));
        let mut group = criterion.benchmark_group(format!("data/{receivers} receivers"));
        group.throughput(Throughput::Elements(receivers as u64));
        for len in LENGTHS {
            group.bench_function(BenchmarkId::from_parameter(len), |bencher| {
                bencher.iter_custom(|messages| time_messages(&mut room.borrow_mut(), len, messages));
            });
        }
        group.finish();
    }
}

fn time_messages(room: &mut DataRoom, len: usize, messages: u64) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..messages {
        let mut message = room.sealed_message(len);
        let begun = Instant::now();
        room.forward(&mut message);
        spent += begun.elapsed();
        room.rest();
    }
    spent
}

criterion_group!(benches, copies);
criterion_main!(benches);
