//! The KCS dialect: REST under `/api`, envelope `{success, data, message}`.

pub mod error;
pub mod limits;
pub mod preset;
pub mod rest;
pub mod view;
