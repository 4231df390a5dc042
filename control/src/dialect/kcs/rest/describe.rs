//! What the description says of this dialect's routes as a whole.

use crate::dialect::kcs::view::envelope::Refused;
use crate::dialect::rest::describe::Bearer;

/// Declares what one handler refuses, for the `responses` of its description.
macro_rules! refusals {
    ($($all:tt)+) => { $crate::dialect::rest::describe::refusals_of!(Kcs, $($all)+); };
}
pub(in crate::dialect) use refusals;

/// What stands above all routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Plenum",
        description = "Meetings over REST. Everything below `/api` answers in one envelope: \
            `{success, data, message, count?}`, and `{success: false, message, code?}` when refused. \
            Below `/api/v1` it is `{status, message, data, timestamp}`, and \
            `{status: \"error\", message, code, details, timestamp}`. \
            Unknown routes are 404 and wrong methods 405 in the same envelope. Ids are opaque. Times are ISO 8601. \
            What happens inside a meeting is told over Socket.IO: see `/api/asyncapi.json`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Refused)),
    modifiers(&Bearer),
    tags(
        (name = "accounts", description = "Login, own profile, own password"),
        (name = "meetings", description = "Meetings, from planned to over"),
        (name = "participants", description = "Who is invited, who is inside, and what they may do"),
        (name = "chat", description = "Chat rooms, messages and files"),
        (name = "statistics", description = "Meetings in numbers, while they run and afterwards"),
        (name = "administration", description = "For administrators"),
        (name = "description", description = "What you are reading"),
    )
)]
pub(super) struct Api;
