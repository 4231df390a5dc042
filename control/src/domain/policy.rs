//! Who may do what in a meeting: one table, and the one function that reads it.

use super::actor::Actor;
use super::error::DomainError;
use super::meeting::{Feature, Meeting, MeetingStatus, Standing};
use super::role::Role;

/// Something a person does to or in a meeting. Getting in is not here: see [`super::admission`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// See details, roster, chat history and connection configuration.
    View,
    /// Change any setting.
    Update,
    /// Change features and nothing else.
    UpdateFeatures,
    Delete,
    Start,
    End,
    SendMessage,
    /// Delete what somebody else wrote.
    ModerateChat,
    RaiseHand,
    React,
    SendAudio,
    SendVideo,
    ShareScreen,
    /// Let waiting people in or turn them away.
    Admit,
    /// Mute another person.
    ManageParticipants,
    /// Lift a mute again (C-44).
    UnmuteOthers,
    AddParticipants,
    RemoveParticipants,
    /// Give roles and single rights; how far each may go is [`super::people`]'s affair.
    ChangeRoles,
    /// Look people of the campus up, to invite them.
    SearchDirectory,
    /// Begin and end a recording.
    Record,
}

impl Action {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 21] = [
        Self::View,
        Self::Update,
        Self::UpdateFeatures,
        Self::Delete,
        Self::Start,
        Self::End,
        Self::SendMessage,
        Self::ModerateChat,
        Self::RaiseHand,
        Self::React,
        Self::SendAudio,
        Self::SendVideo,
        Self::ShareScreen,
        Self::Admit,
        Self::ManageParticipants,
        Self::UnmuteOthers,
        Self::AddParticipants,
        Self::RemoveParticipants,
        Self::ChangeRoles,
        Self::SearchDirectory,
        Self::Record,
    ];
}

/// One line of the table.
struct Rule {
    who: Who,
    /// What the others hear.
    refusal: DomainError,
    when: When,
    /// What must be switched on.
    feature: Option<Feature>,
}

/// Who a rule lets through.
enum Who {
    /// Everybody on the roster.
    Listed,
    /// Hosts and co-hosts.
    Running,
    Hosts,
    /// People with a right that their role brings or that was granted to them alone.
    With(fn(&Standing) -> bool),
}

/// In which status a rule lets people through.
enum When {
    Always,
    /// Ended is final; before that it may change.
    NotOver,
    Live,
    NotLive,
}

/// Hosts, co-hosts and whoever was given the right to manage participants.
const MANAGERS: Who = Who::With(|s| s.permissions.can_manage_participants);

/// The table. Whoever wants to know or change a permission reads or changes a line here, and nowhere else.
fn rule(action: Action) -> Rule {
    use DomainError::{
        Forbidden, NotMember, OnlyHostsAdd, OnlyHostsChangeRoles, OnlyHostsEnd, OnlyHostsStart,
    };
    let (who, refusal, when, feature) = match action {
        Action::View => (Who::Listed, NotMember, When::Always, None),
        Action::Update => (Who::Hosts, Forbidden, When::NotOver, None),
        Action::UpdateFeatures => (Who::Running, Forbidden, When::NotOver, None),
        Action::Delete => (Who::Hosts, Forbidden, When::NotLive, None),
        Action::Start => (Who::Hosts, OnlyHostsStart, When::NotOver, None),
        Action::End => (Who::Hosts, OnlyHostsEnd, When::Live, None),
        Action::SendMessage => (Who::Listed, Forbidden, When::Live, Some(Feature::Chat)),
        Action::ModerateChat => (Who::Running, Forbidden, When::Always, None),
        Action::RaiseHand => (Who::Listed, Forbidden, When::Live, Some(Feature::HandRaise)),
        Action::React => (Who::Listed, Forbidden, When::Live, None),
        Action::SendAudio => (Who::Listed, Forbidden, When::Live, Some(Feature::Audio)),
        Action::SendVideo => (Who::Listed, Forbidden, When::Live, Some(Feature::Video)),
        Action::ShareScreen => (
            Who::With(|s| s.permissions.can_share_screen),
            Forbidden,
            When::Live,
            Some(Feature::ScreenSharing),
        ),
        Action::Admit => (Who::Running, Forbidden, When::NotOver, None),
        Action::ManageParticipants | Action::RemoveParticipants => (MANAGERS, Forbidden, When::NotOver, None),
        Action::UnmuteOthers => {
            (Who::With(|s| s.permissions.can_unmute_others), Forbidden, When::NotOver, None)
        }
        Action::AddParticipants => (MANAGERS, OnlyHostsAdd, When::NotOver, None),
        Action::ChangeRoles => (Who::Running, OnlyHostsChangeRoles, When::NotOver, None),
        Action::SearchDirectory => (MANAGERS, Forbidden, When::Always, None),
        Action::Record => {
            (Who::With(|s| s.permissions.can_record), Forbidden, When::Live, Some(Feature::Recording))
        }
    };
    Rule { who, refusal, when, feature }
}

/// Whether `actor`, who is `standing` in `meeting`, may do `action` now. Order of refusals: gone, other campus,
/// not your role, wrong status, switched off.
pub fn may(
    actor: &Actor,
    standing: Option<Standing>,
    action: Action,
    meeting: &Meeting,
) -> Result<(), DomainError> {
    if meeting.deleted_at.is_some() {
        return Err(DomainError::MeetingNotFound);
    }
    if !actor.reaches(&meeting.campus) {
        return Err(DomainError::OtherCampus);
    }
    let rule = rule(action);
    if !lets_through(&rule.who, actor, standing) {
        return Err(rule.refusal);
    }
    check_status(&rule.when, meeting.status)?;
    match rule.feature {
        Some(feature) if !meeting.settings.features.allows(feature) => Err(DomainError::FeatureOff(feature)),
        _ => Ok(()),
    }
}

fn lets_through(who: &Who, actor: &Actor, standing: Option<Standing>) -> bool {
    let Some(standing) = standing else { return matches!(actor, Actor::System) };
    match who {
        Who::Listed => true,
        Who::Running => standing.role.runs_meeting(),
        Who::Hosts => standing.role == Role::Host,
        Who::With(right) => right(&standing),
    }
}

fn check_status(when: &When, status: MeetingStatus) -> Result<(), DomainError> {
    match (when, status) {
        (When::Always, _) => Ok(()),
        (When::NotLive, MeetingStatus::Live) => Err(DomainError::MeetingLive),
        (When::NotLive, _) => Ok(()),
        (_, MeetingStatus::Ended) => Err(DomainError::MeetingEnded),
        (_, MeetingStatus::Cancelled) => Err(DomainError::MeetingCancelled),
        (When::Live, MeetingStatus::Scheduled) => Err(DomainError::MeetingNotActive),
        (When::NotOver | When::Live, _) => Ok(()),
    }
}

pub mod rooms;
#[cfg(test)]
mod tests;
