//! Our types as this dialect shows them: typed, so that the description of the API is made from the same words as
//! the answers. One file per subject; whatever is shown derives [`serde::Serialize`] and [`utoipa::ToSchema`].

pub mod account;
pub mod audit;
pub mod chat;
pub mod envelope;
pub mod mail;
pub mod media;
pub mod meeting;
pub mod people;
pub mod rooms;
pub mod roster;
pub mod security;
pub mod statistics;
pub mod webhook;
pub mod words;

pub use account::account;
pub use chat::message;
pub use media::webrtc_config;
pub use meeting::{ListedView, final_stats, join_check, meeting, meeting_for};
pub use people::{permissions, present, roster};
pub use security::{policy, security_policy};
pub use statistics::{analytics, live_stats, recording, system};
