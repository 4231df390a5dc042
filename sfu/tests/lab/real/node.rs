//! A real node on the near side, spoken to over its own link, and connections to it from beyond the wire.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plenum_loadtest::signal::node::{LaunchSettings, Node, Room};
use plenum_loadtest::signal::{RemoteProducer, Session};
use plenum_shared::media::{Direction, Kind, Source};
use plenum_shared::rtp::RtpParameters;
use plenum_shared::transport::Protocol;
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::namespace::Namespace;
use super::people::send;
use super::wire::{NEAR, far};
use crate::client::Client;

const DATAGRAM_MAX: usize = 2048;
/// Longer than a handshake takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A node with a room. It lives in the namespace of the thread that started it, and so do the ends of its link.
pub struct Server<'a> {
    pub runtime: Runtime,
    room: Arc<Room>,
    far: &'a Namespace,
}

/// Somebody's connection.
pub struct Connected {
    pub client: Client,
    pub socket: UdpSocket,
    pub session: Session,
    pub transport: Uuid,
}

impl<'a> Server<'a> {
    /// Everybody connects from `far`.
    pub fn start(far: &'a Namespace) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let settings = LaunchSettings {
            program: PathBuf::from(env!("CARGO_BIN_EXE_plenum-sfu")),
            workers: 1,
            listen: NEAR.into(),
            log: "warn".to_owned(),
        };
        let node = runtime.block_on(Node::launch(&settings)).expect("the node starts");
        let room = runtime.block_on(Room::create(&node)).expect("a room");
        Server { runtime, room, far }
    }

    pub fn close(&self) {
        self.runtime.block_on(self.room.close()).expect("the node is there to the end");
    }

    /// A connected transport of a new session.
    pub fn connect(&self, direction: Direction, host: usize) -> Connected {
        let address = far(host);
        self.far.address(address);
        let socket = self.far.within(|| UdpSocket::bind((address, 0)).unwrap());
        let session = self.room.join().session;
        let offer = self.runtime.block_on(session.create_transport(direction)).unwrap();
        let candidate = offer.ice_candidates.iter().find(|one| one.protocol == Protocol::Udp).unwrap();
        socket.connect(SocketAddr::new(candidate.ip, candidate.port)).unwrap();
        let mut client = Client::new(Instant::now(), socket.local_addr().unwrap(), &offer.ice_parameters);
        let connect = session.connect_transport(offer.transport_id, client.dtls_parameters());
        self.runtime.block_on(connect).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.send(&client.check()).unwrap();
        let mut flight = client.start_dtls(Instant::now());
        let mut datagram = [0; DATAGRAM_MAX];
        while !client.is_connected() {
            send(&socket, &mut flight);
            let len = socket.recv(&mut datagram).expect("an answer of the node");
            if (20..=63).contains(&datagram[0]) {
                flight = client.handle_dtls(Instant::now(), &datagram[..len]);
            }
        }
        send(&socket, &mut flight);
        socket.set_nonblocking(true).unwrap();
        Connected { client, socket, session, transport: offer.transport_id }
    }

    pub fn produce(
        &self,
        connected: (&Session, Uuid),
        (kind, source): (Kind, Source),
        parameters: serde_json::Value,
    ) -> RemoteProducer {
        let (session, transport) = connected;
        let parameters: RtpParameters = serde_json::from_value(parameters).unwrap();
        let producer = session.produce(transport, kind, source, parameters);
        let producer = self.runtime.block_on(producer).unwrap();
        RemoteProducer { participant: Uuid::nil(), producer, kind, source }
    }
}
