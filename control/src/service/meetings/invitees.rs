//! People named in a request become invitations: looked up, checked, bound to accounts (C-38).

use std::collections::HashMap;

use crate::domain::account::{Account, email_key, is_email};
use crate::domain::error::DomainError;
use crate::domain::id::{CampusId, UserId};
use crate::domain::meeting::{Invitation, PARTICIPANTS_MAX, TEXT_BYTES_MAX};
use crate::domain::role::Role;
use crate::store::Store;

/// A person as a client names one: by account id, by address, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invitee {
    pub user_id: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub role: Option<Role>,
}

/// Looks everybody up, with two statements however many there are. `InviteeUnknown` for an account id that does not
/// exist or is of another campus.
pub(in crate::service) async fn resolve(
    store: &Store,
    campus: &CampusId,
    invitees: Vec<Invitee>,
) -> Result<Vec<Invitation>, DomainError> {
    check(&invitees)?;
    let ids: Vec<_> = invitees.iter().filter_map(|one| UserId::parse(one.user_id.as_deref()?)).collect();
    let emails: Vec<_> = invitees.iter().filter_map(|one| one.email.clone()).collect();
    let by_id: HashMap<_, _> = store.accounts_by_ids(&ids).await?.into_iter().map(|a| (a.id, a)).collect();
    let by_email: HashMap<_, _> =
        store.accounts_by_emails(&emails).await?.into_iter().map(|a| (a.email_key(), a)).collect();
    invitees
        .into_iter()
        .map(|invitee| match &invitee.user_id {
            Some(id) => {
                let account = UserId::parse(id).and_then(|id| by_id.get(&id)).filter(|a| reaches(a, campus));
                account.map(|account| bound(&invitee, account)).ok_or(DomainError::InviteeUnknown)
            }
            None => {
                let key = invitee.email.as_deref().map(email_key).unwrap_or_default();
                // An address that belongs to an account of another campus stays an address: whether there is such
                // an account is nobody's business here.
                match by_email.get(&key).filter(|account| reaches(account, campus)) {
                    Some(account) => Ok(bound(&invitee, account)),
                    None => Ok(unbound(invitee)),
                }
            }
        })
        .collect()
}

fn check(invitees: &[Invitee]) -> Result<(), DomainError> {
    if invitees.is_empty() {
        return Err(DomainError::NobodyInvited);
    }
    if invitees.len() > PARTICIPANTS_MAX as usize {
        return Err(DomainError::invalid(
            "participants",
            format!("must not be more than {PARTICIPANTS_MAX}"),
        ));
    }
    invitees.iter().try_for_each(check_one)
}

fn check_one(invitee: &Invitee) -> Result<(), DomainError> {
    match (&invitee.user_id, &invitee.email) {
        (None, None) => return Err(DomainError::InvitationWithoutPerson),
        (None, Some(email)) if !is_email(email) => {
            return Err(DomainError::invalid("participants", "an email is not an e-mail address"));
        }
        _ => {}
    }
    let texts = [&invitee.email, &invitee.name, &invitee.phone];
    if texts.into_iter().flatten().any(|text| text.len() > TEXT_BYTES_MAX) {
        return Err(DomainError::invalid(
            "participants",
            format!("a text is longer than {TEXT_BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

fn reaches(account: &Account, campus: &CampusId) -> bool {
    account.campus == *campus || account.crosses_campuses()
}

fn bound(invitee: &Invitee, account: &Account) -> Invitation {
    Invitation {
        user: Some(account.id),
        email: Some(account.email.clone()),
        name: account.name.clone(),
        phone: invitee.phone.clone(),
        role: invitee.role,
    }
}

fn unbound(invitee: Invitee) -> Invitation {
    let email = invitee.email.map(|email| email.trim().to_owned());
    let name =
        invitee.name.filter(|name| !name.trim().is_empty()).or_else(|| email.clone()).unwrap_or_default();
    Invitation { user: None, email, name, phone: invitee.phone, role: invitee.role }
}
