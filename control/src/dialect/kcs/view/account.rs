//! An account as its owner, or whoever made it, sees it (CLS-01, CLS-02).

use serde::Serialize;
use utoipa::ToSchema;

use super::words::{AccountRoleWord, UserTypeWord};
use crate::domain::account::Account;
use crate::domain::id::{CampusId, UserId};

/// An account.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccountView {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    id: UserId,
    #[schema(example = "Hanna Host")]
    name: String,
    #[schema(example = "host@demo.test")]
    email: String,
    role: AccountRoleWord,
    user_type: UserTypeWord,
    #[schema(value_type = String, example = "main")]
    campus_id: CampusId,
    #[schema(required, example = "Physics")]
    department: Option<String>,
    #[schema(required, example = "https://example.org/hanna.png")]
    profile_picture: Option<String>,
}

/// The view of an account.
pub fn account(account: &Account) -> AccountView {
    AccountView {
        id: account.id,
        name: account.name.clone(),
        email: account.email.clone(),
        role: account.user_type.into(),
        user_type: account.user_type.into(),
        campus_id: account.campus.clone(),
        department: account.department.clone(),
        profile_picture: account.profile_picture.clone(),
    }
}

/// What a login gives: the token that every other request carries, and who it stands for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LoginView {
    /// A JWT (HS512). Sent as `Authorization: Bearer <token>`, and in the handshake of a socket.
    #[schema(example = "eyJhbGciOiJIUzUxMiJ9.e30.c2lnbmF0dXJl")]
    pub token: String,
    pub user: AccountView,
}
