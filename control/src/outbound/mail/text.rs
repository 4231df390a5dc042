//! Texts of strangers made harmless for one line.

/// One line of at most `chars_max` characters: no control characters, line ends or marks that turn the direction of
/// writing, so that a name cannot begin a header of its own or look like another.
pub(super) fn one_line(text: &str, chars_max: usize) -> String {
    let clean = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let breaks = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if turns { None } else { Some(if breaks { ' ' } else { c }) }
    };
    let text: String = text.chars().filter_map(clean).collect();
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = words.char_indices().nth(chars_max) {
        words.truncate(cut);
        words.push('…');
    }
    words
}

/// The beginning of a long text, line ends and all.
pub(super) fn beginning(text: &str, chars_max: usize) -> String {
    let keep = |c: &char| *c == '\n' || *c == '\t' || !c.is_control();
    let mut kept: String = text.trim().chars().filter(keep).take(chars_max).collect();
    if kept.len() < text.trim().len() && kept.chars().count() == chars_max {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_begin_a_line_of_its_own() {
        assert_eq!(
            one_line("Ada\r\nBcc: all@example.org\u{2028}x\u{202e}", 99),
            "Ada Bcc: all@example.org x"
        );
        assert_eq!(one_line("abcdef", 3), "abc…");
        assert_eq!(one_line("é会議", 3), "é会議");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(beginning("  a\nb\u{7}c  ", 9), "a\nbc");
        assert_eq!(beginning("abcdef", 3), "abc…");
    }
}
