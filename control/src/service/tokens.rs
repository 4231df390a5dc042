//! Access tokens: JWT, HS512 and nothing else (C-10).

use std::sync::Arc;

use jsonwebtoken::crypto::aws_lc;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::domain::account::Account;
use crate::domain::error::DomainError;
use crate::domain::id::UserId;

/// Clocks of machines differ; nobody's differs by more than this without knowing.
const LEEWAY_S: i64 = 5;
/// Longest text we look at. Our own tokens have some 400 bytes.
const TOKEN_BYTES_MAX: usize = 4096;

/// Makes and reads tokens.
#[derive(Clone)]
pub struct Tokens {
    encoding: Arc<EncodingKey>,
    decoding: Arc<DecodingKey>,
    validation: Arc<Validation>,
    lifetime_s: i64,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub user_id: String,
    pub user_type: String,
    pub campus_id: String,
    pub sub: String,
    /// The password version the token was issued under.
    pub ver: i64,
    pub iat: i64,
    pub exp: i64,
}

/// A token that was read and is in time: whose it is, and under which password it was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bearer {
    pub user: UserId,
    pub password_version: i64,
    /// Unix seconds.
    pub expires_at_s: i64,
}

impl Bearer {
    /// The last unix second in which the token is taken.
    pub fn valid_until_s(&self) -> i64 {
        self.expires_at_s.saturating_add(LEEWAY_S)
    }
}

impl Tokens {
    /// Tokens signed with `secret`, valid for so many hours.
    pub fn new(secret: &[u8], lifetime_hours: u32) -> Self {
        // Explicit, because feature unification could otherwise leave the library without a provider or with two.
        // An error only says that it is installed already.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
        let mut validation = Validation::new(Algorithm::HS512);
        validation.algorithms = vec![Algorithm::HS512];
        // We compare `exp` ourselves, against our own clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims = ["exp".to_owned(), "sub".to_owned()].into();
        Self {
            encoding: Arc::new(EncodingKey::from_secret(secret)),
            decoding: Arc::new(DecodingKey::from_secret(secret)),
            validation: Arc::new(validation),
            lifetime_s: i64::from(lifetime_hours) * 3600,
        }
    }

    /// A fresh token for an account.
    pub fn issue(&self, account: &Account, now: OffsetDateTime) -> Result<String, DomainError> {
        let iat = now.unix_timestamp();
        let claims = Claims {
            user_id: account.id.to_string(),
            user_type: account.user_type.as_str().to_owned(),
            campus_id: account.campus.to_string(),
            sub: account.id.to_string(),
            ver: account.password_version,
            iat,
            exp: iat + self.lifetime_s,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS512), &claims, &self.encoding).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            DomainError::Internal
        })
    }

    /// Reads a token: `TokenInvalid` for anything we did not sign, `TokenExpired` for what we signed too long ago.
    pub fn read(&self, token: &str, now: OffsetDateTime) -> Result<Bearer, DomainError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(DomainError::TokenInvalid);
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|_| DomainError::TokenInvalid)?
            .claims;
        if claims.sub != claims.user_id {
            return Err(DomainError::TokenInvalid);
        }
        if now.unix_timestamp() > claims.exp.saturating_add(LEEWAY_S) {
            return Err(DomainError::TokenExpired);
        }
        let user = UserId::parse(&claims.sub).ok_or(DomainError::TokenInvalid)?;
        Ok(Bearer { user, password_version: claims.ver, expires_at_s: claims.exp })
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::domain::account::UserType;
    use crate::domain::id::CampusId;

    const SECRET: &[u8] = b"a secret of the tests, long enough to be one of HS512's own kind";

    fn account() -> Account {
        Account {
            id: UserId::generate(),
            name: "Ada".into(),
            email: "ada@example.org".into(),
            user_type: UserType::Teacher,
            campus: CampusId::new("default"),
            cross_campus: false,
            department: None,
            profile_picture: None,
            password_version: 3,
            created_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn c_10_a_token_is_read_back_until_it_expires() {
        let (tokens, account, now) = (Tokens::new(SECRET, 24), account(), OffsetDateTime::now_utc());
        let token = tokens.issue(&account, now).expect("signs");
        let bearer = tokens.read(&token, now + Duration::hours(24)).expect("in time");
        assert_eq!((bearer.user, bearer.password_version), (account.id, 3));
        let late = now + Duration::hours(24) + Duration::seconds(LEEWAY_S + 1);
        assert_eq!(tokens.read(&token, late), Err(DomainError::TokenExpired));
    }

    #[test]
    fn c_10_only_hs512_with_our_secret_is_accepted() {
        let (tokens, account, now) = (Tokens::new(SECRET, 24), account(), OffsetDateTime::now_utc());
        let good = tokens.issue(&account, now).expect("signs");
        let claims = Claims {
            user_id: account.id.to_string(),
            user_type: "admin".into(),
            campus_id: "default".into(),
            sub: account.id.to_string(),
            ver: 3,
            iat: now.unix_timestamp(),
            exp: now.unix_timestamp() + 60,
        };
        let hs256 =
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(SECRET));
        let foreign = jsonwebtoken::encode(
            &Header::new(Algorithm::HS512),
            &claims,
            &EncodingKey::from_secret(b"other"),
        );
        let payload = good.split('.').nth(1).expect("three parts");
        let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.");
        let long = "x".repeat(TOKEN_BYTES_MAX + 1);
        for bad in [hs256.expect("signs"), foreign.expect("signs"), none, long, String::new(), "a.b.c".into()]
        {
            assert_eq!(tokens.read(&bad, now), Err(DomainError::TokenInvalid), "{bad}");
        }
    }
}
