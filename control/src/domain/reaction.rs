//! What may be sent as a reaction (C-51).

use super::error::DomainError;

/// Longest reaction, in bytes: a family of four with skin tones has 41, and is too much; the usual ones have 4 to 28.
pub const REACTION_BYTES_MAX: usize = 32;
/// Different reactions on one message; a longer row says nothing more. Further ones are refused.
pub const KINDS_PER_MESSAGE_MAX: usize = 20;

/// A reaction as it is stored and told: an emoji, or a name as some dialects have them.
///
/// # Errors
/// Missing, too long, or with control characters or markup. `field` is what the client called it.
pub fn reaction(field: &'static str, text: &str) -> Result<String, DomainError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(DomainError::FieldMissing(field));
    }
    if text.len() > REACTION_BYTES_MAX {
        return Err(DomainError::invalid(field, format!("must have at most {REACTION_BYTES_MAX} bytes")));
    }
    if text.chars().any(|c| c.is_control() || matches!(c, '<' | '>' | '&' | '"' | '\'' | '`')) {
        return Err(DomainError::invalid(field, "must be an emoji"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_51_emoji_and_names_are_reactions_and_markup_is_not() {
        for good in ["👍", "❤️", "👩‍👩‍👧", "thumbs_up"] {
            assert_eq!(reaction("emoji", good), Ok(good.to_owned()));
        }
        assert_eq!(reaction("emoji", " "), Err(DomainError::FieldMissing("emoji")));
        for bad in ["<b>", "&amp;", "a\u{0}b", "\"", &"x".repeat(33)] {
            assert!(matches!(reaction("emoji", bad), Err(DomainError::FieldInvalid { .. })), "{bad}");
        }
    }
}
