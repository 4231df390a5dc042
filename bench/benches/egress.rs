//! Unit of work: one frame of five packets for each of 40 peers, from the arena to the kernel: arranged in groups, and sent.
//!
//! On loopback: the kernel's delivery to the receiving sockets is in the time of sending. They are read away outside of it.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use plenum_bench::{
    allocations::{self, Counting},
    packets::VIDEO_PAYLOAD,
};
use plenum_sfu::{
    engine::{
        egress::{Class, Egress},
        transport::LocalIndex,
    },
    worker::socket::{MediaSocket, SendBatches, Sending, SocketCounters},
};
use std::{
    hint::black_box,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LOCAL: LocalIndex = LocalIndex(0);
const PEERS: usize = 40;
const FRAME: usize = 5;

fn fill(egress: &mut Egress, peers: &[SocketAddr]) {
    for (peer, &address) in peers.iter().enumerate() {
        for _ in 0..FRAME {
            egress
                .push(peer, (LOCAL, address), Class::Video, VIDEO_PAYLOAD, |bytes| Some(bytes.len()))
                .expect("there is room");
        }
    }
}

fn arrange(criterion: &mut Criterion) {
    let peers: Vec<_> =
        (0..PEERS).map(|peer| SocketAddr::from((Ipv4Addr::LOCALHOST, 20_000 + peer as u16))).collect();
    let mut egress = Egress::default();
    egress.set_segments_max(usize::MAX);
    let mut group = criterion.benchmark_group("egress");
    group.throughput(Throughput::Elements((PEERS * FRAME) as u64));
    let mut work = || {
        fill(&mut egress, &peers);
        let datagrams: usize = egress.messages().map(|message| message.datagrams()).sum();
        assert_eq!(black_box(datagrams), PEERS * FRAME);
        egress.clear();
    };
    allocations::report("egress/arrange", &mut work);
    group.bench_function("arrange", |bencher| bencher.iter(&mut work));
    group.finish();
}

fn send(criterion: &mut Criterion) {
    let receivers: Vec<_> = (0..PEERS).map(|_| receiver().expect("loopback sockets")).collect();
    let peers: Vec<_> = receivers.iter().map(|socket| socket.local_addr().expect("it is bound")).collect();
    let mut group = criterion.benchmark_group("send");
    group.throughput(Throughput::Elements((PEERS * FRAME) as u64));
    for sending in [Sending::Single, Sending::Batched, Sending::Grouped] {
        let socket = MediaSocket::bind((Ipv4Addr::LOCALHOST, 0).into(), sending).expect("loopback sockets");
        let mut egress = Egress::default();
        egress.set_segments_max(if socket.has_gso() { usize::MAX } else { 1 });
        let (mut sockets, mut batches, mut counters) =
            ([socket], SendBatches::new(1), SocketCounters::default());
        group.bench_function(BenchmarkId::from_parameter(format!("{sending:?}")), |bencher| {
            bencher.iter_custom(|frames| {
                let mut spent = Duration::ZERO;
                for _ in 0..frames {
                    fill(&mut egress, &peers);
                    let begun = Instant::now();
                    batches.send_all(&mut sockets, egress.messages(), &mut counters);
                    spent += begun.elapsed();
                    egress.clear();
                    receivers.iter().for_each(drain);
                }
                spent
            });
        });
        assert_eq!(
            counters.datagrams_dropped_queue_full + counters.datagrams_refused,
            0,
            "a dropped packet is a cheap one"
        );
    }
    group.finish();
}

fn receiver() -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn drain(receiver: &UdpSocket) {
    let mut buffer = [0; 2048];
    while receiver.recv(&mut buffer).is_ok() {}
}

criterion_group!(benches, arrange, send);
criterion_main!(benches);
