//! What the description says of this dialect's routes as a whole.

use crate::dialect::v1::view::envelope::V1Refused;

/// Declares what one handler refuses, for the `responses` of its description.
macro_rules! refusals {
    ($($all:tt)+) => { $crate::dialect::rest::describe::refusals_of!(V1, $($all)+); };
}
pub(super) use refusals;

/// What stands above these routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    components(schemas(V1Refused)),
    tags((name = "v1", description = "Meetings from within: begin, enter, act, leave, end"))
)]
pub(super) struct Api;
