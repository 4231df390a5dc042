//! Unit of work: one forwarded packet, from a publisher's datagram to a sealed copy that lies ready for the kernel.
//!
//! A frame of five packets comes in and is arranged for sending; the time is divided by packets times subscribers.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use plenum_bench::{
    allocations::Counting,
    room::{Counted, FRAME, Media, Room},
};
use std::cell::RefCell;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SUBSCRIBERS: [usize; 3] = [1, 10, 40];
const FRAMES_COUNTED: usize = 500;

fn forward(criterion: &mut Criterion) {
    for media in [Media::Audio, Media::Video] {
        let mut group = criterion.benchmark_group(format!("forward/{media:?}"));
        for subscribers in SUBSCRIBERS {
            let room = RefCell::new(Room::new(media, subscribers));
            let Counted { allocations, forwarded } = room.borrow_mut().count_allocations(FRAMES_COUNTED);
            let each = allocations as f64 / forwarded as f64;
            eprintln!("forward/{media:?}/{subscribers}: {each:.4} allocations per forwarded packet");
            group.throughput(Throughput::Elements((FRAME * subscribers) as u64));
            group.bench_function(BenchmarkId::from_parameter(subscribers), |bencher| {
                bencher.iter_custom(|frames| room.borrow_mut().time_frames(frames));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, forward);
criterion_main!(benches);
