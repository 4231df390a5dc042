//! Why a request is refused, before a dialect has put words to it.

use crate::domain::error::DomainError;

/// A refusal of the domain's, or one that HTTP knows and the domain does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Domain(DomainError),
    UnknownRoute,
    WrongMethod,
    BodyTooLarge,
}

impl From<DomainError> for Refusal {
    fn from(reason: DomainError) -> Self {
        Self::Domain(reason)
    }
}
