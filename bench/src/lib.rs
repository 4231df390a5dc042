//! What the benchmarks share: packets as a browser sends them, a count of allocations, and what the machine allows.

pub mod allocations;
mod crossing;
pub mod data_room;
pub mod egress_limit;
pub mod garbage;
pub mod live;
pub mod packets;
pub mod room;
