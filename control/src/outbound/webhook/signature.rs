//! How a receiver knows that a message is ours: the scheme of Standard Webhooks, and the header of old (C-60).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;

use crate::domain::webhook::SigningSecret;

/// What a secret begins with whose rest is base64 of the key.
const PREFIX: &str = "whsec_";
/// Bytes of such a key.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The key that a secret stands for: what is behind `whsec_` decoded, any other text as it is. `None`: it begins so and
/// is none.
pub(super) fn key(secret: &SigningSecret) -> Option<Vec<u8>> {
    match secret.expose().strip_prefix(PREFIX) {
        Some(encoded) => STANDARD.decode(encoded).ok().filter(|key| KEY_BYTES.contains(&key.len())),
        None => Some(secret.expose().as_bytes().to_vec()),
    }
}

/// The headers of one try. `secrets`, the newest first: every one of them signs in the scheme that knows several, and the
/// newest in the header of old, whose key is the secret's text as it was handed out.
pub(super) fn headers(
    id: &str,
    now: OffsetDateTime,
    body: &str,
    secrets: &[SigningSecret],
) -> Vec<(&'static str, String)> {
    let timestamp = now.unix_timestamp();
    let signed = format!("{id}.{timestamp}.{body}");
    let sign = |secret| {
        // Secrets are checked when they are set, and ours are made by us.
        let key = key(secret).unwrap_or_else(|| secret.expose().as_bytes().to_vec());
        format!("v1,{}", STANDARD.encode(hmac_of(&key, &signed)))
    };
    let signatures: Vec<_> = secrets.iter().map(sign).collect();
    let mut headers = vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ];
    if let Some(newest) = secrets.first() {
        let digest = hmac_of(newest.expose().as_bytes(), body);
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        headers.push(("x-webhook-signature", format!("sha256={hex}")));
    }
    headers
}

fn hmac_of(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_60_the_example_of_the_standard_has_the_signature_it_says() {
        let secret = SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let now = OffsetDateTime::from_unix_timestamp(1_614_265_330).expect("a time");
        let headers = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", now, r#"{"test": 2432232314}"#, &[secret]);
        assert_eq!(headers[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn c_60_the_header_of_old_is_keyed_with_the_text() {
        // RFC 4231, test case 2.
        let headers = headers(
            "a",
            OffsetDateTime::UNIX_EPOCH,
            "what do ya want for nothing?",
            &[SigningSecret::new("Jefe")],
        );
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(headers[3], ("x-webhook-signature", expected.to_owned()));
    }

    #[test]
    fn after_a_rotation_both_secrets_sign_the_newest_first() {
        let (new, old) = (SigningSecret::new("the newer secret"), SigningSecret::new("the older secret"));
        let signed = |secrets: &[SigningSecret]| headers("a", OffsetDateTime::UNIX_EPOCH, "{}", secrets);
        let (both, first, second) = (signed(&[new.clone(), old.clone()]), signed(&[new]), signed(&[old]));
        assert_eq!(both[2].1, format!("{} {}", first[2].1, second[2].1));
        assert_eq!(both[3], first[3]);
    }

    #[test]
    fn a_secret_with_the_prefix_must_be_a_key() {
        let is_key = |text: &str| key(&SigningSecret::new(text)).is_some();
        assert!(is_key("any text") && is_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        for text in ["whsec_", "whsec_c2hvcnQ=", "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"] {
            assert!(!is_key(text), "{text}");
        }
    }
}
