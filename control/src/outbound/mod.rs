//! The ways out of this process that nobody asked for over a connection: mail today.

pub mod mail;
