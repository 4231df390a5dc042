//! Unit of work: one packet of a room on two workers, from a publisher's datagram at home to sealed copies that lie ready for
//! the kernel on the branch, beside the same with its subscribers at home. The difference is what crossing costs, and the time
//! of both workers is in it.

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

fn crossing(criterion: &mut Criterion) {
    for media in [Media::Audio, Media::Video] {
        let mut group = criterion.benchmark_group(format!("crossing/{media:?}"));
        for subscribers in SUBSCRIBERS {
            let rooms = [Room::new(media, subscribers), Room::across(media, subscribers)];
            for (place, room) in ["home", "branch"].into_iter().zip(rooms) {
                let room = RefCell::new(room);
                count_allocations(&mut room.borrow_mut(), media, subscribers, place);
                group.throughput(Throughput::Elements(FRAME as u64));
                group.bench_function(BenchmarkId::new(place, subscribers), |bencher| {
                    bencher.iter_custom(|frames| time_frames(&mut room.borrow_mut(), frames));
                });
            }
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

fn count_allocations(room: &mut Room, media: Media, subscribers: usize, place: &str) {
    let (mut allocations, mut forwarded) = (0, 0);
    for _ in 0..FRAMES_COUNTED {
        let mut frame = room.sealed_frame();
        let before = allocations::calls();
        forwarded += room.forward(&mut frame);
        allocations += allocations::calls() - before;
        room.rest();
    }
    assert_eq!(forwarded, FRAMES_COUNTED * FRAME * subscribers, "nothing was dropped");
    let per_packet = allocations as f64 / (FRAMES_COUNTED * FRAME) as f64;
    eprintln!("crossing/{media:?}/{place}/{subscribers}: {per_packet:.4} allocations per packet that came");
}

criterion_group!(benches, crossing);
criterion_main!(benches);
