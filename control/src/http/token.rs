//! The credential of a request.

use http::{HeaderMap, header};

use crate::domain::error::DomainError;

/// The token in `Authorization: Bearer <token>`; the scheme's letter case is ignored, as RFC 9110 has it.
pub fn bearer(headers: &HeaderMap) -> Result<&str, DomainError> {
    let value = headers.get(header::AUTHORIZATION).ok_or(DomainError::CredentialMissing)?;
    let text = value.to_str().map_err(|_| DomainError::TokenInvalid)?.trim();
    if text.is_empty() {
        return Err(DomainError::CredentialMissing);
    }
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(token.trim())
        }
        None if text.eq_ignore_ascii_case("bearer") => Err(DomainError::CredentialMissing),
        _ => Err(DomainError::TokenInvalid),
    }
}
