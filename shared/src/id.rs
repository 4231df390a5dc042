//! Ids of what the media plane routes: distinct types over a UUID, never bare strings.
//!
//! Control makes every id and sends it with the command that creates the thing, so that a retried command is
//! recognised and a node never has to invent names.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new random id (UUID version 4). Called by control only.
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id!(/** What the SFU routes: one forwarding table. A meeting with breakout rooms has several. */ RoomId);
id!(/** One join of one person: the owner of up to two transports. Equals the participant id of the meeting. */ SessionId);
id!(/** One peer connection: one ICE and DTLS association. */ TransportId);
id!(/** One published track. */ ProducerId);
id!(/** One subscription of a session to a producer. */ ConsumerId);
id!(/** One data channel of a publisher. */ DataProducerId);
id!(/** One subscription of a session to a data producer. */ DataConsumerId);
id!(/** One SFU node, stable over its restarts. */ NodeId);
