//! What opening and sealing cost per packet, profile by profile: the two steps that every forwarded packet takes.
//!
//! The unit is one RTP packet of 1200 bytes, sealed or opened in place.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use plenum_sfu::engine::packet::{HeaderFields, HeaderPrefix, write_header};
use plenum_sfu::engine::transport::srtp::{
    Profile, RTP_OVERHEAD_MAX, SrtpInbound, SrtpOutbound, from_keying_material,
};

const PACKET_LEN: usize = 1200;
/// Packets of one measurement: they share a context, and its window must have moved on before numbers come again.
const BATCH: u16 = 64;

const PROFILES: [(&str, Profile); 3] = [
    ("aead_aes_128_gcm", Profile::AeadAes128Gcm),
    ("aead_aes_256_gcm", Profile::AeadAes256Gcm),
    ("aes128_cm_sha1_80", Profile::Aes128CmSha1_80),
];

fn pair(profile: Profile) -> (SrtpOutbound, SrtpInbound) {
    let material = vec![7; profile.keying_material_len()];
    let (_, outbound) = from_keying_material(profile, &material, true).expect("material of the right length");
    let (inbound, _) = from_keying_material(profile, &material, false).expect("material of the right length");
    (outbound, inbound)
}

fn plain(sequence_number: u16) -> Vec<u8> {
    let fields = HeaderFields { marker: false, payload_type: 101, sequence_number, timestamp: 1, ssrc: 9 };
    let mut packet = vec![0x55; PACKET_LEN + RTP_OVERHEAD_MAX];
    let extensions = [(1, &b"0"[..]), (4, &[1, 2, 3][..]), (5, &[0, 9][..])];
    write_header(&mut packet, fields, extensions.into_iter()).expect("room for a header");
    packet
}

fn seal(outbound: &mut SrtpOutbound, packet: &mut [u8]) -> usize {
    outbound.seal_rtp(packet, PACKET_LEN).expect("a number not used before")
}

fn open(inbound: &mut SrtpInbound, packet: &mut [u8]) -> usize {
    let prefix = HeaderPrefix::parse(packet).expect("an RTP header");
    inbound.open_rtp(packet, prefix).expect("an authentic packet")
}

fn srtp(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("srtp");
    group.throughput(Throughput::Elements(u64::from(BATCH)));
    for (name, profile) in PROFILES {
        group.bench_function(format!("seal/{name}"), |bencher| {
            let (mut outbound, _) = pair(profile);
            let mut next = 0u16;
            bencher.iter_batched_ref(
                || {
                    let packets: Vec<_> = (0..BATCH).map(|n| plain(next.wrapping_add(n))).collect();
                    next = next.wrapping_add(BATCH);
                    packets
                },
                |packets| packets.iter_mut().map(|packet| seal(&mut outbound, packet)).sum::<usize>(),
                BatchSize::SmallInput,
            );
        });
        group.bench_function(format!("open/{name}"), |bencher| {
            let (mut outbound, mut inbound) = pair(profile);
            let mut next = 0u16;
            bencher.iter_batched_ref(
                || {
                    let mut sealed = |n| {
                        let mut packet = plain(n);
                        let len = seal(&mut outbound, &mut packet);
                        packet.truncate(len);
                        packet
                    };
                    let packets: Vec<_> = (0..BATCH).map(|n| sealed(next.wrapping_add(n))).collect();
                    next = next.wrapping_add(BATCH);
                    packets
                },
                |packets| packets.iter_mut().map(|packet| open(&mut inbound, packet)).sum::<usize>(),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, srtp);
criterion_main!(benches);
