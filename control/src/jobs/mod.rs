//! Periodic work, one file each, safe to run twice.

pub mod attachments;
