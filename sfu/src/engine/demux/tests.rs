use super::*;

const LOCAL: LocalIndex = LocalIndex(0);

fn demux() -> Demux {
    Demux::new([7; 16])
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn route(demux: &Demux, local: LocalIndex, from: &str) -> Option<Slot> {
    demux.route(DatagramKind::Rtp, local, address(from), &[0x80, 100])
}

#[test]
fn datagrams_are_sorted_by_their_first_bytes() {
    let sorted = |first, second| classify(&[first, second]);
    assert_eq!(sorted(0, 1), Some(DatagramKind::Stun));
    assert_eq!(sorted(3, 0), Some(DatagramKind::Stun));
    assert_eq!(sorted(22, 0xFE), Some(DatagramKind::Dtls));
    assert_eq!(sorted(0x80, 191), Some(DatagramKind::Rtp));
    assert_eq!(sorted(0x80, 192), Some(DatagramKind::Rtcp));
    assert_eq!(sorted(0xBF, 223), Some(DatagramKind::Rtcp));
    assert_eq!(sorted(0x90, 224), Some(DatagramKind::Rtp), "marker bit and payload type 96");
    for first in [4, 19, 64, 127, 192, 255] {
        assert_eq!(sorted(first, 0), None);
    }
    assert_eq!(classify(&[]), None);
    assert_eq!(classify(&[22]), Some(DatagramKind::Dtls));
}

#[test]
fn an_address_leads_to_the_transport_it_is_bound_to() {
    let now = Instant::now();
    let mut demux = demux();
    demux.bind(now, 3, LOCAL, address("192.0.2.1:1")).unwrap();
    assert_eq!(route(&demux, LOCAL, "192.0.2.1:1"), Some(3));
    assert_eq!(
        route(&demux, LOCAL, "[::ffff:192.0.2.1]:1"),
        Some(3),
        "a dual-stack socket shows IPv4 like this"
    );
    assert_eq!(route(&demux, LocalIndex(1), "192.0.2.1:1"), None);
    assert_eq!(route(&demux, LOCAL, "192.0.2.1:2"), None);
    demux.unbind(4, LOCAL, address("192.0.2.1:1"));
    assert_eq!(
        route(&demux, LOCAL, "192.0.2.1:1"),
        Some(3),
        "another transport's address is not its to give up"
    );
    demux.unbind(3, LOCAL, address("192.0.2.1:1"));
    assert_eq!(route(&demux, LOCAL, "192.0.2.1:1"), None);
    assert_eq!(demux.address_count(), 0);
}

#[test]
fn an_address_is_taken_over_only_when_it_fell_silent() {
    let now = Instant::now();
    let mut demux = demux();
    demux.bind(now, 1, LOCAL, address("192.0.2.1:1")).unwrap();
    let almost = now + Duration::from_millis(9_999);
    assert_eq!(demux.bind(almost, 2, LOCAL, address("192.0.2.1:1")), Err(AddressTaken));
    assert_eq!(route(&demux, LOCAL, "192.0.2.1:1"), Some(1));
    demux.bind(almost, 1, LOCAL, address("192.0.2.1:1")).unwrap();
    assert_eq!(
        demux.bind(almost + Duration::from_secs(1), 2, LOCAL, address("192.0.2.1:1")),
        Err(AddressTaken)
    );
    demux.bind(almost + Duration::from_secs(10), 2, LOCAL, address("192.0.2.1:1")).unwrap();
    assert_eq!(route(&demux, LOCAL, "192.0.2.1:1"), Some(2));
}

#[test]
fn stun_goes_by_our_half_of_the_user_name_whatever_its_address() {
    let mut demux = demux();
    assert!(demux.insert_ufrag("ours", 5));
    assert!(!demux.insert_ufrag("ours", 6), "a ufrag has one transport");
    let request = [
        0, 1, 0, 16, 0x21, 0x12, 0xA4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 11, b'o', b'u',
        b'r', b's', b':', b't', b'h', b'e', b'i', b'r', b's', 0,
    ];
    let from = address("192.0.2.1:1");
    assert_eq!(demux.route(DatagramKind::Stun, LOCAL, from, &request), Some(5));
    demux.remove_ufrag("ours");
    assert_eq!(demux.route(DatagramKind::Stun, LOCAL, from, &request), None);
    assert_eq!(demux.route(DatagramKind::Stun, LOCAL, from, &request[..30]), None);
}

#[test]
fn a_hundred_thousand_addresses_do_not_collide_into_one_chain() {
    for seed in [0, 1, 9, 255] {
        let state = SeededState::new([seed; 16]);
        let mut buckets = vec![0u32; 1 << 16];
        for n in 0..100_000u32 {
            let from = SocketAddr::new(IpAddr::V4((0x0A00_0000 + n / 4).into()), 40_000 + (n % 4) as u16);
            let hash = state.hash_one(AddressKey::new(LOCAL, from));
            buckets[(hash & 0xFFFF) as usize] += 1;
        }
        let fullest = buckets.iter().max();
        assert!(fullest.is_some_and(|&count| count < 16), "{fullest:?}");
    }
}
