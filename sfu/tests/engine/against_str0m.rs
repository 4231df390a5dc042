//! The transport against an independent implementation of the other end: ICE, DTLS, SRTP in every profile, RTCP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plenum_sfu::engine::packet::{HeaderFields, HeaderPrefix, RtpPacket, write_header};
use plenum_sfu::engine::transport::rtcp::{self, ReportBlock, RtcpPacket, RtcpWriter, SenderReport};
use plenum_sfu::engine::transport::srtp::{
    self, Profile, RTCP_OVERHEAD_MAX, RTP_OVERHEAD_MAX, SrtpInbound, SrtpOutbound,
};
use plenum_sfu::engine::transport::{
    CloseReason, DtlsCertificate, LocalIndex, Received, Transport, TransportConfig, TransportEvent,
};
use str0m::Event;
use str0m::crypto::dtls::{KeyingMaterial, SrtpProfile};
use str0m::media::{MediaKind, Mid};
use str0m::rtp::rtcp::Rtcp;
use str0m::rtp::{ExtensionValues, RawPacket, RtpWrite};

use crate::browser::{self, Browser};
use crate::network::{Datagram, Network};
use crate::peer::address;

const LOCAL: LocalIndex = LocalIndex(0);
const BROWSER: &str = "192.0.2.1:1000";
const SERVER: &str = "198.51.100.1:3478";

/// Header extension ids of str0m's default map.
const AUDIO_LEVEL: u8 = 1;
const ABS_SEND_TIME: u8 = 2;
const TRANSPORT_CC: u8 = 3;
const MID: u8 = 4;

const AUDIO_OUT: u32 = 1111;
const VIDEO_OUT: u32 = 2222;
const AUDIO_IN: u32 = 3333;
const VIDEO_IN: u32 = 4444;

/// A browser that sends and receives audio and video, and our end: a transport, or SRTP contexts with keys set by hand.
struct Call {
    now: Instant,
    network: Network,
    browser: Browser,
    transport: Transport,
    by_hand: Option<(SrtpInbound, SrtpOutbound)>,
    rtp: Vec<(RtpPacket, Vec<u8>)>,
    rtcp: Vec<Vec<u8>>,
    events: Vec<TransportEvent>,
}

impl Call {
    fn new() -> Self {
        let now = Instant::now();
        let config = TransportConfig {
            local_ufrag: "ours".to_owned(),
            local_pwd: "a password of twenty-two".to_owned(),
            certificate: Arc::new(DtlsCertificate::generate().unwrap()),
        };
        let mut transport = Transport::new(config, now);
        let ice = transport.ice_parameters();
        let mut browser = Browser::new(
            now,
            browser::like_chromium(),
            [address(BROWSER), address(SERVER)],
            &ice,
            &transport.dtls_parameters(),
        );
        transport.set_remote(now, &browser.dtls_parameters()).unwrap();
        let mut api = browser.rtc.direct_api();
        for (mid, kind, sent, received) in
            [("a", MediaKind::Audio, AUDIO_OUT, AUDIO_IN), ("v", MediaKind::Video, VIDEO_OUT, VIDEO_IN)]
        {
            let mid = Mid::from(mid);
            api.declare_media(mid, kind);
            api.declare_stream_tx(sent.into(), Some((sent + 1).into()), mid, None);
            api.expect_stream_rx(received.into(), Some((received + 1).into()), mid, None);
        }
        api.enable_twcc_feedback();
        let network = Network::new(1);
        let (rtp, rtcp) = (Vec::new(), Vec::new());
        Call { now, network, browser, transport, by_hand: None, rtp, rtcp, events: Vec::new() }
    }

    fn connected() -> Self {
        let mut call = Call::new();
        for _ in 0..200 {
            call.run(Duration::from_millis(10));
            if call.transport.is_connected() && call.browser.rtc.is_connected() {
                return call;
            }
        }
        panic!("no connection within two seconds: {:?}", call.events);
    }

    /// Both ends use these keys from now on.
    fn with_keys(profile: Profile) -> Self {
        let mut call = Call::connected();
        let material: Vec<u8> =
            (0..profile.keying_material_len() as u8).map(|n| n.wrapping_mul(37)).collect();
        let theirs = match profile {
            Profile::AeadAes128Gcm => SrtpProfile::AEAD_AES_128_GCM,
            Profile::AeadAes256Gcm => SrtpProfile::AEAD_AES_256_GCM,
            Profile::Aes128CmSha1_80 => SrtpProfile::AES128_CM_SHA1_80,
        };
        call.browser.rtc._set_srtp_keys(KeyingMaterial::new(&material), theirs, true);
        call.by_hand = Some(srtp::from_keying_material(profile, &material, false).unwrap());
        call.rtp.clear();
        call.rtcp.clear();
        call
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.browser.poll(self.now, &mut self.network);
            while let Some(datagram) = self.network.receive(self.now) {
                if datagram.to == address(BROWSER) {
                    self.browser.handle(self.now, &datagram);
                    self.browser.poll(self.now, &mut self.network);
                } else {
                    self.receive(datagram.bytes);
                }
            }
            let mut bytes = Vec::new();
            while let Some(transmit) = self.transport.poll_transmit(&mut bytes) {
                self.network.send(
                    self.now,
                    Datagram { from: address(SERVER), to: transmit.remote, bytes: bytes.clone() },
                );
            }
            while let Some(event) = self.transport.poll_event() {
                self.events.push(event);
            }
            let timers = [
                Some(self.browser.poll_timeout()),
                self.network.next_arrival(),
                self.transport.poll_timeout(),
            ];
            let next = timers.into_iter().flatten().min().unwrap();
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            if self.transport.poll_timeout().is_some_and(|at| at <= self.now) {
                self.transport.handle_timeout(self.now);
            }
        }
    }

    fn receive(&mut self, mut bytes: Vec<u8>) {
        let is_media = (128..192).contains(&bytes[0]);
        if let Some((inbound, _)) = self.by_hand.as_mut().filter(|_| is_media) {
            if (192..224).contains(&bytes[1]) {
                let len = inbound.open_rtcp(&mut bytes).expect("authentic RTCP");
                bytes.truncate(len);
                self.rtcp.push(bytes);
            } else {
                let prefix = HeaderPrefix::parse(&bytes).unwrap();
                let len = inbound.open_rtp(&mut bytes, prefix).expect("authentic RTP");
                bytes.truncate(len);
                self.rtp.push((RtpPacket::parse(&bytes).unwrap(), bytes));
            }
            return;
        }
        match self.transport.handle_datagram(self.now, LOCAL, address(BROWSER), &mut bytes) {
            Received::Rtp { packet, len } => {
                bytes.truncate(len);
                self.rtp.push((packet, bytes));
            }
            Received::Rtcp { len } => {
                bytes.truncate(len);
                self.rtcp.push(bytes);
            }
            Received::Dropped | Received::Nothing | Received::Checked { .. } => {}
        }
    }

    fn browser_sends(&mut self, mid: &str, sequence_number: u64, payload: &[u8]) {
        let pt = payload_type(mid);
        let extensions =
            ExtensionValues { audio_level: Some(-42), voice_activity: Some(true), ..Default::default() };
        let write = RtpWrite::new(pt.into(), sequence_number.into(), 48_000, self.now, payload.to_vec())
            .ext_vals(extensions)
            .nackable(mid == "v");
        let ssrc = if mid == "a" { AUDIO_OUT } else { VIDEO_OUT };
        let mut api = self.browser.rtc.direct_api();
        api.stream_tx(&ssrc.into()).unwrap().write_rtp(write);
        self.run(Duration::from_millis(10));
    }

    fn server_sends(
        &mut self,
        mid: &str,
        sequence_number: u16,
        transport_sequence_number: u16,
        payload: &[u8],
    ) {
        let ssrc = if mid == "a" { AUDIO_IN } else { VIDEO_IN };
        let fields = HeaderFields {
            marker: true,
            payload_type: payload_type(mid),
            sequence_number,
            timestamp: 90_000,
            ssrc,
        };
        let level = [0x80 | 30];
        let sequence = transport_sequence_number.to_be_bytes();
        let extensions = [(MID, mid.as_bytes()), (AUDIO_LEVEL, &level[..]), (TRANSPORT_CC, &sequence[..])];
        let mut buf = vec![0; 1500];
        let header_len = write_header(&mut buf, fields, extensions.into_iter()).unwrap();
        let plain_len = header_len + payload.len();
        buf[header_len..plain_len].copy_from_slice(payload);
        let sealed = match &mut self.by_hand {
            Some((_, outbound)) => {
                outbound.seal_rtp(&mut buf[..plain_len + RTP_OVERHEAD_MAX], plain_len).ok()
            }
            None => self.transport.seal_rtp(&mut buf[..plain_len + RTP_OVERHEAD_MAX], plain_len),
        };
        buf.truncate(sealed.expect("keys"));
        self.network.send(self.now, Datagram { from: address(SERVER), to: self.path(), bytes: buf });
        self.run(Duration::from_millis(10));
    }

    fn server_reports(&mut self, build: impl FnOnce(&mut RtcpWriter<'_>)) {
        let mut buf = vec![0; 1400];
        let mut writer = RtcpWriter::new(&mut buf);
        build(&mut writer);
        let plain_len = writer.len();
        let room = plain_len + RTCP_OVERHEAD_MAX;
        let sealed = match &mut self.by_hand {
            Some((_, outbound)) => outbound.seal_rtcp(&mut buf[..room], plain_len).ok(),
            None => self.transport.seal_rtcp(&mut buf[..room], plain_len),
        };
        buf.truncate(sealed.expect("keys"));
        self.network.send(self.now, Datagram { from: address(SERVER), to: self.path(), bytes: buf });
        self.run(Duration::from_millis(10));
    }

    fn path(&self) -> SocketAddr {
        self.transport.path().unwrap().1
    }

    fn rtcp_packets(&self) -> Vec<RtcpPacket<'_>> {
        self.rtcp.iter().flat_map(|bytes| rtcp::parse(bytes)).collect()
    }

    /// What the browser read from our compounds.
    fn rtcp_at_browser(&self) -> Vec<&Rtcp> {
        let raw = self.browser.events.iter().filter_map(|(_, event)| event.as_raw_packet());
        raw.filter_map(|packet| if let RawPacket::RtcpRx(rtcp) = packet { Some(rtcp) } else { None })
            .collect()
    }
}

fn payload_type(mid: &str) -> u8 {
    if mid == "a" { 111 } else { 96 }
}

fn payload_of(number: u64) -> Vec<u8> {
    (0..100 + number % 1000).map(|n| (n * 7 + number) as u8).collect()
}

#[test]
fn str0m_connects_and_media_flows_both_ways() {
    let mut call = Call::connected();
    // Across a wrap of the sequence number.
    for number in 65_500..65_600 {
        call.browser_sends("a", number, &payload_of(number));
        call.server_sends("v", number as u16, number as u16, &payload_of(number));
    }
    let audio: Vec<_> = call.rtp.iter().filter(|(packet, _)| packet.ssrc == AUDIO_OUT).collect();
    assert_eq!(audio.len(), 100);
    for ((packet, bytes), number) in audio.into_iter().zip(65_500..) {
        assert_eq!(packet.sequence_number, number as u16);
        assert_eq!(packet.payload_type, 111);
        assert_eq!(packet.timestamp, 48_000);
        assert_eq!(packet.payload(bytes), payload_of(number));
        assert_eq!(packet.identifier(bytes, MID), Some("a"));
        let level = packet.audio_level(bytes, AUDIO_LEVEL).unwrap();
        assert!(level.voice && level.level_dbov_neg == 42);
        assert!(packet.abs_send_time(bytes, ABS_SEND_TIME).is_some());
    }
    assert_eq!(call.browser.received().count(), 100);
    for (packet, number) in call.browser.received().zip(65_500..) {
        assert_eq!(*packet.seq_no, number);
        assert_eq!(packet.payload[..], payload_of(number)[..]);
        assert!(packet.header.marker);
        assert_eq!(packet.header.ext_vals.audio_level, Some(-30));
        assert_eq!(packet.header.ext_vals.mid, Some(Mid::from("v")));
    }
}

#[test]
fn srtp_and_srtcp_of_every_profile_are_understood_both_ways() {
    for profile in [Profile::AeadAes128Gcm, Profile::AeadAes256Gcm, Profile::Aes128CmSha1_80] {
        let mut call = Call::with_keys(profile);
        for number in 65_520..65_560 {
            call.browser_sends("v", number, &payload_of(number));
            call.server_sends("v", number as u16, number as u16, &payload_of(number));
        }
        let sent: Vec<_> = call.rtp.iter().filter(|(packet, _)| packet.ssrc == VIDEO_OUT).collect();
        assert_eq!(sent.len(), 40, "{profile:?}");
        for ((packet, bytes), number) in sent.into_iter().zip(65_520..) {
            assert_eq!(packet.payload(bytes), payload_of(number), "{profile:?}");
        }
        assert_eq!(call.browser.received().count(), 40, "{profile:?}");
        for (packet, number) in call.browser.received().zip(65_520..) {
            assert_eq!(packet.payload[..], payload_of(number)[..], "{profile:?}");
        }
        call.server_reports(|writer| assert!(writer.pli(1, VIDEO_OUT)));
        let asked = call.browser.events.iter().any(|(_, event)| matches!(event, Event::KeyframeRequest(_)));
        assert!(asked, "{profile:?}");
        let reported = call
            .rtcp_packets()
            .iter()
            .any(|p| matches!(p, RtcpPacket::SenderReport(r, _) if r.ssrc == VIDEO_OUT));
        assert!(reported, "{profile:?}");
    }
}

#[test]
fn what_str0m_reports_is_read() {
    let mut call = Call::connected();
    for number in 1..60u16 {
        call.browser_sends("a", u64::from(number), b"audio");
        call.browser_sends("v", u64::from(number), b"video");
        if !matches!(number, 20 | 22) {
            call.server_sends("v", number, 1000 + number, b"video");
        }
    }
    call.run(Duration::from_secs(1));
    let packets = call.rtcp_packets();

    let mut reports = packets.iter().filter_map(|p| match p {
        RtcpPacket::SenderReport(report, _) if report.ssrc == AUDIO_OUT => Some(report),
        _ => None,
    });
    let last = reports.next_back().expect("a sender report");
    assert_eq!(last.packet_count, 59);
    assert_eq!(last.octet_count, 59 * 5);

    let mut blocks = packets.iter().flat_map(|p| match p {
        RtcpPacket::SenderReport(_, blocks) | RtcpPacket::ReceiverReport { reports: blocks, .. } => {
            blocks.collect()
        }
        _ => Vec::new(),
    });
    let last = blocks.rfind(|block| block.ssrc == VIDEO_IN).expect("a report about our video");
    assert_eq!(last.extended_highest_sequence_number, 59);

    let asked: Vec<u16> = packets
        .iter()
        .filter_map(|p| match p {
            RtcpPacket::Nack { media_ssrc: VIDEO_IN, lost, .. } => Some(lost.sequence_numbers()),
            _ => None,
        })
        .flatten()
        .collect();
    assert!(asked.contains(&20) && asked.contains(&22) && !asked.contains(&21));

    let statuses: Vec<_> = packets
        .iter()
        .filter_map(|p| match p {
            RtcpPacket::TransportFeedback(feedback) => Some(feedback.statuses()),
            _ => None,
        })
        .flatten()
        .collect();
    for number in 1..60 {
        let arrived = statuses.iter().any(|s| s.sequence_number == 1000 + number && s.arrival_us.is_some());
        assert_eq!(arrived, !matches!(number, 20 | 22), "packet {number}");
    }
    // 58 steps of 30 ms, two of which are 10 ms shorter because nothing was sent.
    let arrivals: Vec<i64> = statuses.iter().filter_map(|s| s.arrival_us).collect();
    let span_us = arrivals.last().unwrap() - arrivals.first().unwrap();
    assert!((1_719_000..1_721_000).contains(&span_us), "{span_us}");

    assert!(packets.iter().any(|p| matches!(p, RtcpPacket::SourceDescription(chunks) if chunks.count() > 0)));
}

#[test]
fn what_we_report_is_read_by_str0m() {
    let mut call = Call::connected();
    for number in 1..60 {
        call.browser_sends("v", number, b"video");
    }
    let block = ReportBlock {
        ssrc: VIDEO_OUT,
        fraction_lost: 25,
        cumulative_lost: 7,
        jitter: 90,
        ..ReportBlock::default()
    };
    let report = SenderReport {
        ssrc: VIDEO_IN,
        ntp_time: 0xE8F0_0000_8000_0000,
        rtp_timestamp: 5,
        packet_count: 6,
        octet_count: 7,
    };
    let arrivals: Vec<_> = (0..50).map(|n| (n % 7 != 3).then_some(64_000_000 + n * 5_000)).collect();
    call.server_reports(|writer| {
        assert!(writer.sender_report(&report, &[block]));
        assert!(writer.cname(VIDEO_IN, "somebody"));
        assert!(writer.nack(1, VIDEO_OUT, [10, 12, 40]));
        assert!(writer.pli(1, VIDEO_OUT));
        assert!(writer.fir(1, VIDEO_OUT, 9));
        assert!(writer.remb(1, 1_000_000, &[VIDEO_OUT]));
        assert_eq!(writer.transport_feedback(1, VIDEO_OUT, 3, 0, &arrivals), 50);
    });
    let read = call.rtcp_at_browser();
    let sender_report =
        read.iter().find_map(|r| if let Rtcp::SenderReport(r) = r { Some(r) } else { None }).unwrap();
    assert_eq!(*sender_report.sender_info.ssrc, VIDEO_IN);
    assert_eq!(sender_report.sender_info.sender_packet_count, 6);
    let their_block = sender_report.reports.iter().next().unwrap();
    assert_eq!((*their_block.ssrc, their_block.fraction_lost, their_block.packets_lost), (VIDEO_OUT, 25, 7));
    assert_eq!(their_block.jitter, 90);

    let nack = read.iter().find_map(|r| if let Rtcp::Nack(n) = r { Some(n) } else { None }).unwrap();
    let entries: Vec<_> = nack.reports.iter().map(|entry| (entry.pid, entry.blp)).collect();
    assert_eq!(entries, [(10, 0b10), (40, 0)]);
    assert!(read.iter().any(|r| matches!(r, Rtcp::Pli(p) if *p.ssrc == VIDEO_OUT)));
    assert!(read.iter().any(
        |r| matches!(r, Rtcp::Fir(f) if f.reports.iter().any(|e| *e.ssrc == VIDEO_OUT && e.seq_no == 9))
    ));
    let remb = read.iter().find_map(|r| if let Rtcp::Remb(r) = r { Some(r) } else { None }).unwrap();
    assert_eq!(remb.bitrate, 1_000_000.0);

    let twcc = read.iter().find_map(|r| if let Rtcp::Twcc(t) = r { Some(t) } else { None }).unwrap();
    assert_eq!((twcc.base_seq, twcc.status_count, twcc.feedback_count), (0, 50, 3));
    let start = Instant::now();
    let read: Vec<_> = twcc.clone().into_iter(start, 0.into()).map(|(_, status, at)| (status, at)).collect();
    assert_eq!(read.len(), 50);
    for (n, (_, at)) in read.iter().enumerate() {
        assert_eq!(at.is_some(), n % 7 != 3, "packet {n}");
    }
    let resent: Vec<_> =
        call.rtp.iter().filter(|(packet, _)| packet.ssrc == VIDEO_OUT + 1 && !packet.is_empty()).collect();
    assert!(resent.len() >= 3, "str0m answers our NACK on its RTX stream");
}

#[test]
fn a_vanished_browser_is_noticed_after_thirty_seconds() {
    let mut call = Call::connected();
    call.run(Duration::from_secs(60));
    assert!(call.transport.is_connected(), "its consent checks keep the transport alive");
    call.network.loss_percent = 100;
    call.run(Duration::from_secs(45));
    assert!(call.events.contains(&TransportEvent::Closed(CloseReason::ConsentExpired)));
}
