//! The first people of an installation: the demonstration's, or one administrator named by the operator (C-11).

use crate::app::StartError;
use crate::config::Config;
use crate::domain::account::UserType;
use crate::domain::error::DomainError;
use crate::domain::id::CampusId;
use crate::service::accounts::{Accounts, NewAccount};
use crate::store::Store;

/// Only `--demo` uses it, and only on an empty database.
const DEMO_PASSWORD: &str = "demo-password";
const OTHER_CAMPUS: &str = "other";

/// Address, name, type and campus of the demo accounts.
const DEMO: [(&str, &str, UserType, &str); 6] = [
    ("admin@demo.test", "Alex Admin", UserType::Admin, CampusId::DEFAULT),
    ("host@demo.test", "Hanna Host", UserType::Teacher, CampusId::DEFAULT),
    ("member@demo.test", "Milan Member", UserType::Teacher, CampusId::DEFAULT),
    ("second@demo.test", "Sofia Second", UserType::Staff, CampusId::DEFAULT),
    ("student@demo.test", "Sam Student", UserType::Student, CampusId::DEFAULT),
    ("outsider@demo.test", "Olga Outsider", UserType::Teacher, OTHER_CAMPUS),
];

/// Creates what is asked for if there is no account yet.
pub(super) async fn create(accounts: &Accounts, config: &Config, demo: bool) -> Result<(), StartError> {
    let failed = |error: DomainError| StartError::FirstAccounts(error.to_string());
    let mut first = Vec::new();
    if let Some(admin) = &config.bootstrap_admin {
        first.push(NewAccount {
            name: "Administrator".into(),
            email: admin.email.clone(),
            password: admin.password.expose().to_owned(),
            user_type: UserType::Admin,
            campus: CampusId::new(CampusId::DEFAULT),
            department: None,
            profile_picture: None,
        });
    }
    let names_one =
        config.bootstrap_admin.as_ref().is_some_and(|a| DEMO.iter().any(|(email, ..)| *email == a.email));
    if demo && !names_one {
        first.extend(DEMO.map(demo_account));
    }
    if first.is_empty() {
        return Ok(());
    }
    accounts.add_first(first).await.map_err(|error| match error {
        DomainError::FieldInvalid { field, reason } => {
            let name = if field == "email" { "BOOTSTRAP_ADMIN_EMAIL" } else { "BOOTSTRAP_ADMIN_PASSWORD" };
            StartError::FirstAccounts(format!("{name}: {reason}"))
        }
        other => failed(other),
    })?;
    Ok(())
}

/// Whether every demo account exists, made by this start or an earlier one.
pub(super) async fn demo_exists(store: &Store) -> Result<bool, DomainError> {
    let emails = DEMO.map(|(email, ..)| email.to_owned());
    Ok(store.accounts_by_emails(&emails).await?.len() == DEMO.len())
}

fn demo_account((email, name, user_type, campus): (&str, &str, UserType, &str)) -> NewAccount {
    NewAccount {
        name: name.into(),
        email: email.into(),
        password: DEMO_PASSWORD.into(),
        user_type,
        campus: CampusId::new(campus),
        department: None,
        profile_picture: None,
    }
}

/// The demo accounts for the operator to read.
pub fn demo_lines() -> String {
    let mut text = format!("Demo accounts (password {DEMO_PASSWORD}):\n");
    for (email, _, user_type, campus) in DEMO {
        text.push_str(&format!("  {email:<20} {:<8} campus {campus}\n", user_type.as_str()));
    }
    text
}
