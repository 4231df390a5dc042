//! What the benchmarks share: packets as a browser sends them, a count of allocations, what the machine allows; and the
//! whole-path program ([`path`]), which fills the real node and divides its cost by that.

pub mod ab;
pub mod allocations;
mod crossing;
pub mod data_room;
mod early;
pub mod egress_limit;
pub mod garbage;
pub mod http;
pub mod live;
pub mod mode;
pub mod packets;
pub mod path;
pub mod plots;
pub mod room;
pub mod table;
pub mod thread_time;
