//! The first two messages of a connection.

use super::{
    DecodeError,
    media::{id, id_bytes},
};
use crate::{command, id::NodeId};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Hello {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(uint32, tag = "2")]
    version_min: u32,
    #[prost(bytes = "vec", tag = "3")]
    node: Vec<u8>,
    #[prost(uint64, tag = "4")]
    epoch: u64,
    #[prost(string, tag = "5")]
    software: String,
    #[prost(uint32, tag = "6")]
    worker_count: u32,
    #[prost(string, repeated, tag = "7")]
    media_addresses: Vec<String>,
    #[prost(string, tag = "8")]
    http_address: String,
    #[prost(uint64, tag = "9")]
    last_event: u64,
}

impl From<&command::Hello> for Hello {
    fn from(hello: &command::Hello) -> Self {
        Self {
            version: hello.version,
            version_min: hello.version_min,
            node: id_bytes(hello.node.0),
            epoch: hello.epoch,
            software: hello.software.clone(),
            worker_count: hello.worker_count,
            media_addresses: hello.media_addresses.clone(),
            http_address: hello.http_address.clone(),
            last_event: hello.last_event,
        }
    }
}

impl TryFrom<Hello> for command::Hello {
    type Error = DecodeError;
    fn try_from(hello: Hello) -> Result<Self, DecodeError> {
        Ok(Self {
            version: hello.version,
            version_min: hello.version_min,
            node: id(NodeId, &hello.node)?,
            epoch: hello.epoch,
            software: hello.software,
            worker_count: hello.worker_count,
            media_addresses: hello.media_addresses,
            http_address: hello.http_address,
            last_event: hello.last_event,
        })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Welcome {
    #[prost(oneof = "Answer", tags = "1, 2")]
    answer: Option<Answer>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Answer {
    #[prost(message, tag = "1")]
    Accepted(Accepted),
    #[prost(message, tag = "2")]
    Rejected(Rejected),
}

#[derive(Clone, PartialEq, prost::Message)]
struct Accepted {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(uint64, tag = "2")]
    control_epoch: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Rejected {
    #[prost(string, tag = "1")]
    reason: String,
}

impl From<&command::Welcome> for Welcome {
    fn from(welcome: &command::Welcome) -> Self {
        Self {
            answer: Some(match welcome {
                command::Welcome::Accepted { version, control_epoch } => {
                    Answer::Accepted(Accepted { version: *version, control_epoch: *control_epoch })
                }
                command::Welcome::Rejected { reason } => {
                    Answer::Rejected(Rejected { reason: reason.clone() })
                }
            }),
        }
    }
}

impl TryFrom<Welcome> for command::Welcome {
    type Error = DecodeError;
    fn try_from(welcome: Welcome) -> Result<Self, DecodeError> {
        match welcome.answer.ok_or(DecodeError::UnknownAnswer)? {
            Answer::Accepted(Accepted { version, control_epoch }) => {
                Ok(Self::Accepted { version, control_epoch })
            }
            Answer::Rejected(Rejected { reason }) => Ok(Self::Rejected { reason }),
        }
    }
}
