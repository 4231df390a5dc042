//! Use cases: gather facts, let the domain decide, store, publish. The only door for dialects.

pub mod accounts;
pub mod admissions;
pub mod audit;
pub mod clock;
pub mod limits;
pub mod live_side;
pub mod meetings;
pub mod passwords;
pub mod services;
pub mod tokens;
