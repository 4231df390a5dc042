//! The REST of the KCS dialect through its real front door: router, services and a database migrated from empty.
#![allow(clippy::panic, reason = "the helpers of a test fail by panicking")]

mod access_log;
mod accounts;
mod audit;
mod bodies;
mod by_participant;
mod contract;
mod described;
mod description;
mod details;
mod envelope;
mod golden;
#[path = "../support/golden.rs"]
mod golden_file;
mod inside;
mod join;
mod limits;
mod mail;
mod matrix;
mod meetings;
mod people;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/receiver.rs"]
mod receiver;
mod recipes;
mod schema;
mod search;
mod series;
mod smtp;
mod start;
mod start_end;
mod statistics;
mod update;
mod webhooks;
mod world;
