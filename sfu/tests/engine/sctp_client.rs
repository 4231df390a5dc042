//! The far end of an SCTP association, as a browser has it: packets in, packets out, messages.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use plenum_sfu::engine::transport::sctp::PACKET_LEN_MAX;
use sctp_proto::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier, StreamEvent, TransportConfig,
};

/// One of these is enough, where everybody has one peer.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);
/// The common header and that of a DATA chunk.
const HEADERS_LEN: usize = 12 + 16;

/// A message as it came: stream, kind, payload.
pub type Message = (u16, PayloadProtocolIdentifier, Vec<u8>);

pub struct SctpClient {
    endpoint: Endpoint,
    handle: AssociationHandle,
    pub association: Association,
    pub received: Vec<Message>,
    /// The server said that it is over, or we did.
    pub is_lost: bool,
}

impl SctpClient {
    /// Begins an association. The first repetition of the INIT goes by the real clock; nothing else does.
    pub fn new() -> Self {
        let mut config = EndpointConfig::new();
        config.max_payload_size((PACKET_LEN_MAX - HEADERS_LEN) as u32);
        let mut endpoint = Endpoint::new(Arc::new(config), None);
        let transport = TransportConfig::default()
            .with_max_receive_buffer_size(1 << 20)
            .with_max_receive_message_size(1 << 20)
            .with_max_send_message_size(1 << 20)
            .with_rto_min_ms(200);
        let mut client = ClientConfig::new();
        client.transport = Arc::new(transport);
        let (handle, association) = endpoint.connect(client, PEER).unwrap();
        SctpClient { endpoint, handle, association, received: Vec::new(), is_lost: false }
    }

    pub fn is_connected(&self) -> bool {
        !self.is_lost && !self.association.is_handshaking()
    }

    pub fn handle(&mut self, now: Instant, packet: Bytes) {
        match self.endpoint.handle(now, PEER, None, None, packet) {
            Some((handle, DatagramEvent::AssociationEvent(event))) if handle == self.handle => {
                self.association.handle_event(event);
            }
            _ => return,
        }
        self.take_events();
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
        self.take_events();
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }

    /// The packets to send now.
    pub fn poll(&mut self, now: Instant) -> Vec<Bytes> {
        match self.association.poll_transmit(now).map(|transmit| transmit.payload) {
            Some(Payload::RawEncode(packets)) => packets,
            _ => Vec::new(),
        }
    }

    pub fn send(&mut self, stream: u16, kind: PayloadProtocolIdentifier, payload: &[u8]) {
        if self.association.stream(stream).is_err() {
            self.association.open_stream(stream, kind).unwrap();
        }
        let sent = self.association.stream(stream).unwrap().write_with_ppi(payload, kind);
        assert_eq!(sent, Ok(payload.len()));
    }

    fn take_events(&mut self) {
        while let Some(event) = self.association.poll() {
            match event {
                Event::Stream(StreamEvent::Opened { id } | StreamEvent::Readable { id }) => self.read(id),
                Event::AssociationLost { .. } | Event::HandshakeFailed { .. } => self.is_lost = true,
                _ => {}
            }
        }
        while self.association.accept_stream().is_some() {}
    }

    fn read(&mut self, id: u16) {
        let Ok(mut stream) = self.association.stream(id) else { return };
        while let Ok(Some(chunks)) = stream.read_sctp() {
            let mut payload = vec![0; chunks.len()];
            chunks.read(&mut payload).unwrap();
            self.received.push((id, chunks.ppi, payload));
        }
    }
}
