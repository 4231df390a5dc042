//! Use cases: gather facts, let the domain decide, store, publish. The only door for dialects.

pub mod accounts;
pub mod admissions;
pub mod attachments;
pub mod audit;
pub mod breakouts;
pub mod chat;
pub mod chat_rooms;
pub mod clock;
pub mod join;
pub mod limits;
pub mod live_side;
pub mod livekit;
pub mod mail;
pub mod media;
pub mod meetings;
pub mod participants;
pub mod passwords;
pub mod people;
pub mod presence;
pub mod services;
pub mod statistics;
pub mod tokens;
pub mod webhooks;
