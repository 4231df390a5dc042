//! What a bot receives with: a whole WebRTC transport that takes every packet apart, or a light one that counts.

use super::{BotError, in_transport, lights::Seat};
use crate::{
    light::MemberReport,
    peer::{Peer, PeerError, PeerRecord, Progress, Sent},
    signal::{Consumed, RemoteProducer},
};

/// See the module.
#[derive(Debug)]
pub(super) enum Receiver {
    Whole(Peer),
    Light(Seat),
}

/// What a light receiver says at the end.
#[derive(Clone, Debug)]
pub struct LightRecord {
    pub subscriptions: usize,
    pub report: MemberReport,
}

impl Receiver {
    /// Expects a consumer's stream from now on.
    pub(super) async fn subscribe(
        &self,
        consumed: Consumed,
        remote: RemoteProducer,
    ) -> Result<(), PeerError> {
        match self {
            Self::Whole(peer) => peer.subscribe(consumed, remote).await,
            Self::Light(seat) => seat.subscribe(&consumed, remote.producer),
        }
    }

    /// Light receivers do not tell streams apart: whoever has received something is taken to have begun with everything, and
    /// nothing is known to be missing.
    pub(super) async fn progress(&self, sent: Option<Sent>) -> Result<Progress, BotError> {
        match self {
            Self::Whole(peer) => peer.progress(sent).await.map_err(in_transport("receive")),
            Self::Light(seat) => {
                let received = seat.report().map_err(in_transport("receive"))?.received.packets;
                let subscriptions = seat.subscriptions();
                let begun = if received > 0 { subscriptions } else { 0 };
                Ok(Progress { subscriptions, begun, received, outstanding: 0 })
            }
        }
    }

    pub(super) async fn finish(&self, sent: Sent) -> Result<(PeerRecord, Option<LightRecord>), BotError> {
        match self {
            Self::Whole(peer) => Ok((peer.finish(sent).await.map_err(in_transport("receive"))?, None)),
            Self::Light(seat) => {
                let report = seat.report().map_err(in_transport("receive"))?;
                let light = LightRecord { subscriptions: seat.subscriptions(), report };
                Ok((PeerRecord::default(), Some(light)))
            }
        }
    }
}
