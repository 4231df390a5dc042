//! Unit of work: one datagram sorted and its transport found, among as many as a busy worker has.

use criterion::{Criterion, criterion_group, criterion_main};
use plenum_bench::{
    allocations::{self, Counting},
    packets,
};
use plenum_sfu::engine::{
    demux::{Demux, classify},
    transport::LocalIndex,
};
use std::{
    hint::black_box,
    net::{Ipv4Addr, SocketAddr},
    time::Instant,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const TRANSPORTS: usize = 4096;
const LOCAL: LocalIndex = LocalIndex(0);

fn address(index: usize) -> SocketAddr {
    let ip = Ipv4Addr::from_bits(0x0a00_0000 + (index as u32 / 16));
    (ip, 40_000 + (index as u16 % 16)).into()
}

fn demux() -> Demux {
    let mut demux = Demux::new([3; 16]);
    let now = Instant::now();
    for index in 0..TRANSPORTS {
        assert!(demux.insert_ufrag(&format!("ufrag-{index}"), index));
        demux.bind(now, index, LOCAL, address(index)).expect("an address of its own");
    }
    demux
}

/// A binding request with a USERNAME and nothing else: what routing reads before it believes anything.
fn binding_request(username: &str) -> Vec<u8> {
    let mut attributes = vec![0, 6];
    attributes.extend_from_slice(&(username.len() as u16).to_be_bytes());
    attributes.extend_from_slice(username.as_bytes());
    attributes.resize(attributes.len().next_multiple_of(4), 0);
    let mut message = vec![0, 1];
    message.extend_from_slice(&(attributes.len() as u16).to_be_bytes());
    message.extend_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
    message.extend_from_slice(b"transaction!");
    message.extend_from_slice(&attributes);
    message
}

fn routes(criterion: &mut Criterion) {
    let demux = demux();
    let rtp = packets::video(1);
    let stun = binding_request("ufrag-1234:theirs");
    let stranger: SocketAddr = (Ipv4Addr::new(203, 0, 113, 9), 9).into();
    let mut next = 0;
    let mut known = || {
        next = (next + 1543) % TRANSPORTS;
        let kind = classify(black_box(&rtp)).expect("RTP");
        assert_eq!(demux.route(kind, LOCAL, address(next), &rtp), Some(next));
    };
    allocations::report("demux/RTP of a known address", &mut known);
    criterion.bench_function("demux/RTP of a known address", |bencher| bencher.iter(&mut known));

    let unknown = || {
        let kind = classify(black_box(&rtp)).expect("RTP");
        assert_eq!(demux.route(kind, LOCAL, stranger, &rtp), None);
    };
    allocations::report("demux/RTP of a stranger", unknown);
    criterion.bench_function("demux/RTP of a stranger", |bencher| bencher.iter(unknown));

    let by_ufrag = || {
        let kind = classify(black_box(&stun)).expect("STUN");
        assert_eq!(demux.route(kind, LOCAL, stranger, &stun), Some(1234));
    };
    allocations::report("demux/STUN request", by_ufrag);
    criterion.bench_function("demux/STUN request", |bencher| bencher.iter(by_ufrag));
}

criterion_group!(benches, routes);
criterion_main!(benches);
