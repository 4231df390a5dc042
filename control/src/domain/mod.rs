//! The rules of meetings, pure: no socket, clock, database or random number in here. Time, ids and facts come in as arguments.
//!
//! Start with [`meeting`] (what a meeting is), [`policy`] (who may do what) and [`admission`] (who gets in).
//! A refusal is always a [`error::DomainError`]; only dialects put words to it.

pub mod account;
pub mod actor;
pub mod admission;
pub mod analytics;
pub mod attachment;
pub mod audit;
pub mod breakout;
pub mod chat;
pub mod chat_event;
pub mod chat_room;
pub mod directory;
pub mod error;
pub mod event;
pub mod file_link;
pub mod file_type;
#[cfg(test)]
mod fixtures;
pub mod history;
pub mod id;
mod inside;
pub mod ledger;
pub mod limit;
pub mod live;
pub mod live_breakouts;
pub mod live_data;
pub mod live_measured;
pub mod live_media;
pub mod live_people;
pub mod live_sessions;
pub mod live_signs;
pub mod live_speakers;
pub mod live_status;
pub mod mail;
pub mod meeting;
pub mod page;
pub mod participant;
pub mod pass;
pub mod password;
pub mod people;
pub mod policy;
pub mod presence;
pub mod profile;
pub mod reaction;
pub mod receipt;
pub mod recording;
pub mod recurrence;
pub mod role;
pub mod roster;
pub mod security;
pub mod series;
pub mod session;
pub mod settings;
pub mod system;
pub mod typing;
pub mod webhook;
