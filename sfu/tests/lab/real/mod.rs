//! The same links in real time, between network namespaces: real processes, real sockets, real Chromium on both sides.

mod room;
mod scenarios;
mod tunnel;
