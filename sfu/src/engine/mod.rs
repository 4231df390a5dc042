//! The pure core of one worker: no socket, thread, clock or channel in here. Time and seeds come in as arguments.

pub mod demux;
pub mod packet;
pub mod transport;
