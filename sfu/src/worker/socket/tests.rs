//! Real sockets on loopback: batches, groups, drops.

use super::*;
use crate::engine::{
    egress::{Class, Message},
    transport::LocalIndex,
};
use std::time::{Duration, Instant};

fn socket() -> MediaSocket {
    sending(Sending::Grouped)
}

fn sending(sending: Sending) -> MediaSocket {
    MediaSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0)), sending).unwrap()
}

fn message(local: u8, remote: SocketAddr, bytes: &[u8], segment_size: Option<u16>) -> Message<'_> {
    Message { local: LocalIndex(local), remote, bytes, segment_size, class: Class::Video }
}

/// Reads until as many datagrams are there, in order.
fn read(socket: &mut MediaSocket, count: usize, counters: &mut SocketCounters) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut batch = ReceiveBatch::default();
    let mut datagrams = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(10);
    while datagrams.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} datagrams", datagrams.len());
        batch.fill(socket.inlet(), counters);
        datagrams.extend(batch.datagrams().map(|(source, bytes)| (source, bytes.to_vec())));
    }
    datagrams
}

#[test]
fn more_messages_than_a_batch_arrive_in_order() {
    let (mut counters, mut far) = (SocketCounters::default(), socket());
    let mut sockets = [socket()];
    let payloads: Vec<Vec<u8>> = (0..200_u16).map(|n| n.to_be_bytes().to_vec()).collect();
    let messages = payloads.iter().map(|bytes| message(0, far.address(), bytes, None));
    SendBatches::new(1).send_all(&mut sockets, messages, &mut counters);
    assert_eq!((counters.datagrams_sent, counters.bytes_sent), (200, 400));
    let calls = 200_u64.div_ceil(SEND_BATCH as u64);
    assert_eq!((counters.send_calls, counters.sent.count(), counters.sent.sum()), (calls, calls, 200));
    let source = sockets[0].address();
    let expected: Vec<_> = payloads.into_iter().map(|bytes| (source, bytes)).collect();
    assert_eq!(read(&mut far, 200, &mut counters), expected);
    assert_eq!(counters.received.sum(), 200);
}

#[test]
fn a_group_leaves_as_it_is_set() {
    for (how, calls, in_groups) in
        [(Sending::Grouped, 1, 3), (Sending::Batched, 1, 0), (Sending::Single, 3, 0)]
    {
        let (mut counters, mut far) = (SocketCounters::default(), socket());
        let mut sockets = [sending(how)];
        let group = [[1; 100], [2; 100], [3; 100]].concat();
        let messages = [message(0, far.address(), &group, Some(100))];
        SendBatches::new(1).send_all(&mut sockets, messages.into_iter(), &mut counters);
        assert_eq!(read(&mut far, 3, &mut counters).len(), 3, "{how:?}");
        assert_eq!(counters.send_calls, calls, "{how:?}");
        let has_gso = kernel_has_gso();
        assert_eq!(counters.datagrams_sent_in_groups, if has_gso { in_groups } else { 0 }, "{how:?}");
    }
}

#[test]
fn a_group_leaves_as_its_datagrams_with_gso_and_without() {
    for gso in [true, false] {
        let (mut counters, mut far) = (SocketCounters::default(), socket());
        let mut sockets = [socket()];
        sockets[0].gso &= gso;
        let group = [vec![1; 1000], vec![2; 1000], vec![3; 400]].concat();
        let messages = [message(0, far.address(), &group, Some(1000))];
        SendBatches::new(1).send_all(&mut sockets, messages.into_iter(), &mut counters);
        let received: Vec<_> = read(&mut far, 3, &mut counters).into_iter().map(|(_, bytes)| bytes).collect();
        assert_eq!(received, [vec![1; 1000], vec![2; 1000], vec![3; 400]], "gso: {gso}");
        assert_eq!(counters.datagrams_sent, 3);
        assert_eq!(counters.datagrams_sent_in_groups, if sockets[0].gso { 3 } else { 0 });
    }
}

#[test]
fn a_group_that_the_kernel_refuses_leaves_apart_and_gso_is_given_up() {
    let (mut counters, mut far) = (SocketCounters::default(), socket());
    let mut sockets = [socket()];
    // More segments than a kernel takes in one message: EINVAL, as from a path that cannot do GSO.
    let group = vec![7; 200];
    let messages = [message(0, far.address(), &group, Some(1))];
    SendBatches::new(1).send_all(&mut sockets, messages.into_iter(), &mut counters);
    assert_eq!(read(&mut far, 200, &mut counters).len(), 200);
    assert_eq!((counters.gso_fallbacks, sockets[0].has_gso()), (1, false));
}

#[test]
fn a_group_too_large_for_its_path_leaves_apart_and_gso_stays() {
    let (mut counters, mut far) = (SocketCounters::default(), socket());
    let mut sockets = [socket()];
    let gso = sockets[0].has_gso();
    // More bytes than a message may have: EMSGSIZE, as from a path whose MTU is below the datagrams.
    let group = vec![7; 61 * 1100];
    let messages = [message(0, far.address(), &group, Some(1100))];
    SendBatches::new(1).send_all(&mut sockets, messages.into_iter(), &mut counters);
    assert_eq!(read(&mut far, 61, &mut counters).len(), 61);
    assert_eq!((counters.gso_fallbacks, sockets[0].has_gso()), (0, gso));
}

#[test]
fn each_message_leaves_by_its_own_socket() {
    let (mut counters, mut far) = (SocketCounters::default(), socket());
    let mut sockets = [socket(), socket()];
    let messages = [message(1, far.address(), b"b", None), message(0, far.address(), b"a", None)];
    SendBatches::new(2).send_all(&mut sockets, messages.into_iter(), &mut counters);
    let mut received = read(&mut far, 2, &mut counters);
    received.sort_by_key(|(_, bytes)| bytes.clone());
    let expected = [(sockets[0].address(), b"a".to_vec()), (sockets[1].address(), b"b".to_vec())];
    assert_eq!(received, expected);
}

#[test]
fn a_refused_datagram_does_not_stop_the_others() {
    let (mut counters, mut far) = (SocketCounters::default(), socket());
    let mut sockets = [socket()];
    let too_large = vec![0; 70_000];
    let messages = [message(0, far.address(), &too_large, None), message(0, far.address(), b"x", None)];
    SendBatches::new(1).send_all(&mut sockets, messages.into_iter(), &mut counters);
    assert_eq!((counters.datagrams_refused, counters.datagrams_sent), (1, 1));
    assert_eq!(read(&mut far, 1, &mut counters)[0].1, b"x");
}

#[test]
fn drops_of_the_kernel_are_counted() {
    let (mut counters, mut far) = (SocketCounters::default(), socket());
    let mut sockets = [socket()];
    let _ = socket2::SockRef::from(&far.inlet.socket).set_recv_buffer_size(4096);
    let payload = vec![0; 1000];
    let burst = || (0..50).map(|_| message(0, far.address(), &payload, None));
    SendBatches::new(1).send_all(&mut sockets, burst(), &mut counters);
    // The count comes with the next datagram that was queued after the drops.
    let mut batch = ReceiveBatch::default();
    while batch.fill(far.inlet(), &mut counters) == Readiness::MayHaveMore {}
    SendBatches::new(1).send_all(
        &mut sockets,
        [message(0, far.address(), b"x", None)].into_iter(),
        &mut counters,
    );
    read(&mut far, 1, &mut counters);
    assert_eq!(counters.received.sum() + counters.datagrams_dropped_by_kernel, 51);
    assert!(counters.datagrams_dropped_by_kernel > 0);
}

/// What is read of a socket and of its reports, without waiting for more.
fn take(inlet: &mut Inlet) -> Vec<Vec<u8>> {
    let (mut batch, mut taken, mut counters) =
        (ReceiveBatch::default(), Vec::new(), SocketCounters::default());
    loop {
        let readiness = batch.fill(inlet, &mut counters);
        taken.extend(batch.datagrams().map(|(_, bytes)| bytes.to_vec()));
        if readiness == Readiness::Drained {
            return taken;
        }
    }
}

#[test]
fn reports_come_on_a_socket_of_their_own_and_everything_else_does_not() {
    for address in [SocketAddr::from(([127, 0, 0, 1], 0)), SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 0))] {
        let far = std::net::UdpSocket::bind(address).unwrap();
        // Many pairs: chance would spread them over both sockets.
        for _ in 0..20 {
            let mut near = MediaSocket::bind(address, Sending::Grouped).unwrap();
            let reports: Vec<Vec<u8>> =
                [(128, 192), (129, 201), (143, 205), (191, 223)].map(|(a, b)| vec![a, b, 7]).to_vec();
            let others: [&[u8]; 8] = [
                &[0x80],
                &[0, 1, 0, 0],
                &[22, 254, 253],
                &[64, 200],
                &[127, 200],
                &[192, 200],
                &[0x80, 191],
                &[0x90, 224, 1],
            ];
            for bytes in reports.iter().map(Vec::as_slice).chain(others) {
                far.send_to(bytes, near.address()).unwrap();
            }
            assert_eq!(take(near.inlet()), others.map(<[u8]>::to_vec));
            assert_eq!(take(near.reports().expect("a kernel that sorts")), reports);
        }
    }
}

#[test]
fn a_port_is_shared_with_nobody_else() {
    let near = socket();
    let refused = MediaSocket::bind(near.address(), Sending::Grouped).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
}
