//! Unit of work: one datagram that is nobody's, until the engine has dropped it.
//!
//! From a stranger, and from the forged address of a subscriber who is sent a picture, with the user name of its checks:
//! what somebody can do who hears what passes and knows no key.

use criterion::{Criterion, criterion_group, criterion_main};
use plenum_bench::{
    allocations::{self, Counting},
    garbage::{Garbage, Noise, packet},
    room::{Media, Room},
};
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SUBSCRIBERS: usize = 40;

fn drops(criterion: &mut Criterion) {
    let mut room = Room::new(Media::Video, SUBSCRIBERS);
    let username = room.username(0).to_owned();
    let (ours, _) = username.split_once(':').expect("two halves");
    let overheard = format!("{ours}:nobody");
    let mut noise = Noise(1);
    let mut cases = Vec::new();
    for garbage in Garbage::ALL {
        cases.push((
            format!("{garbage:?} of a stranger"),
            None,
            packet(garbage, "nobody:nowhere", &mut noise),
        ));
    }
    cases.push(("ForgedRequest of a stranger, to our ufrag".to_owned(), None, {
        packet(Garbage::ForgedRequest, &overheard, &mut noise)
    }));
    for garbage in Garbage::ALL {
        cases.push((format!("{garbage:?} forged"), Some(0), packet(garbage, &username, &mut noise)));
    }
    let mut buffer = Vec::new();
    for (name, from, packet) in cases {
        let name = format!("garbage/{name}, {} bytes", packet.len());
        let mut drop = || {
            // A failed opening leaves other bytes behind.
            buffer.clear();
            buffer.extend_from_slice(&packet);
            room.receive_forged(from, black_box(&mut buffer));
        };
        allocations::report(&name, &mut drop);
        criterion.bench_function(&name, |bencher| bencher.iter(&mut drop));
    }
}

criterion_group!(benches, drops);
criterion_main!(benches);
