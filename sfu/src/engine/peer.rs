//! A transport as the engine sees it: whose it is, and when it wants to be looked at.

use std::time::{Duration, Instant};

use plenum_shared::{
    id::{RoomId, SessionId, TransportId},
    media::Direction,
};

use super::{demux::Slot, transport::Transport};

/// A transport whose ICE and DTLS are not up by then is closed: browsers give up at about the same time.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// One peer connection of one session.
#[derive(Debug)]
pub struct Peer {
    /// Its name.
    pub id: TransportId,
    /// Whose it is.
    pub session: SessionId,
    /// The room it is in.
    pub room_id: RoomId,
    /// The room's place in the engine's table.
    pub room: Slot,
    /// In the client's words: on `Send` the client sends to us.
    pub direction: Direction,
    /// Everything between datagrams and plain packets.
    pub transport: Transport,
    /// When to give up on a transport that never connects; `None` once it has.
    pub connect_by: Option<Instant>,
}

impl Peer {
    /// When this peer wants to be looked at.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.transport.poll_timeout(), self.connect_by].into_iter().flatten().min()
    }
}
