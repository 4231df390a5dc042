//! Our own node, bare: driven over its control link as the load test does.

use crate::server::{Paused, Sent, VersusError, View, dtls_of, reached_at, stream_of};
use crate::settings::Settings;
use plenum_loadtest::{
    light::{Announced, Server},
    parameters::subscriber_capabilities,
    signal::{
        RemoteProducer, SignalError,
        node::{LaunchSettings, Node, Room},
    },
};
use plenum_shared::{
    media::{Direction, Kind, Source},
    rtp::{extension_id, router_capabilities},
};
use std::{net::Ipv4Addr, path::PathBuf, sync::Arc};

/// See the module.
pub struct Plenum {
    node: Arc<Node>,
    room: Arc<Room>,
    published: Vec<RemoteProducer>,
    description: String,
}

impl Plenum {
    pub async fn start(settings: &Settings, host: Ipv4Addr) -> Result<Self, VersusError> {
        let program = settings.plenum.clone().unwrap_or_else(beside_us);
        let launch = LaunchSettings { program, workers: 1, listen: host.into(), log: "warn".into() };
        let node = Node::launch(&launch).await?;
        let room = Room::create(&node).await?;
        let description = format!("plenum-sfu {}, one worker", env!("CARGO_PKG_VERSION"));
        Ok(Self { node, room, published: Vec::new(), description })
    }

    pub fn pid(&self) -> Option<u32> {
        self.node.pid()
    }

    pub fn description(&self) -> &str {
        &self.description
    }

    pub fn transport_wide(&self) -> u8 {
        extension_id::TRANSPORT_WIDE_CC
    }

    pub async fn publish(&mut self, member: &Announced, tracks: &[Sent]) -> Result<Server, VersusError> {
        let speaker = self.room.join();
        let offer = speaker.session.create_transport(Direction::Send).await?;
        speaker.session.connect_transport(offer.transport_id, dtls_of(member)).await?;
        for track in tracks {
            let source = if track.kind == Kind::Audio { Source::Microphone } else { Source::Camera };
            let parameters = track.announcement.parameters.clone();
            let producer =
                speaker.session.produce(offer.transport_id, track.kind, source, parameters).await?;
            let participant = offer.transport_id;
            self.published.push(RemoteProducer { participant, producer, kind: track.kind, source });
        }
        reached_at(offer.ice_parameters, &offer.ice_candidates, offer.dtls_parameters)
            .ok_or_else(|| contract("CreateTransport", "no candidate for UDP").into())
    }

    pub async fn view(&mut self, member: &Announced) -> Result<View, VersusError> {
        let viewer = self.room.join();
        let offer = viewer.session.create_transport(Direction::Recv).await?;
        viewer.session.connect_transport(offer.transport_id, dtls_of(member)).await?;
        let capabilities = subscriber_capabilities(&router_capabilities());
        let (mut streams, mut consumers) = (Vec::new(), Vec::new());
        for producer in &self.published {
            let consumed = viewer.session.consume(offer.transport_id, producer, &capabilities).await?;
            let stream = stream_of(consumed.kind, &consumed.rtp_parameters);
            streams.push(stream.ok_or_else(|| contract("Consume", "no SSRC"))?);
            consumers.push(consumed.consumer_id);
        }
        let server = reached_at(offer.ice_parameters, &offer.ice_candidates, offer.dtls_parameters)
            .ok_or_else(|| contract("CreateTransport", "no candidate for UDP"))?;
        Ok(View { server, streams, paused: Paused::Plenum(Box::new(viewer.session), consumers) })
    }
}

fn contract(request: &str, reason: &str) -> SignalError {
    SignalError::Contract { request: request.into(), reason: reason.into() }
}

/// The node that was built with this program.
fn beside_us() -> PathBuf {
    let ours = std::env::current_exe().unwrap_or_default();
    ours.with_file_name("plenum-sfu")
}
