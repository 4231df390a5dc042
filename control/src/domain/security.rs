//! The security policy of a meeting (C-72): who is kept out, how people arrive, and whom the host lets write, share,
//! record and be seen.

use super::account::Account;
use super::error::DomainError;
use super::id::UserId;

/// Accounts one meeting may keep out: a whole school that misbehaves. More are refused when the policy is set.
pub const BLOCKED_MAX: usize = 1000;
/// Domains one meeting may name: more than any circle of organisations that meets. More are refused likewise.
pub const DOMAINS_MAX: usize = 100;
/// Longest name of a domain, in bytes (RFC 1035, section 2.3.4).
const DOMAIN_BYTES_MAX: usize = 253;

/// Whom something is left to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Those who run the meeting: hosts and co-hosts.
    Host,
    /// Everybody inside, as far as features and single rights go.
    #[default]
    All,
}

impl Level {
    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::All => "all",
        }
    }

    /// Reads the word of [`Level::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Host, Self::All].into_iter().find(|level| level.as_str() == word)
    }
}

/// Who is kept out, how people arrive, and what only those who run the meeting may do.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct EntryPolicy {
    /// Nobody else comes in but hosts; those inside stay.
    pub locked: bool,
    /// Domains of account addresses that may enter, as [`domain`] writes them; empty means all. Does not bind the
    /// creator, nor those who are inside already.
    pub allowed_domains: Vec<String>,
    #[serde(with = "user_ids")]
    pub blocked_users: Vec<UserId>,
    pub mute_on_entry: bool,
    /// Only those who run the meeting may be seen.
    pub disable_camera: bool,
    /// `None`: whoever has the right to record (C-43).
    pub recording_permissions: Option<Level>,
    pub screen_share_permissions: Level,
    pub chat_permissions: Level,
}

impl EntryPolicy {
    /// Checks the bounds that hold for every meeting.
    pub fn check(&self) -> Result<(), DomainError> {
        if self.blocked_users.len() > BLOCKED_MAX {
            return Err(DomainError::invalid("blocked_users", format!("must name at most {BLOCKED_MAX}")));
        }
        if self.allowed_domains.len() > DOMAINS_MAX {
            return Err(DomainError::invalid("allowed_domains", format!("must name at most {DOMAINS_MAX}")));
        }
        Ok(())
    }

    /// Whether the account is blocked by name.
    pub fn blocks(&self, user: UserId) -> bool {
        self.blocked_users.contains(&user)
    }

    /// Whether the account's address is of a domain that may enter.
    pub fn welcomes(&self, account: &Account) -> bool {
        let key = account.email_key();
        let own = key.rsplit_once('@').map_or("", |(_, domain)| domain);
        self.allowed_domains.is_empty()
            || self.allowed_domains.iter().any(|one| one.trim().eq_ignore_ascii_case(own))
    }
}

/// A domain as people write it (`Example.org`, `@example.org`), in the one spelling it is kept in; `None` when it is none.
pub fn domain(text: &str) -> Option<String> {
    let text = text.trim();
    let name = text.strip_prefix('@').unwrap_or(text).to_lowercase();
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-') && !label.starts_with('-')
    };
    (name.len() <= DOMAIN_BYTES_MAX && name.split('.').all(is_label)).then_some(name)
}

/// Account ids inside stored JSON.
mod user_ids {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::UserId;

    pub(super) fn serialize<S: Serializer>(ids: &[UserId], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ids.iter().map(UserId::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<UserId>, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        Ok(words.iter().filter_map(|word| UserId::parse(word)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::account;

    #[test]
    fn c_72_a_domain_is_kept_in_one_spelling_and_what_is_none_is_refused() {
        for (said, kept) in [
            (" Example.ORG", "example.org"),
            ("@example.org", "example.org"),
            ("localhost", "localhost"),
            ("Bücher.example", "bücher.example"),
        ] {
            assert_eq!(domain(said).as_deref(), Some(kept), "{said}");
        }
        let long = format!("{}.org", "a".repeat(250));
        for none in ["", "@", "a b", "ada@example.org", "example..org", ".org", "-a.org", long.as_str()] {
            assert_eq!(domain(none), None, "{none}");
        }
    }

    #[test]
    fn c_72_a_domain_compares_the_whole_name_after_the_at() {
        let mut policy = EntryPolicy::default();
        let ada = account("ada");
        assert!(policy.welcomes(&ada), "empty means all");
        policy.allowed_domains = vec!["org".into(), "sub.example.org".into()];
        assert!(!policy.welcomes(&ada));
        policy.allowed_domains.push("EXAMPLE.org".into());
        assert!(policy.welcomes(&ada));
    }

    #[test]
    fn acc_14_what_was_stored_before_there_were_levels_leaves_everything_to_all() {
        let stored = r#"{"locked":true,"allowed_domains":[],"blocked_users":[],"mute_on_entry":true,"disable_camera":false}"#;
        let read: EntryPolicy = serde_json::from_str(stored).expect("reads");
        assert_eq!(read, EntryPolicy { locked: true, mute_on_entry: true, ..EntryPolicy::default() });
        assert_eq!((read.recording_permissions, read.chat_permissions), (None, Level::All));
    }

    #[test]
    fn acc_14_the_lists_of_a_policy_are_bounded() {
        let blocked_users = (0..=BLOCKED_MAX).map(|_| UserId::generate()).collect();
        let mut policy = EntryPolicy { blocked_users, ..EntryPolicy::default() };
        assert!(matches!(policy.check(), Err(DomainError::FieldInvalid { field: "blocked_users", .. })));
        policy.blocked_users.pop();
        assert_eq!(policy.check(), Ok(()));
        policy.allowed_domains = (0..=DOMAINS_MAX).map(|n| format!("{n}.org")).collect();
        assert!(matches!(policy.check(), Err(DomainError::FieldInvalid { field: "allowed_domains", .. })));
    }
}
