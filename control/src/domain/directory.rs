//! Looking people of a campus up (KCS-14).

use super::account::{Account, UserType};
use super::error::DomainError;

/// Most results of one search (LIM-05).
pub const RESULTS_MAX: u32 = 100;
/// Longest text searched for, in characters: longer than any name, shorter than what makes a database sweat.
pub const QUERY_CHARS_MAX: usize = 200;

/// The groups of people a search can be narrowed to. Administrators are staff here, guests are nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    Teachers,
    Students,
    Staff,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Teachers, Self::Students, Self::Staff];

    /// Reads the word, singular or plural (C-15).
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "teacher" | "teachers" => Some(Self::Teachers),
            "student" | "students" => Some(Self::Students),
            "staff" => Some(Self::Staff),
            _ => None,
        }
    }

    /// The group an account is in.
    pub fn of(kind: UserType) -> Option<Self> {
        match kind {
            UserType::Teacher => Some(Self::Teachers),
            UserType::Student => Some(Self::Students),
            UserType::Staff | UserType::Admin | UserType::CampusAdmin => Some(Self::Staff),
            UserType::Guest => None,
        }
    }
}

/// What is searched for. Relevance: equal to name, address or user name (the part before the `@`) first, then what begins
/// with it, then what has it anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    pub query: String,
    /// Leave out who is on the roster already.
    pub skip_listed: bool,
    pub limit: u32,
    /// Empty: all.
    pub categories: Vec<Category>,
}

impl Search {
    /// The text as it is compared.
    ///
    /// # Errors
    /// Nothing to search for, or too much.
    pub fn key(&self) -> Result<String, DomainError> {
        let key = search_key(&self.query);
        if key.is_empty() {
            return Err(DomainError::invalid("query", "must not be empty"));
        }
        if key.chars().count() > QUERY_CHARS_MAX {
            return Err(DomainError::invalid(
                "query",
                format!("must have at most {QUERY_CHARS_MAX} characters"),
            ));
        }
        Ok(key)
    }

    /// Whether people of a group are wanted.
    pub fn wants(&self, category: Category) -> bool {
        self.categories.is_empty() || self.categories.contains(&category)
    }
}

/// The form in which names are compared: trimmed, single spaces, lower case.
pub fn search_key(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The most relevant people, and how many there are in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub accounts: Vec<Account>,
    pub total: u64,
}
