//! The secured part of a simulated person: a connection made by hand from STUN, DTLS (dimpl) and SRTP. It is made in no
//! time, before the links exist, so that nothing in a run depends on keys.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::Output;
use plenum_shared::transport::{DtlsParameters, IceParameters};

use crate::binding_request::{Check, binding_request};
use crate::sctp_client::SctpClient;
use crate::secured::Secured;

/// Browsers check their consent about as often.
const CHECK_INTERVAL: Duration = Duration::from_millis(2500);

pub struct Client {
    pub address: SocketAddr,
    secured: Secured,
    check: Vec<u8>,
    check_at: Instant,
    /// Whoever has data channels.
    pub data: Option<SctpClient>,
}

impl Client {
    pub fn new(now: Instant, address: SocketAddr, ice: &IceParameters) -> Self {
        let config = dimpl::Config::builder().use_server_cookie(false).build().unwrap();
        let secured = Secured::new(now, Arc::new(config), true);
        let check = binding_request(Check { use_candidate: true, ..Check::default() }, ice, "theirs");
        Client { address, secured, check, check_at: now + CHECK_INTERVAL, data: None }
    }

    pub fn dtls_parameters(&self) -> DtlsParameters {
        self.secured.dtls_parameters()
    }

    /// A binding request with right credentials and USE-CANDIDATE.
    pub fn check(&self) -> Vec<u8> {
        self.check.clone()
    }

    /// The binding request that keeps the consent, when it is due.
    pub fn poll_check(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.check_at > now {
            return None;
        }
        self.check_at = now + CHECK_INTERVAL;
        Some(self.check())
    }

    pub fn poll_timeout(&self) -> Instant {
        let data = self.data.as_ref().and_then(|data| data.poll_timeout());
        data.map_or(self.check_at, |at| at.min(self.check_at))
    }

    /// What data channels have to send now.
    pub fn poll_data(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) {
        let Some(data) = &mut self.data else { return };
        data.handle_timeout(now);
        for packet in data.poll(now) {
            self.secured.dtls.handle_timeout(now).expect("a session that is up");
            self.secured.dtls.send_application_data(&packet).expect("a session that is up");
            out.extend(self.poll_dtls(now));
        }
    }

    pub fn start_dtls(&mut self, now: Instant) -> Vec<Vec<u8>> {
        self.secured.dtls.handle_timeout(now).expect("a handshake that has just begun");
        self.poll_dtls(now)
    }

    pub fn handle_dtls(&mut self, now: Instant, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.secured.dtls.handle_timeout(now).expect("a handshake with time enough");
        self.secured.dtls.handle_packet(bytes).expect("the engine speaks proper DTLS");
        self.poll_dtls(now)
    }

    fn poll_dtls(&mut self, now: Instant) -> Vec<Vec<u8>> {
        self.secured.poll(|output| {
            if let (Output::ApplicationData(packet), Some(data)) = (output, &mut self.data) {
                data.handle(now, packet.to_vec().into());
            }
        })
    }

    pub fn is_connected(&self) -> bool {
        self.secured.srtp.is_some()
    }

    pub fn seal_rtp(&mut self, plain: Vec<u8>) -> Vec<u8> {
        self.secured.seal_rtp(plain)
    }

    pub fn seal_rtcp(&mut self, plain: Vec<u8>) -> Vec<u8> {
        self.secured.seal_rtcp(plain)
    }

    /// What came, opened.
    pub fn open(&mut self, now: Instant, bytes: Vec<u8>) -> Plain {
        match (bytes[0], bytes[1]) {
            (20..=63, _) => {
                self.handle_dtls(now, &bytes);
                Plain::Other
            }
            (128..=191, 192..=223) => self.secured.open_rtcp(bytes).map_or(Plain::Other, Plain::Rtcp),
            (128..=191, _) => self.secured.open_rtp(bytes).map_or(Plain::Other, Plain::Rtp),
            _ => Plain::Other,
        }
    }
}

/// What a datagram was.
pub enum Plain {
    Rtp(Vec<u8>),
    Rtcp(Vec<u8>),
    /// An answer to a check, a packet of data channels, or one that came twice.
    Other,
}
