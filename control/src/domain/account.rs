//! An account: a person who can log in.

use time::OffsetDateTime;

use super::id::{CampusId, UserId};

/// Shortest password anybody may have (C-12), in characters.
pub const PASSWORD_CHARS_MIN: usize = 6;
/// Longest password we hash, in bytes; argon2 would take more, a stranger should not make it.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// What an account is for the whole platform, apart from its role in a meeting (C-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserType {
    Admin,
    CampusAdmin,
    Teacher,
    Staff,
    Student,
    Guest,
}

impl UserType {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 6] =
        [Self::Admin, Self::CampusAdmin, Self::Teacher, Self::Staff, Self::Student, Self::Guest];

    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::CampusAdmin => "campus_admin",
            Self::Teacher => "teacher",
            Self::Staff => "staff",
            Self::Student => "student",
            Self::Guest => "guest",
        }
    }

    /// Reads the word of [`UserType::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A person who can log in. Carries no password: hashes stay in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: UserId,
    pub name: String,
    /// As given; compared in lower case.
    pub email: String,
    pub user_type: UserType,
    pub campus: CampusId,
    /// May reach meetings of every campus.
    pub cross_campus: bool,
    pub department: Option<String>,
    pub profile_picture: Option<String>,
    /// Rises with each password change; tokens of an older version are void.
    pub password_version: i64,
    pub created_at: OffsetDateTime,
}

impl Account {
    /// Whether campus isolation binds this account (C-09).
    pub fn crosses_campuses(&self) -> bool {
        self.cross_campus || self.user_type == UserType::Admin
    }

    /// The account's address in the form in which addresses are compared.
    pub fn email_key(&self) -> String {
        email_key(&self.email)
    }
}

/// The form in which e-mail addresses are stored for comparison (C-38): trimmed, lower case.
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Whether `text` could be an e-mail address: something, one `@`, a domain without spaces. Delivery proves the rest.
pub fn is_email(text: &str) -> bool {
    let text = text.trim();
    text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && matches!(text.split_once('@'), Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_one_at_sign_with_something_on_both_sides() {
        assert!(is_email(" Ada@Example.org "));
        for text in ["", "@", "a@", "@b", "a@b@c", "a b@c", &format!("{}@b", "a".repeat(260))] {
            assert!(!is_email(text), "{text}");
        }
    }
}
