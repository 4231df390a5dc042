//! Unit of work: one forwarded packet, from a publisher's datagram to a sealed copy that lies ready for the kernel.
//!
//! A frame of five packets comes in and is arranged for sending; the time is divided by packets times subscribers.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use plenum_bench::{
    allocations::{self, Counting},
    room::{FRAME, Media, Room},
};
use std::{
    cell::RefCell,
    hint::black_box,
    time::{Duration, Instant},
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SUBSCRIBERS: [usize; 3] = [1, 10, 40];
const FRAMES_COUNTED: usize = 500;

fn forward(criterion: &mut Criterion) {
    for media in [Media::Audio, Media::Video] {
        let mut group = criterion.benchmark_group(format!("forward/{media:?}"));
        for subscribers in SUBSCRIBERS {
            let room = RefCell::new(Room::new(media, subscribers));
            count_allocations(&mut room.borrow_mut(), media, subscribers);
            group.throughput(Throughput::Elements((FRAME * subscribers) as u64));
            group.bench_function(BenchmarkId::from_parameter(subscribers), |bencher| {
                bencher.iter_custom(|frames| time_frames(&mut room.borrow_mut(), frames));
            });
        }
        group.finish();
    }
}

fn time_frames(room: &mut Room, frames: u64) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..frames {
        let mut frame = room.sealed_frame();
        let begun = Instant::now();
        black_box(room.forward(&mut frame));
        spent += begun.elapsed();
        room.rest();
    }
    spent
}

fn count_allocations(room: &mut Room, media: Media, subscribers: usize) {
    let (mut allocations, mut forwarded) = (0, 0);
    for _ in 0..FRAMES_COUNTED {
        let mut frame = room.sealed_frame();
        let before = allocations::calls();
        forwarded += room.forward(&mut frame);
        allocations += allocations::calls() - before;
        room.rest();
    }
    assert_eq!(forwarded, FRAMES_COUNTED * FRAME * subscribers, "nothing was dropped");
    let per_packet = allocations as f64 / forwarded as f64;
    eprintln!("forward/{media:?}/{subscribers}: {per_packet:.4} allocations per forwarded packet");
}

criterion_group!(benches, forward);
criterion_main!(benches);
