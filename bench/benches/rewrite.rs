//! Unit of work: one packet opened, read, rewritten or sealed: the parts of forwarding that are not the router's.

use criterion::{Criterion, criterion_group, criterion_main};
use plenum_bench::{
    allocations::{self, Counting},
    packets,
};
use plenum_sfu::engine::{
    packet::{HeaderFields, HeaderPrefix, RtpPacket, write_header},
    transport::srtp::{self, Profile, RTP_OVERHEAD_MAX, SrtpInbound, SrtpOutbound},
};
use std::{hint::black_box, time::Instant};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PROFILES: [(&str, Profile); 3] = [
    ("AES-128-GCM", Profile::AeadAes128Gcm),
    ("AES-256-GCM", Profile::AeadAes256Gcm),
    ("AES-CM-128 HMAC-SHA1-80", Profile::Aes128CmSha1_80),
];

fn keys(profile: Profile) -> (SrtpInbound, SrtpOutbound) {
    let material = vec![5; profile.keying_material_len()];
    // Both halves are equal, so what one side seals its own inbound half can open.
    srtp::from_keying_material(profile, &material, true).expect("of the profile's length")
}

fn read_and_rewrite(criterion: &mut Criterion) {
    for (name, plain) in [("audio 80 B", packets::audio(1)), ("video 1100 B", packets::video(1))] {
        let read = || {
            black_box(RtpPacket::parse(black_box(&plain))).expect("our own packet");
        };
        let title = format!("read/{name}");
        allocations::report(&title, read);
        criterion.bench_function(&title, |bencher| bencher.iter(read));

        let parsed = RtpPacket::parse(&plain).expect("our own packet");
        let extensions: Vec<(u8, &[u8])> = parsed.extensions(&plain).collect();
        let mut slot = vec![0; 1500];
        let mut rewrite = || {
            let fields = HeaderFields {
                marker: parsed.marker,
                payload_type: 101,
                sequence_number: 9,
                timestamp: 77,
                ssrc: 3,
            };
            let header = write_header(&mut slot, fields, extensions.iter().copied()).expect("room enough");
            let payload = parsed.payload(black_box(&plain));
            slot[header..header + payload.len()].copy_from_slice(payload);
            black_box(&slot);
        };
        let title = format!("copy and rewrite/{name}");
        allocations::report(&title, &mut rewrite);
        criterion.bench_function(&title, |bencher| bencher.iter(&mut rewrite));
    }
}

fn seal_and_open(criterion: &mut Criterion) {
    let plain = packets::video(1);
    for (name, profile) in PROFILES {
        let (_, mut outbound) = keys(profile);
        let mut sequence_number = 0_u16;
        let mut buffer = plain.clone();
        buffer.resize(plain.len() + RTP_OVERHEAD_MAX, 0);
        let mut seal = || {
            sequence_number = sequence_number.wrapping_add(1);
            buffer[2..4].copy_from_slice(&sequence_number.to_be_bytes());
            black_box(outbound.seal_rtp(&mut buffer, plain.len()).expect("a new number"));
        };
        let title = format!("seal/{name}, 1100 B");
        allocations::report(&title, &mut seal);
        criterion.bench_function(&title, |bencher| bencher.iter(&mut seal));

        let title = format!("open/{name}, 1100 B");
        criterion.bench_function(&title, |bencher| {
            bencher.iter_custom(|count| time_opening(profile, &plain, count))
        });
    }
}

/// A packet opens once, so each is sealed outside the measured time.
fn time_opening(profile: Profile, plain: &[u8], count: u64) -> std::time::Duration {
    let (mut inbound, mut outbound) = keys(profile);
    let mut sequence_number = 0_u16;
    let mut spent = std::time::Duration::ZERO;
    const BATCH: usize = 64;
    let mut batch: Vec<Vec<u8>> = Vec::with_capacity(BATCH);
    let mut left = count;
    while left > 0 {
        batch.clear();
        for _ in 0..left.min(BATCH as u64) {
            sequence_number = sequence_number.wrapping_add(1);
            let mut bytes = plain.to_vec();
            bytes[2..4].copy_from_slice(&sequence_number.to_be_bytes());
            bytes.resize(plain.len() + RTP_OVERHEAD_MAX, 0);
            let len = outbound.seal_rtp(&mut bytes, plain.len()).expect("a new number");
            bytes.truncate(len);
            batch.push(bytes);
        }
        let begun = Instant::now();
        for bytes in &mut batch {
            let prefix = HeaderPrefix::parse(bytes).expect("our own packet");
            black_box(inbound.open_rtp(bytes, prefix).expect("sealed with the same keys"));
        }
        spent += begun.elapsed();
        left -= batch.len() as u64;
    }
    spent
}

criterion_group!(benches, read_and_rewrite, seal_and_open);
criterion_main!(benches);
