//! Login, own profile, own password, and adding people (CLS-01 to CLS-03, ADD-01).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Extensions, HeaderMap};
use serde::Serialize;
use serde_json::Value;

use super::Kcs;
use super::answer::{Body, Caller, Reply, created, ok};
use super::bodies::{AccountBody, LoginBody, PasswordChangeBody};
use super::describe::refusals;
use crate::dialect::fields::Fields;
use crate::dialect::kcs::limits::budget;
use crate::dialect::kcs::view;
use crate::dialect::kcs::view::account::{AccountView, LoginView};
use crate::dialect::kcs::view::envelope::{Nothing, Success, True};
use crate::dialect::rest::guard::counted;
use crate::domain::account::{UserType, email_key};
use crate::domain::error::DomainError;
use crate::domain::id::CampusId;
use crate::domain::limit::{LimitedAction, Verdict};
use crate::http::peer;
use crate::service::accounts::NewAccount;

/// Longest address that is counted by itself.
const LOGIN_KEY_BYTES_MAX: usize = 320;

/// A login, with its two parts again at top level, where clients of old look (C-12).
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct LoginAnswer {
    #[serde(flatten)]
    answer: Success<LoginView>,
    #[serde(flatten)]
    again: LoginView,
}

refusals!(LoginRefusals: FieldMissing("<field>"), LoginRefused);

/// Log in
///
/// The one route of people without a token. Counted by address, and by address and account.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "accounts", operation_id = "logIn", request_body = LoginBody,
    responses((status = 200, description = "Logged in", body = LoginAnswer), LoginRefusals)
)]
pub(super) async fn log_in(
    State(kcs): State<Kcs>,
    extensions: Extensions,
    headers: HeaderMap,
    Body(body): Body,
) -> Response {
    let address = peer::key(kcs.proxies.client(&extensions, &headers));
    let limits = &kcs.services.limits;
    let by_address = limits.take(LimitedAction::LoginAddress, &address, budget(LimitedAction::LoginAddress));
    let (reply, verdict) = match by_address {
        Some(verdict) if !verdict.allowed => (Err(limits.refusal(verdict).into()), Some(verdict)),
        _ => log_in_as(&kcs, &address, &body).await,
    };
    match verdict.or(by_address) {
        Some(verdict) => counted(reply, verdict),
        None => reply.into_response(),
    }
}

async fn log_in_as(kcs: &Kcs, address: &str, body: &Value) -> (Reply, Option<Verdict>) {
    let (email, password) = match read_login(body) {
        Ok(read) => read,
        Err(reason) => return (Err(reason.into()), None),
    };
    let limits = &kcs.services.limits;
    let mut key = format!("{address} {}", email_key(email));
    key.truncate(key.floor_char_boundary(LOGIN_KEY_BYTES_MAX));
    let verdict = limits.take(LimitedAction::Login, &key, budget(LimitedAction::Login));
    if let Some(verdict) = verdict.filter(|verdict| !verdict.allowed) {
        return (Err(limits.refusal(verdict).into()), Some(verdict));
    }
    let reply = match kcs.services.accounts.log_in(email, password).await {
        Ok(login) => {
            let data = LoginView { token: login.token, user: view::account(&login.account) };
            let answer = Success { success: True, data: data.clone(), message: "Login successful" };
            Ok(Json(LoginAnswer { answer, again: data }).into_response())
        }
        Err(reason) => Err(reason.into()),
    };
    (reply, verdict)
}

fn read_login(body: &Value) -> Result<(&str, &str), DomainError> {
    let fields = Fields::of(body)?;
    let email = fields.text_of(&["email", "username"])?.filter(|text| !text.trim().is_empty());
    let email = email.ok_or(DomainError::FieldMissing("email"))?;
    let password = fields.text("password")?.filter(|text| !text.is_empty());
    Ok((email, password.ok_or(DomainError::FieldMissing("password"))?))
}

/// Own profile
#[utoipa::path(
    get, path = "/api/auth/profile", tag = "accounts", operation_id = "getProfile",
    responses((status = 200, description = "Who the token stands for", body = Success<AccountView>))
)]
pub(super) async fn profile(Caller(actor): Caller) -> Reply {
    let account = actor.account().ok_or(DomainError::AccountUnknown)?;
    ok("Profile retrieved successfully", view::account(account))
}

refusals!(PasswordChangeRefusals: FieldMissing("<field>"), CurrentPasswordWrong);

/// Change the own password
///
/// Every token from before stops working.
#[utoipa::path(
    put, path = "/api/auth/change-password", tag = "accounts", operation_id = "changePassword",
    request_body = PasswordChangeBody,
    responses((status = 200, description = "Changed", body = Success<Nothing>), PasswordChangeRefusals)
)]
pub(super) async fn change_password(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    Body(body): Body,
) -> Reply {
    let fields = Fields::of(&body)?;
    let current = fields.text_of(&["currentPassword", "current_password", "oldPassword"])?;
    let current = current.ok_or(DomainError::FieldMissing("currentPassword"))?;
    let new =
        fields.text_of(&["newPassword", "new_password"])?.ok_or(DomainError::FieldMissing("newPassword"))?;
    kcs.services.accounts.change_password(&actor, current, new).await?;
    ok("Password changed successfully", Nothing)
}

refusals!(CreateRefusals: FieldMissing("<field>"), EmailTaken, Forbidden);

/// Create an account
///
/// Administrators anywhere, campus administrators on their campus.
#[utoipa::path(
    post, path = "/api/admin/users", tag = "administration", operation_id = "createUser", request_body = AccountBody,
    responses((status = 201, description = "Created", body = Success<AccountView>), CreateRefusals)
)]
pub(super) async fn create(State(kcs): State<Kcs>, Caller(actor): Caller, Body(body): Body) -> Reply {
    let account = kcs.services.accounts.create(&actor, read_account(&body)?).await?;
    created("User created successfully", view::account(&account))
}

fn read_account(body: &Value) -> Result<NewAccount, DomainError> {
    let fields = Fields::of(body)?;
    let creatable = |word: &str| UserType::parse(word).filter(|kind| *kind != UserType::Guest);
    let expected = "admin, campus_admin, teacher, staff, student";
    Ok(NewAccount {
        name: fields.required_text("name")?.to_owned(),
        email: fields.required_text("email")?.to_owned(),
        password: fields.text("password")?.ok_or(DomainError::FieldMissing("password"))?.to_owned(),
        user_type: fields
            .word("user_type", creatable, expected)?
            .ok_or(DomainError::FieldMissing("user_type"))?,
        campus: CampusId::new(fields.required_text("campus_id")?.trim()),
        department: fields.text("department")?.map(str::to_owned),
        profile_picture: fields.text("profile_picture")?.map(str::to_owned),
    })
}
