//! Data channels of one transport: an SCTP association (sctp-proto) inside the DTLS session (RFC 8831, RFC 8261).
//!
//! The client speaks first; the association is made for its first packet, so that a transport without data channels
//! costs nothing. Channels are negotiated by signalling, as mediasoup-client does it: a message of the in-band protocol
//! (DCEP, RFC 8832) is dropped and counted.
//!
//! What comes is bounded by the receive window, which closes while the budget is used up: a sender that sends too much
//! waits, and nothing reliable is lost. What goes is bounded by [`BUFFERED_MAX`], stream by stream; packets that SCTP has made
//! wait here until the path has room for them.

mod abort;
mod backlog;
mod budget;

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use abort::Route;
use backlog::Backlog;
pub use backlog::{BUFFERED_LOSSY_MAX, BUFFERED_MAX};
use budget::Budget;
pub use budget::DataRate;
use bytes::{Bytes, BytesMut};
use plenum_shared::transport::{SctpParameters, SctpStreamParameters};
pub use sctp_proto::PayloadProtocolIdentifier;
use sctp_proto::{
    Association, AssociationHandle, DatagramEvent, Endpoint, EndpointConfig, Event, Payload, ReliabilityType,
    ServerConfig, StreamEvent, TransportConfig,
};
use thiserror::Error;

/// Bytes of one SCTP packet: a datagram of 1200 bytes without the record of DTLS 1.2 around it (AES-GCM: header 13,
/// nonce 8, tag 16; CBC with SHA-1 would take more, and is not negotiated).
pub const PACKET_LEN_MAX: usize = 1200 - 40;
/// Payload of one packet: without the common header and that of a DATA chunk.
const FRAGMENT_LEN: usize = PACKET_LEN_MAX - (12 + 16);
/// What waits for the application or for missing fragments. Room for one message of the largest size, and its successors.
const RECEIVE_BUFFER: u32 = 512 * 1024;
/// Packets that may wait in any case: SCTP begins with four, and notices the loss of one by three later ones.
const WAITING_MIN: usize = 8;
/// Below the second of RFC 9260, as browsers have it, and above what packets usually wait here.
const RTO_MIN_MS: u64 = 400;
/// Association and streams have one peer; sctp-proto wants an address for it all the same.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);

/// What came by the data channels of a transport.
#[derive(Debug, Clone, PartialEq)]
pub enum DataEvent {
    /// A whole message. An empty one has one byte that means nothing, as on the wire.
    Message {
        /// The stream it came on.
        stream: u16,
        /// What the payload is.
        kind: PayloadProtocolIdentifier,
        /// The payload.
        payload: Bytes,
    },
    /// The client closed the channel.
    StreamClosed(u16),
    /// The association is no more; the client may begin another.
    Lost,
}

/// Why a message was not taken for sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotSent {
    /// There is no association (yet), or the stream is being closed.
    #[error("not connected")]
    NotConnected,
    /// Too much waits already.
    #[error("full")]
    Full,
}

/// What was dropped here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SctpCounters {
    /// Messages of the channel protocol, of a kind nobody knows, or without a byte.
    pub messages_of_unknown_kind: u64,
    /// Packets for the client because too many waited already. SCTP sends again what matters of them.
    pub packets_waiting_too_many: u64,
}

/// The association of one transport.
#[derive(Debug)]
pub struct Sctp {
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    /// The way back to the client of the association.
    route: Option<Route>,
    /// Packets that SCTP has made. Bounded by [`WAITING_MIN`] and by what the caller of [`Sctp::make_packets`] says.
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    /// Something has happened that SCTP may have packets for. Asking it takes memory.
    may_have_packets: bool,
    /// Streams with messages to be read, in turn. Bounded by the streams of the association.
    readable: VecDeque<u16>,
    /// Streams that channels are on. Bounded by the data producers and consumers of a transport.
    bound: Vec<u16>,
    /// Events of the association that are not messages. The caller takes them after each call.
    events: VecDeque<DataEvent>,
    budget: Budget,
    backlog: Backlog,
    counters: SctpCounters,
}

impl Sctp {
    /// Waits for the client's first packet.
    pub fn new(now: Instant, rate: DataRate) -> Self {
        Sctp {
            endpoint: endpoint(),
            association: None,
            route: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            may_have_packets: false,
            readable: VecDeque::new(),
            bound: Vec::new(),
            events: VecDeque::new(),
            budget: Budget::new(now, rate),
            backlog: Backlog::default(),
            counters: SctpCounters::default(),
        }
    }

    /// Takes one SCTP packet, whatever it holds.
    pub fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        let init = abort::route_of_init(&packet);
        if init.is_some() && !self.makes_way_for(init) {
            return;
        }
        match self.endpoint.handle(now, PEER, None, None, packet.clone()) {
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                // Another one for every INIT with a new tag would let a client fill our memory.
                self.endpoint.reject_new_associations();
                self.association = Some((handle, association));
                self.route = init;
            }
            Some((handle, DatagramEvent::AssociationEvent(event))) => {
                if let Some((known, association)) = &mut self.association
                    && *known == handle
                {
                    association.handle_event(event);
                }
            }
            None => {
                if self.association.is_none() {
                    self.answer_unknown(&packet);
                }
                return;
            }
        }
        self.may_have_packets = true;
        self.take_events(abort::is_farewell(&packet));
    }

    /// Whether an INIT from here may be looked at, after what was begun or is ending has been forgotten for it. While an
    /// association is up it is a repetition that comes late, for which sctp-proto would end it.
    fn makes_way_for(&mut self, init: Option<Route>) -> bool {
        let Some((_, association)) = &self.association else { return true };
        if association.is_closing() {
            self.lose();
        } else if !association.is_handshaking() {
            return false;
        } else if self.route != init {
            self.forget();
        }
        true
    }

    fn answer_unknown(&mut self, packet: &[u8]) {
        if self.waiting.len() < WAITING_MIN {
            self.waiting.extend(abort::answer_to_unknown(packet));
        }
    }

    /// To be called at [`Sctp::poll_timeout`] or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some((_, association)) = &mut self.association {
            association.handle_timeout(now);
        }
        self.may_have_packets = true;
        self.take_events(false);
    }

    /// When a repetition or an acknowledgement is due, or the budget lets another message in.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let own = self.association.as_ref().and_then(|(_, association)| association.poll_timeout());
        let reading = (!self.readable.is_empty()).then(|| self.budget.open_at());
        [own, reading].into_iter().flatten().min()
    }

    /// The next thing that came, as far as the budget goes.
    pub fn poll_event(&mut self, now: Instant) -> Option<DataEvent> {
        if let Some(message) = self.read(now) {
            return Some(message);
        }
        self.events.pop_front()
    }

    /// The message that came last, of `len` bytes, has gone to so many. What it takes to copy one for a crowd is spread over time, so that a
    /// burst does not hold up everybody else's sound.
    pub fn note_copies(&mut self, count: usize, len: usize) {
        self.budget.spend_copies(count * len.div_ceil(FRAGMENT_LEN));
    }

    /// Has the packets made that are due; they wait for [`Sctp::take_packet`]. Of what exceeds `waiting_bytes_max` the
    /// last ones are dropped, as a queue on the path would: SCTP takes it for loss, and slows down.
    pub fn make_packets(&mut self, now: Instant, waiting_bytes_max: usize) {
        if !std::mem::take(&mut self.may_have_packets) {
            return;
        }
        let Some((_, association)) = &mut self.association else { return };
        let Some(Payload::RawEncode(packets)) =
            association.poll_transmit(now).map(|transmit| transmit.payload)
        else {
            return;
        };
        for packet in packets {
            let is_full = self.waiting_bytes + packet.len() > waiting_bytes_max;
            if is_full && self.waiting.len() >= WAITING_MIN {
                self.counters.packets_waiting_too_many += 1;
                continue;
            }
            self.waiting_bytes += packet.len();
            self.waiting.push_back(packet);
        }
    }

    /// Bytes of the packet that is to leave next.
    pub fn next_packet_len(&self) -> Option<usize> {
        self.waiting.front().map(Bytes::len)
    }

    /// The packet that is to leave next.
    pub fn take_packet(&mut self) -> Option<Bytes> {
        let packet = self.waiting.pop_front()?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(packet.len());
        Some(packet)
    }

    /// A channel is on this stream: it is opened as soon as it can be. One that has carried nothing would not be there to be
    /// closed, by neither side.
    pub fn bind(&mut self, id: u16) {
        if !self.bound.contains(&id) {
            self.bound.push(id);
        }
        self.open_bound();
    }

    fn open_bound(&mut self) {
        let Some((_, association)) = self.association.as_mut().filter(|(_, one)| is_up(one)) else { return };
        for &id in &self.bound {
            if association.stream(id).is_err() {
                // It fails while the one before of this number is being closed; the end of that is told.
                let _ = association.open_stream(id, PayloadProtocolIdentifier::Binary);
            }
        }
    }

    /// Sends a message on a stream, which is opened with the first one. `kind` and payload are as they were received.
    ///
    /// # Errors
    /// [`NotSent`]; nothing of the message is sent then.
    pub fn send(
        &mut self,
        to: &SctpStreamParameters,
        kind: PayloadProtocolIdentifier,
        payload: &Bytes,
    ) -> Result<(), NotSent> {
        let Some((_, association)) = self.association.as_mut().filter(|(_, one)| is_up(one)) else {
            return Err(NotSent::NotConnected);
        };
        if association.stream(to.stream_id).is_err() {
            association.open_stream(to.stream_id, kind).map_err(|_| NotSent::NotConnected)?;
        }
        let mut stream = association.stream(to.stream_id).map_err(|_| NotSent::NotConnected)?;
        let payload = self.backlog.charge(to.stream_id, to.is_reliable(), payload)?;
        self.may_have_packets = true;
        let (reliability, value) = reliability(to);
        // Of the ways to write, this one keeps the payload itself and no copy.
        stream
            .set_reliability_params(!to.ordered, reliability, value)
            .and_then(|()| stream.set_default_payload_type(kind))
            .and_then(|()| stream.write_chunks(&mut [payload]))
            .map_err(|_| NotSent::NotConnected)?;
        Ok(())
    }

    /// Bytes of payload that were given to a stream and are not acknowledged yet; `None` while it is not open.
    pub fn buffered(&mut self, id: u16) -> Option<usize> {
        let (_, association) = self.association.as_mut().filter(|(_, one)| is_up(one))?;
        association.stream(id).ok()?.buffered_amount().ok()
    }

    /// Closes a stream in both directions (RFC 6525).
    pub fn close_stream(&mut self, id: u16) {
        self.bound.retain(|&other| other != id);
        self.backlog.close(id);
        let Some((_, association)) = &mut self.association else { return };
        if let Ok(mut stream) = association.stream(id) {
            // It fails before the association is up only, when the client has not opened it either.
            let _ = stream.close();
        }
        self.may_have_packets = true;
        self.take_events(false);
    }

    /// Whether another channel may be made. Not while too much waits of those that were closed: each would add to it.
    pub fn takes_channels(&self) -> bool {
        self.backlog.left_behind() <= BUFFERED_MAX
    }

    /// What was dropped.
    pub fn counters(&self) -> SctpCounters {
        self.counters
    }

    /// `knows`: the client has said itself that the association ends, if it does.
    fn take_events(&mut self, knows: bool) {
        let Some((_, association)) = &mut self.association else { return };
        let (mut is_lost, mut can_open) = (false, false);
        while let Some(event) = association.poll() {
            match event {
                Event::Stream(StreamEvent::Opened { id } | StreamEvent::Readable { id })
                    if !self.readable.contains(&id) =>
                {
                    self.readable.push_back(id);
                }
                Event::Stream(StreamEvent::Finished { id } | StreamEvent::Stopped { id, .. }) => {
                    self.backlog.close(id);
                    self.events.push_back(DataEvent::StreamClosed(id));
                }
                Event::Connected | Event::Stream(StreamEvent::ResetComplete { .. }) => can_open = true,
                Event::HandshakeFailed { .. } | Event::AssociationLost { .. } => is_lost = true,
                _ => {}
            }
        }
        while association.accept_stream().is_some() {}
        // Not `is_closed`: that is what a new one is until its cookie comes back.
        if is_lost {
            let route = self.route.filter(|_| !knows);
            self.lose();
            self.waiting.extend(route.map(abort::abort));
        } else if can_open {
            self.open_bound();
        }
    }

    fn lose(&mut self) {
        self.forget();
        self.events.push_back(DataEvent::Lost);
    }

    fn forget(&mut self) {
        self.endpoint = endpoint();
        self.association = None;
        self.backlog = Backlog::default();
        self.route = None;
        self.readable.clear();
        self.waiting.clear();
        self.waiting_bytes = 0;
    }

    fn read(&mut self, now: Instant) -> Option<DataEvent> {
        let (_, association) = self.association.as_mut()?;
        while let Some(&id) = self.readable.front() {
            if !self.budget.is_open(now) {
                return None;
            }
            self.readable.pop_front();
            let Ok(mut stream) = association.stream(id) else { continue };
            let Ok(Some(chunks)) = stream.read_sctp() else { continue };
            // The next message of this stream comes after those of the others.
            self.readable.push_back(id);
            let mut payload = BytesMut::zeroed(chunks.len());
            if chunks.read(&mut payload).is_err() {
                continue;
            }
            self.budget.spend(payload.len());
            // The window has opened.
            self.may_have_packets = true;
            match chunks.ppi {
                PayloadProtocolIdentifier::Dcep | PayloadProtocolIdentifier::Unknown => {
                    self.counters.messages_of_unknown_kind += 1;
                }
                // Not even an empty message has no byte (RFC 8831 section 6.6), and one without could not be sent on.
                _ if payload.is_empty() => self.counters.messages_of_unknown_kind += 1,
                kind => return Some(DataEvent::Message { stream: id, kind, payload: payload.freeze() }),
            }
        }
        self.take_events(false);
        None
    }
}

fn is_up(association: &Association) -> bool {
    !(association.is_handshaking() || association.is_closed() || association.is_closing())
}

fn endpoint() -> Endpoint {
    let SctpParameters { os, mis, max_message_size, .. } = SctpParameters::OURS;
    let transport = TransportConfig::default()
        .with_max_receive_buffer_size(RECEIVE_BUFFER)
        .with_max_receive_message_size(max_message_size)
        .with_max_send_message_size(max_message_size)
        .with_max_num_inbound_streams(mis)
        .with_max_num_outbound_streams(os)
        .with_rto_initial_ms(500)
        .with_rto_min_ms(RTO_MIN_MS)
        .with_rto_max_ms(5000);
    let mut config = EndpointConfig::new();
    config.max_payload_size(FRAGMENT_LEN as u32);
    let mut server = ServerConfig::new();
    server.transport = Arc::new(transport);
    Endpoint::new(Arc::new(config), Some(Arc::new(server)))
}

fn reliability(stream: &SctpStreamParameters) -> (ReliabilityType, u32) {
    match (stream.max_packet_life_time, stream.max_retransmits) {
        (Some(ms), _) => (ReliabilityType::Timed, ms.into()),
        (None, Some(count)) => (ReliabilityType::Rexmit, count.into()),
        (None, None) => (ReliabilityType::Reliable, 0),
    }
}
