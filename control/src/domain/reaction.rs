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

/// The names some clients send instead of an emoji.
const NAMED: [(&str, &str); 10] = [
    ("thumbs_up", "👍"),
    ("thumbs_down", "👎"),
    ("clap", "👏"),
    ("heart", "❤️"),
    ("laugh", "😂"),
    ("surprised", "😮"),
    ("sad", "😢"),
    ("party", "🎉"),
    ("fire", "🔥"),
    ("raised_hands", "🙌"),
];

/// A reaction sent to a meeting, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reaction(String);

impl Reaction {
    /// Reads one; see [`reaction`].
    ///
    /// # Errors
    /// As [`reaction`].
    pub fn parse(field: &'static str, text: &str) -> Result<Self, DomainError> {
        reaction(field, text).map(Self)
    }

    /// The name; a value of no known emoji is shown as it was sent.
    pub fn name(&self) -> &str {
        let sent = bare(&self.0);
        NAMED.iter().find(|(_, emoji)| bare(emoji) == sent).map_or(&self.0, |(name, _)| name)
    }

    /// The emoji; a value of no known name is shown as it was sent.
    pub fn emoji(&self) -> &str {
        NAMED.iter().find(|(name, _)| *name == self.0).map_or(&self.0, |(_, emoji)| emoji)
    }
}

/// An emoji without its variation selector, which some clients leave away.
fn bare(emoji: &str) -> &str {
    emoji.trim_end_matches('\u{fe0f}')
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

    #[test]
    fn c_51_emoji_become_their_name_and_the_rest_is_shown_as_sent() {
        let shown = |text: &str| Reaction::parse("reaction", text).expect("a reaction").name().to_owned();
        assert_eq!(shown("👍"), "thumbs_up");
        assert_eq!(shown("❤️"), "heart");
        assert_eq!(shown("❤"), "heart", "without its variation selector");
        assert_eq!(shown("thumbs_up"), "thumbs_up");
        assert_eq!(shown("🦀"), "🦀");
    }

    #[test]
    fn kcs_ws_10_c_51_names_become_their_emoji_and_the_rest_is_shown_as_sent() {
        let shown = |text: &str| Reaction::parse("reaction", text).expect("a reaction").emoji().to_owned();
        assert_eq!(shown("thumbs_up"), "👍");
        assert_eq!(shown("raised_hands"), "🙌");
        assert_eq!(shown("❤️"), "❤️");
        assert_eq!(shown(":wave:"), ":wave:");
        assert_eq!(shown("Thumbs_Up"), "Thumbs_Up", "names are exact");
    }
}
