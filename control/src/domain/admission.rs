//! Who gets into a meeting, decided from facts in the one order of C-21.
//!
//! Gathering facts costs: a password check takes milliseconds of hashing. So the caller asks [`password_wanted`]
//! first, which runs every step before the password, hashes only when told to, and then calls [`admit`] against the
//! meeting as it is at that moment.

use super::actor::Actor;
use super::error::DomainError;
use super::meeting::{Meeting, MeetingStatus};
use super::password::PasswordCheck;
use super::role::Role;

/// Through which door somebody comes; the doors treat a meeting that has not begun differently (C-20).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Door {
    /// Asks whether entering would work; nothing happens.
    Check,
    /// Enters; a host at this door starts the meeting.
    #[default]
    Enter,
    /// Enters what has begun: nobody starts it by coming, and nobody waits for it before.
    EnterLive,
}

/// Who is inside at the moment of the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Occupancy {
    /// Distinct persons inside; the waiting ones do not count (C-22).
    pub persons: u32,
    /// The asking person has a session inside and takes no second seat.
    pub caller_inside: bool,
    /// A host has admitted this person from the waiting room.
    pub caller_admitted: bool,
}

/// Everything the decision rests on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub actor: &'a Actor,
    /// `None`: no meeting has that id.
    pub meeting: Option<&'a Meeting>,
    pub door: Door,
    pub password: PasswordCheck,
    pub occupancy: Occupancy,
}

/// What happens to somebody who is not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Admission {
    /// Goes in.
    Enter,
    /// Goes in, and the meeting starts by it.
    StartAndEnter,
    /// Waits until a host admits.
    Wait,
    /// May come, but not before the meeting has started; only the checking door says this.
    NotStarted,
}

impl Admission {
    /// Whether the person could be inside right away.
    pub fn is_inside(self) -> bool {
        matches!(self, Self::Enter | Self::StartAndEnter)
    }
}

/// Whether a password that was sent has to be checked before [`admit`] can decide. Fails with the refusal of any
/// step that comes before the password, so that an uninvited person learns nothing about it.
pub fn password_wanted(actor: &Actor, meeting: Option<&Meeting>, door: Door) -> Result<bool, DomainError> {
    let meeting = before_password(actor, meeting, door)?;
    Ok(meeting.settings.asks_password())
}

/// Whether the door is closed to this person for what he is, whatever happens inside: such a person waits in vain.
pub fn never_comes_in(actor: &Actor, meeting: &Meeting) -> bool {
    use DomainError::{KeptOut, NotInvited, OtherCampus};
    matches!(before_password(actor, Some(meeting), Door::Enter), Err(OtherCampus | KeptOut | NotInvited))
}

/// The decision.
pub fn admit(facts: &Facts<'_>) -> Result<Admission, DomainError> {
    let meeting = before_password(facts.actor, facts.meeting, facts.door)?;
    check_password(facts, meeting)?;
    check_capacity(facts, meeting)?;
    Ok(place(facts, meeting))
}

/// Whether somebody may come to the door at all, whenever that is: exists, campus, blocked or domain, invitation.
pub fn reaches<'a>(actor: &Actor, meeting: Option<&'a Meeting>) -> Result<&'a Meeting, DomainError> {
    let meeting = meeting.ok_or(DomainError::MeetingNotFound)?;
    if !actor.reaches(&meeting.campus) {
        return Err(DomainError::OtherCampus);
    }
    check_entry_policy(actor, meeting)?;
    if invited(actor, meeting) { Ok(meeting) } else { Err(DomainError::NotInvited) }
}

/// As [`reaches`]; then over, not live, locked.
fn before_password<'a>(
    actor: &Actor,
    meeting: Option<&'a Meeting>,
    door: Door,
) -> Result<&'a Meeting, DomainError> {
    let meeting = reaches(actor, meeting)?;
    match meeting.status {
        MeetingStatus::Ended => return Err(DomainError::MeetingEnded),
        MeetingStatus::Cancelled => return Err(DomainError::MeetingCancelled),
        MeetingStatus::Scheduled if !is_early_enough(door, actor, meeting) => {
            return Err(DomainError::MeetingNotActive);
        }
        MeetingStatus::Scheduled | MeetingStatus::Live => {}
    }
    if meeting.settings.entry.locked && !is_host(actor, meeting) {
        return Err(DomainError::MeetingLocked);
    }
    Ok(meeting)
}

fn check_entry_policy(actor: &Actor, meeting: &Meeting) -> Result<(), DomainError> {
    let welcome = |account| meeting.is_creator(actor) || meeting.settings.entry.welcomes(account);
    if meeting.blocks(actor) || !actor.account().is_none_or(welcome) {
        return Err(DomainError::KeptOut);
    }
    Ok(())
}

fn invited(actor: &Actor, meeting: &Meeting) -> bool {
    match actor {
        Actor::Account(_) => meeting.invites(actor) || meeting.settings.allow_guests,
        Actor::Guest(guest) => guest.meeting == meeting.id && meeting.settings.allow_guests,
        Actor::System => false,
    }
}

fn is_host(actor: &Actor, meeting: &Meeting) -> bool {
    meeting.role_of(actor) == Some(Role::Host)
}

/// Whether somebody may come before the start: to ask always; hosts start the meeting by entering, and others may wait
/// for it only where there is a waiting room.
fn is_early_enough(door: Door, actor: &Actor, meeting: &Meeting) -> bool {
    match door {
        Door::Check => true,
        Door::Enter => is_host(actor, meeting) || meeting.settings.waiting_room_enabled,
        Door::EnterLive => false,
    }
}

fn check_password(facts: &Facts<'_>, meeting: &Meeting) -> Result<(), DomainError> {
    if !meeting.settings.asks_password() {
        return Ok(());
    }
    match facts.password {
        PasswordCheck::Correct => Ok(()),
        PasswordCheck::Wrong => Err(DomainError::MeetingPasswordWrong),
        PasswordCheck::NotSent if is_host(facts.actor, meeting) => Ok(()),
        PasswordCheck::NotSent => Err(DomainError::MeetingPasswordMissing),
    }
}

fn check_capacity(facts: &Facts<'_>, meeting: &Meeting) -> Result<(), DomainError> {
    let Occupancy { persons, caller_inside, .. } = facts.occupancy;
    if caller_inside || meeting.is_creator(facts.actor) || persons < meeting.settings.max_participants {
        Ok(())
    } else {
        Err(DomainError::MeetingFull)
    }
}

fn place(facts: &Facts<'_>, meeting: &Meeting) -> Admission {
    let role = meeting.role_of(facts.actor);
    let host = role == Some(Role::Host);
    if meeting.status == MeetingStatus::Scheduled {
        return match facts.door {
            Door::Check if host => Admission::Enter,
            Door::Check => Admission::NotStarted,
            Door::Enter if host => Admission::StartAndEnter,
            // Nobody comes to the last before the start: he was refused above.
            Door::Enter | Door::EnterLive => Admission::Wait,
        };
    }
    let waits = meeting.settings.asks_admission()
        && !role.is_some_and(Role::runs_meeting)
        && !facts.occupancy.caller_inside
        && !facts.occupancy.caller_admitted;
    if waits { Admission::Wait } else { Admission::Enter }
}

#[cfg(test)]
mod tests;
