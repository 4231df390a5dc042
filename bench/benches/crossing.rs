//! Unit of work: one packet of a room on two workers, from a publisher's datagram at home to sealed copies that lie ready for
//! the kernel on the branch, beside the same with its subscribers at home. The difference is what crossing costs, and the time
//! of both workers is in it.

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

fn crossing(criterion: &mut Criterion) {
    for media in [Media::Audio, Media::Video] {
        let mut group = criterion.benchmark_group(format!("crossing/{media:?}"));
        for subscribers in SUBSCRIBERS {
            let rooms = [Room::new(media, subscribers), Room::across(media, subscribers)];
            for (place, room) in ["home", "branch"].into_iter().zip(rooms) {
                let room = RefCell::new(room);
                let Counted { allocations, .. } = room.borrow_mut().count_allocations(FRAMES_COUNTED);
                let each = allocations as f64 / (FRAMES_COUNTED * FRAME) as f64;
                eprintln!(
                    "crossing/{media:?}/{place}/{subscribers}: {each:.4} allocations per packet that came"
                );
                group.throughput(Throughput::Elements(FRAME as u64));
                group.bench_function(BenchmarkId::new(place, subscribers), |bencher| {
                    bencher.iter_custom(|frames| room.borrow_mut().time_frames(frames));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, crossing);
criterion_main!(benches);
