//! Light members: a thousand viewers on one thread, for measuring a server rather than a client.
//!
//! A [`bot`](crate::bot) is a whole WebRTC stack and costs more for each packet than the server does. A light member speaks
//! the same protocols (ICE, DTLS, SRTP, transport-wide feedback), written from the RFCs and independent of the server's
//! but for DTLS, which is the crate that our node has too. Of a packet it reads what is in the clear: header, number,
//! extensions. It opens a sample, which says that what comes is authentic and how long it was under way by the kernel's
//! clock.
//!
//! Nothing of any server's signalling is known here: who sets a member up says where the server is, what it is to be
//! asked with ([`Server`]), and what will come ([`Stream`]). A [`Crowd`] is one thread of members.
//!
//! UDP GRO stays off, as it does for bots: on loopback the server would be spared the work of cutting its messages.

mod connection;
mod crowd;
mod dtls;
mod header;
mod incoming;
mod member;
mod outgoing;
mod receive;
mod rtcp;
mod srtp;
pub mod stun;

pub use crowd::{Crowd, CrowdSettings, MemberId, Snapshot};
pub use incoming::{Delays, Received, Stream};
pub use member::{Announced, MemberReport, State};
pub use outgoing::{Outgoing, Spacing};

use plenum_shared::transport::{Fingerprint, IceParameters};
use std::net::SocketAddr;

/// The other end of a member, as its signalling tells.
#[derive(Clone, Debug)]
pub struct Server {
    pub address: SocketAddr,
    pub ice: IceParameters,
    pub fingerprints: Vec<Fingerprint>,
    /// The member speaks first in DTLS.
    pub member_is_client: bool,
}

/// Nanoseconds since 1970: the clock of the kernel's receive times.
fn wall_ns() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
