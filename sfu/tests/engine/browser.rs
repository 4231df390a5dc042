//! A real WebRTC stack, str0m, in the place of a browser: independent of everything it is tested against.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use plenum_shared::rtp::extension_id;
use plenum_shared::transport::{DtlsParameters, DtlsRole, Fingerprint, IceParameters};
use str0m::format::{Codec, FormatParams};
use str0m::ice::IceCreds;
use str0m::media::Frequency;
use str0m::net::{Protocol, Receive};
use str0m::rtp::{Extension, ExtensionMap};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::network::{Datagram, Network};

pub struct Browser {
    pub rtc: Rtc,
    /// Everything that happened and when.
    pub events: Vec<(Instant, Event)>,
    timeout: Instant,
}

/// Payload types and extension ids of its own, as Chromium has them.
pub fn like_chromium() -> RtcConfig {
    Rtc::builder()
        .set_rtp_mode(true)
        .enable_raw_packets(true)
        .set_rtcp_report_interval_audio(Duration::from_millis(200))
        .set_rtcp_report_interval_video(Duration::from_millis(200))
}

/// A receiver that was told the room's canonical numbers by `consume`.
pub fn in_the_rooms_numbers() -> RtcConfig {
    let mut extensions = ExtensionMap::empty();
    extensions.set(extension_id::MID, Extension::RtpMid);
    extensions.set(extension_id::ABS_SEND_TIME, Extension::AbsoluteSendTime);
    extensions.set(extension_id::TRANSPORT_WIDE_CC, Extension::TransportSequenceNumber);
    extensions.set(extension_id::AUDIO_LEVEL, Extension::AudioLevel);
    let mut config = like_chromium().clear_codecs().set_extension_map(extensions);
    let vp8 = FormatParams::default();
    config.codec_config().add_config(
        101.into(),
        Some(102.into()),
        Codec::Vp8,
        Frequency::NINETY_KHZ,
        None,
        vp8,
    );
    config
}

impl Browser {
    /// A full ICE agent and DTLS client that has been told about the server.
    pub fn new(
        now: Instant,
        config: RtcConfig,
        [address, server]: [SocketAddr; 2],
        ice: &IceParameters,
        dtls: &DtlsParameters,
    ) -> Self {
        let mut rtc = config.build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap()).unwrap();
        rtc.add_remote_candidate(Candidate::host(server, "udp").unwrap());
        let mut api = rtc.direct_api();
        api.set_ice_controlling(true);
        api.set_remote_ice_credentials(IceCreds {
            ufrag: ice.username_fragment.clone(),
            pass: ice.password.clone(),
        });
        api.set_remote_fingerprint(from_signalling(&dtls.fingerprints[0]));
        api.start_dtls(true).unwrap();
        api.enable_twcc_feedback();
        Browser { rtc, events: Vec::new(), timeout: now }
    }

    /// What signalling says about this browser.
    pub fn dtls_parameters(&mut self) -> DtlsParameters {
        let print = self.rtc.direct_api().local_dtls_fingerprint().clone();
        let value = print.bytes.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(":");
        DtlsParameters {
            role: DtlsRole::Client,
            fingerprints: vec![Fingerprint { algorithm: print.hash_func, value }],
        }
    }

    pub fn handle(&mut self, now: Instant, datagram: &Datagram) {
        let receive = Receive::new(Protocol::Udp, datagram.from, datagram.to, &datagram.bytes)
            .expect("a datagram of WebRTC");
        self.rtc.handle_input(Input::Receive(now, receive)).expect("a living peer");
    }

    /// Runs its timers and hands its datagrams to the network.
    pub fn poll(&mut self, now: Instant, network: &mut Network) {
        if self.timeout <= now {
            self.rtc.handle_input(Input::Timeout(now)).expect("a living peer");
        }
        loop {
            match self.rtc.poll_output().expect("a living peer") {
                Output::Timeout(at) => {
                    self.timeout = at;
                    return;
                }
                Output::Transmit(transmit) => {
                    let (from, to, bytes) =
                        (transmit.source, transmit.destination, transmit.contents.to_vec());
                    network.send(now, Datagram { from, to, bytes });
                }
                Output::Event(event) => self.events.push((now, event)),
            }
        }
    }

    pub fn poll_timeout(&self) -> Instant {
        self.timeout
    }

    /// The RTP packets received so far, in order.
    pub fn received(&self) -> impl Iterator<Item = &str0m::rtp::RtpPacket> {
        self.events.iter().filter_map(|(_, event)| match event {
            Event::RtpPacket(packet) => Some(packet),
            _ => None,
        })
    }
}

fn from_signalling(print: &Fingerprint) -> str0m::config::Fingerprint {
    let bytes = print.value.split(':').map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    str0m::config::Fingerprint { hash_func: print.algorithm.clone(), bytes }
}
