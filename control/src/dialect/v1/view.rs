//! Our types as this dialect shows them: typed, so that the description of the API is made from the same words as
//! the answers. Their names are said once for all dialects, so each begins with `V1`.

pub mod breakouts;
pub mod chat;
pub mod envelope;
pub mod meeting;
pub mod people;
pub mod token;
