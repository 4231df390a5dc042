//! The media plane: everything between a UDP datagram of one peer and the datagrams of its subscribers.

pub mod engine;
