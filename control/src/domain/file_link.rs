//! A file that a message points to and that is kept elsewhere.

use super::error::DomainError;

/// Longest URL that is kept: what browsers and proxies take.
const URL_BYTES_MAX: usize = 2048;
/// Longest name and longest type of a file, in characters.
const NAME_CHARS_MAX: usize = 255;

/// Where a file is and what its sender says about it. Nobody here has seen it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileLink {
    pub url: String,
    pub name: Option<String>,
    pub media_type: Option<String>,
    pub bytes: Option<u64>,
}

impl FileLink {
    /// Checks the bounds, and that the URL leads to a web server: what else it could do, such as run, it shall not.
    ///
    /// # Errors
    /// One of them is out of bounds, told by the name clients give it.
    pub fn checked(self) -> Result<Self, DomainError> {
        let after_scheme = self.url.strip_prefix("https://").or_else(|| self.url.strip_prefix("http://"));
        let odd = |c: char| c.is_control() || c.is_whitespace();
        if !after_scheme.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '['))
            || self.url.contains(odd)
        {
            return Err(DomainError::invalid(
                "file_url",
                "must begin with https:// or http:// and name a host",
            ));
        }
        if self.url.len() > URL_BYTES_MAX {
            return Err(DomainError::invalid("file_url", format!("must have at most {URL_BYTES_MAX} bytes")));
        }
        check_text("file_name", self.name.as_deref())?;
        check_text("file_type", self.media_type.as_deref())?;
        Ok(self)
    }
}

/// Checks what a sender says of a file, its name or its type.
///
/// # Errors
/// Too long, or not for eyes.
pub fn check_text(field: &'static str, text: Option<&str>) -> Result<(), DomainError> {
    let text = text.unwrap_or_default();
    if text.chars().count() > NAME_CHARS_MAX {
        return Err(DomainError::invalid(field, format!("must have at most {NAME_CHARS_MAX} characters")));
    }
    if text.contains(char::is_control) {
        return Err(DomainError::invalid(field, "must not contain control characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(url: &str, name: &str) -> Result<FileLink, DomainError> {
        FileLink { url: url.into(), name: Some(name.into()), media_type: None, bytes: Some(1) }.checked()
    }

    #[test]
    fn v1_08_a_file_lies_on_a_web_server_and_nowhere_else() {
        for good in ["https://files.example.org/plan.pdf?v=1", "http://[2001:db8::1]/a"] {
            assert!(link(good, "plan.pdf").is_ok(), "{good}");
        }
        let long = format!("https://files.example.org/{}", "x".repeat(URL_BYTES_MAX));
        for bad in
            ["javascript:alert(1)", "https://", "https:///x", "//a", "", "https://a b", "data:,x", &long]
        {
            let refused = link(bad, "plan.pdf");
            assert!(matches!(refused, Err(DomainError::FieldInvalid { field: "file_url", .. })), "{bad}");
        }
        let long = "x".repeat(NAME_CHARS_MAX + 1);
        for bad in [long.as_str(), "a\u{7}b"] {
            let refused = link("https://files.example.org", bad);
            assert!(matches!(refused, Err(DomainError::FieldInvalid { field: "file_name", .. })), "{bad}");
        }
    }
}
