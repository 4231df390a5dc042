//! The KCS dialect: REST under `/api`, envelope `{success, data, message}`, and Socket.IO.

pub mod asked;
pub mod asked_breakouts;
pub mod asked_chat;
pub mod asked_data;
pub mod asyncapi;
mod chat_view;
pub mod error;
pub mod limits;
pub mod preset;
pub mod rest;
pub mod socket;
mod socket_breakouts;
mod socket_chat;
mod socket_connection;
mod socket_data;
mod socket_line;
mod socket_outlet;
mod socket_requests;
mod socket_resume;
mod socket_view;
mod told;
mod told_breakouts;
mod told_chat;
mod told_data;
mod told_data_stats;
mod told_media;
mod told_stats;
pub mod view;

pub use socket_view::event as socket_event;
pub use told::Said;
