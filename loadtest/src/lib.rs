//! Bots that are real clients: they sign in, join and talk as a browser would, and account for every packet.
//!
//! [`scenario`] says what people do; [`bot`] is one of them; [`signal`] speaks to the server from the API documents;
//! [`peer`] is one WebRTC transport (str0m, an implementation independent of ours); [`media`] makes what is sent;
//! [`accounting`] judges what arrives; [`monitor`] and [`timeline`] follow the run while it lasts; [`report`] says what
//! was found in text, as a page and in JSON. [`light`] is another kind of client: many on one thread, for benchmarks.

pub mod accounting;
pub mod bot;
pub mod cpu;
pub mod demo;
pub mod exposition;
pub mod histogram;
pub mod light;
pub mod media;
pub mod monitor;
pub mod network;
pub mod parameters;
pub mod peer;
pub mod progress;
pub mod report;
pub mod sampler;
pub mod scenario;
pub mod server;
pub mod signal;
pub mod stamp;
pub mod timeline;
mod wire;
