//! Tests of the engine from outside: real and hand-made peers, an emulated network, a virtual clock. One binary, since
//! they share peers and network.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops where it stands")]

mod against_str0m;
mod allocations;
mod associations;
mod binding_request;
mod branches;
mod branches_come_and_go;
mod branches_told;
mod browser;
mod call;
mod camera;
mod connecting;
mod data_channels;
mod data_room;
mod fuzz_corpus;
mod grouping;
mod hearing;
mod hostile_packets;
mod late_joiner_sees_video;
mod layer_stops;
mod lossy_uplink;
mod meeting;
mod moving;
mod network;
mod pacing;
mod peer;
mod publisher_vanishes;
mod quality;
mod random;
mod redundancy;
mod room;
mod routing;
mod sctp_client;
mod secured;
mod statistics;
mod statistics_on_the_wire;
mod svc;
mod tracks;
mod who_gets_what;
mod wires;
