//! A meeting on a whole product: accounts, a host, everybody sees and hears everybody.

use super::{MediaSettings, ScenarioError, run::run};
use crate::{
    report::Report,
    server,
    signal::{
        SignalError, kcs,
        rest::{Account, Rest},
    },
};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeSet;

/// See the module.
#[derive(Clone, Debug)]
pub struct MeetingSettings {
    /// `http://host:port`.
    pub url: String,
    /// An account that may create others.
    pub admin_email: String,
    pub admin_password: String,
    pub media: MediaSettings,
    /// Processes whose CPU time is measured, with all their children.
    pub pids: Vec<u32>,
}

/// Password hashes at a time: they are slow on purpose, and the server bounds them too.
const SIGN_INS_AT_ONCE: usize = 2;

/// Creates accounts and a meeting, fills it, reports, and ends it.
///
/// # Errors
/// A server that refuses the set-up, or a meeting that nobody gets into.
pub async fn meeting(settings: &MeetingSettings) -> Result<Report, ScenarioError> {
    let rest = Rest::new(&settings.url)?;
    let people = sign_in(&rest, settings, settings.media.bots).await?;
    let host = people.first().cloned().ok_or_else(|| ScenarioError::NobodyIn("no bots asked for".into()))?;
    let users: Vec<String> = people.iter().map(|account| account.user_id.clone()).collect();
    let meeting = rest.create_meeting(&host, &users).await?;
    rest.start_meeting(&host, &meeting).await?;
    // A set: a node may be named and be a child of another named one.
    let pids: BTreeSet<u32> = settings.pids.iter().flat_map(|pid| server::with_children(*pid)).collect();
    let pids: Vec<u32> = pids.into_iter().collect();
    let report = run(&settings.media, &pids, |number| {
        let (base, token, meeting) = (rest.base(), &people[number].token, &meeting);
        async move { kcs::join(base, token, meeting).await }
    })
    .await;
    rest.end_meeting(&host, &meeting).await?;
    report
}

/// Accounts of this run only, so that runs do not meet each other.
pub(super) async fn sign_in(
    rest: &Rest,
    settings: &MeetingSettings,
    count: usize,
) -> Result<Vec<Account>, SignalError> {
    let admin = rest.login(&settings.admin_email, &settings.admin_password).await?;
    let run = uuid::Uuid::new_v4().simple().to_string();
    stream::iter(0..count)
        .map(|number| {
            let (admin, email) = (&admin, format!("bot-{number}-{run}@load.test"));
            async move {
                rest.create_user(admin, &format!("Bot {number}"), &email, &run_password(&email)).await?;
                rest.login(&email, &run_password(&email)).await
            }
        })
        .buffered(SIGN_INS_AT_ONCE)
        .try_collect()
        .await
}

/// Long and different for each; nobody signs in with it again.
fn run_password(email: &str) -> String {
    format!("load-{email}")
}
