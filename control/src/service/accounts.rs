//! Accounts: who a token stands for, logging in, changing a password, adding people.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use time::OffsetDateTime;

use crate::domain::account::{Account, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, UserType, is_email};
use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::error::DomainError;
use crate::domain::event::{AccessEnd, Audience, DomainEvent};
use crate::domain::id::{CampusId, UserId};
use crate::domain::password::PasswordHash;
use crate::hub::Hub;
use crate::service::audit::Audit;
use crate::service::clock::Clock;
use crate::service::passwords::Passwords;
use crate::service::tokens::Tokens;
use crate::store::Store;

/// Longest name, address, campus, department or picture reference, in bytes (C-65 allows names to be opaque strings).
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Everything about accounts.
#[derive(Clone)]
pub struct Accounts {
    store: Store,
    passwords: Passwords,
    tokens: Tokens,
    audit: Audit,
    clock: Clock,
    hub: Hub,
    /// Versions whose tokens were ended by this process; as many as accounts that got a new password since it started.
    ended: Arc<Mutex<HashMap<UserId, i64>>>,
    /// Checked when an address is unknown, so that the answer takes as long as for a known one.
    decoy: PasswordHash,
}

/// A person to be added.
#[derive(Clone)]
pub struct NewAccount {
    pub name: String,
    pub email: String,
    pub password: String,
    pub user_type: UserType,
    pub campus: CampusId,
    pub department: Option<String>,
    pub profile_picture: Option<String>,
}

/// Who a credential stands for, and how long.
pub struct Access {
    pub actor: Actor,
    /// Unix seconds.
    pub valid_until_s: i64,
}

/// A login that succeeded.
pub struct Login {
    pub token: String,
    pub account: Account,
}

impl Accounts {
    /// Ready when the decoy is hashed.
    pub async fn new(
        store: Store,
        passwords: Passwords,
        tokens: Tokens,
        audit: Audit,
        clock: Clock,
        hub: Hub,
    ) -> Result<Self, DomainError> {
        let decoy = passwords.hash(&UserId::generate().to_string()).await?;
        Ok(Self { store, passwords, tokens, audit, clock, hub, ended: Arc::default(), decoy })
    }

    /// Who a token stands for, as the account is now. Every dialect's every request comes through here (AUTH-03).
    pub async fn authenticate(&self, token: &str) -> Result<Actor, DomainError> {
        Ok(self.access(token).await?.actor)
    }

    /// The same for connections that outlast a request: with the time up to which it holds.
    pub async fn access(&self, token: &str) -> Result<Access, DomainError> {
        let bearer = self.tokens.read(token, self.clock.now())?;
        let account = self.store.account(bearer.user).await?.ok_or(DomainError::AccountUnknown)?;
        if account.password_version != bearer.password_version {
            return Err(DomainError::TokenInvalid);
        }
        Ok(Access { actor: Actor::Account(account), valid_until_s: bearer.valid_until_s() })
    }

    /// Whether what [`Accounts::access`] said a moment ago still holds. A connection that opened meanwhile was not there
    /// to be closed.
    pub fn is_current(&self, actor: &Actor) -> bool {
        let Some(account) = actor.account() else { return true };
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.get(&account.id).is_none_or(|version| *version <= account.password_version)
    }

    /// Checks an address and a password and issues a token. Unknown and wrong are the same refusal.
    pub async fn log_in(&self, email: &str, password: &str) -> Result<Login, DomainError> {
        let found = self.store.credentials_by_email(email).await?;
        let hash = found.as_ref().map_or(&self.decoy, |(_, hash)| hash);
        let matches = password.len() <= PASSWORD_BYTES_MAX && self.passwords.matches(password, hash).await?;
        match found {
            Some((account, _)) if matches => {
                let token = self.tokens.issue(&account, self.clock.now())?;
                let entry = AuditEntry::granted(AuditAction::Login, Some(account.id));
                self.audit.note(entry.in_campus(Some(account.campus.clone()))).await;
                count_login("granted");
                Ok(Login { token, account })
            }
            found => {
                let account = found.map(|(account, _)| account);
                let user = account.as_ref().map(|account| account.id);
                let entry = AuditEntry::refused(AuditAction::Login, user, &DomainError::LoginRefused);
                self.audit.note(entry.in_campus(account.map(|account| account.campus))).await;
                count_login("refused");
                Err(DomainError::LoginRefused)
            }
        }
    }

    /// Replaces the caller's password; tokens issued before stop working, and connections opened with them close.
    pub async fn change_password(&self, actor: &Actor, current: &str, new: &str) -> Result<(), DomainError> {
        check_password("newPassword", new)?;
        let id = actor.user_id().ok_or(DomainError::Forbidden)?;
        let (account, hash) = self.store.credentials(id).await?.ok_or(DomainError::AccountUnknown)?;
        if current.len() > PASSWORD_BYTES_MAX || !self.passwords.matches(current, &hash).await? {
            let refusal = DomainError::CurrentPasswordWrong;
            let entry = AuditEntry::refused(AuditAction::PasswordChange, Some(id), &refusal);
            self.audit.note(entry.in_campus(Some(account.campus))).await;
            return Err(refusal);
        }
        let new = self.passwords.hash(new).await?;
        // Somebody who changed it in between made the token of this request void.
        if !self.store.change_password(id, account.password_version, &new).await? {
            return Err(DomainError::TokenInvalid);
        }
        self.end_access(id, account.password_version + 1);
        let entry = AuditEntry::granted(AuditAction::PasswordChange, Some(id));
        self.audit.note(entry.in_campus(Some(account.campus))).await;
        Ok(())
    }

    fn end_access(&self, user: UserId, version: i64) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).insert(user, version);
        self.hub.publish(&Audience::Accounts(vec![user]), &DomainEvent::AccessEnded(AccessEnd::Revoked));
    }

    /// Adds a person (ADD-01): administrators anywhere, campus administrators to their own campus and below their own
    /// rank, nobody else.
    pub async fn create(&self, actor: &Actor, new: NewAccount) -> Result<Account, DomainError> {
        let campus = new.campus.clone();
        let created = match may_create(actor, &new) {
            Ok(()) => self.add(new).await,
            // What somebody may not do in another campus is his own campus' affair.
            Err(refusal) => {
                let entry = AuditEntry::refused(AuditAction::UserCreate, actor.user_id(), &refusal);
                self.audit.note(entry.in_campus(actor.campus().cloned())).await;
                return Err(refusal);
            }
        };
        let entry =
            AuditEntry::of(AuditAction::UserCreate, actor.user_id(), &created).in_campus(Some(campus));
        let entry = match &created {
            Ok(account) => entry.to(account.id),
            Err(_) => entry,
        };
        self.audit.note(entry).await;
        created
    }

    /// Adds a person on the operator's word: the command line.
    pub async fn add(&self, new: NewAccount) -> Result<Account, DomainError> {
        let (account, hash) = self.prepare(new).await?;
        self.store.insert_account(&account, &hash).await?;
        Ok(account)
    }

    /// Adds the first people of an installation; `false` and nothing added when there is anybody already.
    pub async fn add_first(&self, new: Vec<NewAccount>) -> Result<bool, DomainError> {
        if self.store.has_accounts().await? {
            return Ok(false);
        }
        let mut prepared = Vec::with_capacity(new.len());
        for one in new {
            prepared.push(self.prepare(one).await?);
        }
        self.store.insert_first_accounts(&prepared).await
    }

    async fn prepare(&self, new: NewAccount) -> Result<(Account, PasswordHash), DomainError> {
        check_new(&new)?;
        let hash = self.passwords.hash(&new.password).await?;
        Ok((account_of(new, self.clock.now()), hash))
    }
}

fn account_of(new: NewAccount, now: OffsetDateTime) -> Account {
    Account {
        id: UserId::generate(),
        name: new.name.trim().to_owned(),
        email: new.email.trim().to_owned(),
        user_type: new.user_type,
        campus: new.campus,
        cross_campus: false,
        department: new.department,
        profile_picture: new.profile_picture,
        password_version: 1,
        created_at: now,
    }
}

fn may_create(actor: &Actor, new: &NewAccount) -> Result<(), DomainError> {
    let account = actor.account().ok_or(DomainError::Forbidden)?;
    match account.user_type {
        UserType::Admin => Ok(()),
        UserType::CampusAdmin if account.campus == new.campus && new.user_type != UserType::Admin => Ok(()),
        _ => Err(DomainError::Forbidden),
    }
}

fn check_new(new: &NewAccount) -> Result<(), DomainError> {
    check_text("name", &new.name)?;
    check_text("campus_id", &new.campus.0)?;
    if !is_email(&new.email) {
        return Err(DomainError::invalid("email", "must be an e-mail address"));
    }
    for (field, text) in [("department", &new.department), ("profile_picture", &new.profile_picture)] {
        if text.as_ref().is_some_and(|text| text.len() > TEXT_BYTES_MAX) {
            return Err(too_long(field));
        }
    }
    check_password("password", &new.password)
}

fn check_text(field: &'static str, text: &str) -> Result<(), DomainError> {
    if text.trim().is_empty() {
        return Err(DomainError::FieldMissing(field));
    }
    if text.len() > TEXT_BYTES_MAX { Err(too_long(field)) } else { Ok(()) }
}

fn too_long(field: &'static str) -> DomainError {
    DomainError::invalid(field, format!("must not be longer than {TEXT_BYTES_MAX} bytes"))
}

fn check_password(field: &'static str, password: &str) -> Result<(), DomainError> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(DomainError::invalid(field, format!("must be at least {PASSWORD_CHARS_MIN} characters")));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(DomainError::invalid(
            field,
            format!("must not be longer than {PASSWORD_BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

fn count_login(result: &'static str) {
    metrics::counter!("plenum_login_total", "result" => result).increment(1);
}
