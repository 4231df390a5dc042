//! What a meeting made through this dialect starts from.

use crate::domain::meeting::PARTICIPANTS_DEFAULT;
use crate::domain::profile::Profile;

/// The limits its meetings are under.
pub const PROFILE: Profile = Profile::Standard;
/// Seats when the client does not say.
pub const MAX_PARTICIPANTS: u32 = PARTICIPANTS_DEFAULT;
/// Messages in a history when the client does not say (LIM-06).
pub const CHAT_HISTORY: u32 = 100;
