//! Who may do what in a meeting: one table, and the one function that reads it.

use super::actor::Actor;
use super::error::DomainError;
use super::meeting::{EntryPolicy, Feature, Level, Meeting, MeetingStatus, Standing};
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
    /// Set the security policy.
    ApplyPolicy,
    Delete,
    Start,
    End,
    SendMessage,
    /// Send messages to the others past the chat, by a data channel.
    SendData,
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
    /// Open and close breakout rooms, say who is in which, call people back, speak to all rooms (ROLE-13).
    ManageBreakouts,
    /// Go into a breakout room of one's own choice, as far as the host left that open.
    ChooseBreakout,
    /// Come back from a breakout room, as far as the host left that open.
    ReturnFromBreakout,
    /// Make passes to other media servers for others.
    IssueTokens,
    /// See the figures of somebody else's connection.
    ViewConnections,
}

impl Action {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 28] = [
        Self::View,
        Self::Update,
        Self::UpdateFeatures,
        Self::ApplyPolicy,
        Self::Delete,
        Self::Start,
        Self::End,
        Self::SendMessage,
        Self::SendData,
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
        Self::ManageBreakouts,
        Self::ChooseBreakout,
        Self::ReturnFromBreakout,
        Self::IssueTokens,
        Self::ViewConnections,
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
    /// What may shut more people out, or let more in.
    policy: Obeys,
}

/// What of the security policy a rule obeys (C-72). Being stricter always counts: `host` shuts out people whom `who` lets
/// through, by role or by a right of their own.
enum Obeys {
    Nothing,
    Level(fn(&EntryPolicy) -> Level),
    /// Here `all` says more than the rule and opens it to everybody (C-43).
    Wide(fn(&EntryPolicy) -> Option<Level>),
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
    /// As before the end; what was called off does not begin (C-33).
    Startable,
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
        Action::Update | Action::ApplyPolicy => (Who::Hosts, Forbidden, When::NotOver, None),
        Action::UpdateFeatures => (Who::Running, Forbidden, When::NotOver, None),
        Action::Delete => (Who::Hosts, Forbidden, When::NotLive, None),
        Action::IssueTokens => (Who::Hosts, Forbidden, When::Live, None),
        Action::Start => (Who::Hosts, OnlyHostsStart, When::Startable, None),
        Action::End => (Who::Hosts, OnlyHostsEnd, When::Live, None),
        Action::SendMessage | Action::SendData => (Who::Listed, Forbidden, When::Live, Some(Feature::Chat)),
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
        Action::ViewConnections => (Who::Running, Forbidden, When::Live, None),
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
        // No feature: opening rooms switches theirs on (C-61).
        Action::ManageBreakouts => {
            (Who::With(|s| s.permissions.can_manage_breakout_rooms), Forbidden, When::Live, None)
        }
        Action::ChooseBreakout | Action::ReturnFromBreakout => (Who::Listed, Forbidden, When::Live, None),
    };
    Rule { who, refusal, when, feature, policy: obeys(action) }
}

/// The column of the security policy.
fn obeys(action: Action) -> Obeys {
    match action {
        Action::SendMessage | Action::SendData => Obeys::Level(|policy| policy.chat_permissions),
        Action::ShareScreen => Obeys::Level(|policy| policy.screen_share_permissions),
        Action::SendVideo => {
            Obeys::Level(|policy| if policy.disable_camera { Level::Host } else { Level::All })
        }
        Action::Record => Obeys::Wide(|policy| policy.recording_permissions),
        _ => Obeys::Nothing,
    }
}

/// Whether `actor`, who is `standing` in `meeting`, may do `action` now. Order of refusals: gone, other campus, blocked,
/// not your role, wrong status, switched off, left to hosts and co-hosts.
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
    if meeting.blocks(actor) {
        return Err(DomainError::KeptOut);
    }
    let rule = rule(action);
    let open = rule.policy.opens(&meeting.settings.entry);
    if !lets_through(if open { &Who::Listed } else { &rule.who }, actor, standing) {
        return Err(rule.refusal);
    }
    check_status(&rule.when, meeting.status)?;
    let Some(feature) = rule.feature else { return Ok(()) };
    if !meeting.settings.features.allows(feature) {
        return Err(DomainError::FeatureOff(feature));
    }
    match standing {
        Some(standing) if !leaves(meeting, standing, action) => Err(DomainError::HostsOnly(feature)),
        _ => Ok(()),
    }
}

/// Whether the security policy leaves an action to people of this standing. One part of [`may`], for whoever wants to
/// know beforehand.
pub fn leaves(meeting: &Meeting, standing: Standing, action: Action) -> bool {
    let level = obeys(action).level(&meeting.settings.entry);
    level != Some(Level::Host) || standing.role.runs_meeting()
}

impl Obeys {
    fn level(&self, policy: &EntryPolicy) -> Option<Level> {
        match self {
            Self::Nothing => None,
            Self::Level(of) => Some(of(policy)),
            Self::Wide(of) => of(policy),
        }
    }

    fn opens(&self, policy: &EntryPolicy) -> bool {
        matches!(self, Self::Wide(_)) && self.level(policy) == Some(Level::All)
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
        (When::Startable, MeetingStatus::Cancelled) => Err(DomainError::MeetingUnstartable),
        (_, MeetingStatus::Cancelled) => Err(DomainError::MeetingCancelled),
        (When::Live, MeetingStatus::Scheduled) => Err(DomainError::MeetingNotActive),
        (When::NotOver | When::Startable | When::Live, _) => Ok(()),
    }
}

pub mod rooms;
#[cfg(test)]
mod tests;
