//! What statistics remember of a running meeting, read off its events: who did what and when, whose screen was shown,
//! how well people were connected. Attendance and messages are stored by those who store them anyway.

use std::collections::HashMap;

use plenum_shared::media::ConnectionQuality;
use time::OffsetDateTime;

use super::event::DomainEvent;
use super::id::ParticipantId;
use super::participant::MediaStatus;
use super::reaction::Reaction;

pub mod batch;

/// Something somebody did that counts as taking part (C-66). Messages are counted where they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Act {
    Reaction(Reaction),
    Hand,
    Unmute,
    Share,
}

impl Act {
    /// The word stored.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Reaction(_) => "reaction",
            Self::Hand => "hand",
            Self::Unmute => "unmute",
            Self::Share => "share",
        }
    }
}

/// Something that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lasting {
    Screen,
    Quality(ConnectionQuality),
}

impl Lasting {
    const ALL: [Self; 5] = [
        Self::Screen,
        Self::Quality(ConnectionQuality::Excellent),
        Self::Quality(ConnectionQuality::Good),
        Self::Quality(ConnectionQuality::Fair),
        Self::Quality(ConnectionQuality::Poor),
    ];

    /// The word stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Screen => "screen",
            Self::Quality(ConnectionQuality::Excellent) => "excellent",
            Self::Quality(ConnectionQuality::Good) => "good",
            Self::Quality(ConnectionQuality::Fair) => "fair",
            Self::Quality(ConnectionQuality::Poor) => "poor",
        }
    }

    /// Reads the word of [`Lasting::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lasting| lasting.as_str() == word)
    }
}

/// A stretch of one session's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub session: ParticipantId,
    pub what: Lasting,
    pub from: OffsetDateTime,
    /// `None` while it lasts. One that never ended did so with its session.
    pub to: Option<OffsetDateTime>,
}

/// One thing to remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    Acted {
        session: ParticipantId,
        act: Act,
        at: OffsetDateTime,
    },
    /// Begun, or begun before and now over.
    Stretch(Stretch),
}

/// Reads facts off the events of one meeting.
#[derive(Debug, Default)]
pub struct Ledger {
    /// One line per session inside.
    sessions: HashMap<ParticipantId, Seen>,
}

#[derive(Debug)]
struct Seen {
    media: MediaStatus,
    screen: Option<Stretch>,
    quality: Option<Stretch>,
}

impl Ledger {
    /// What an event adds to the record. Every event is shown once, in order.
    pub fn observe(&mut self, event: &DomainEvent, now: OffsetDateTime) -> Vec<Fact> {
        match event {
            DomainEvent::ParticipantJoined { participant, .. } => {
                let seen = Seen { media: participant.media, screen: None, quality: None };
                self.sessions.insert(participant.id, seen);
                Vec::new()
            }
            DomainEvent::HandChanged { participant, raised: true, .. } => {
                vec![Fact::Acted { session: *participant, act: Act::Hand, at: now }]
            }
            DomainEvent::ReactionSent { participant, reaction, .. } => {
                let act = Act::Reaction(reaction.clone());
                vec![Fact::Acted { session: *participant, act, at: now }]
            }
            DomainEvent::MediaChanged { participant, media, .. } => {
                self.media_changed(*participant, *media, now)
            }
            DomainEvent::QualityChanged { participant, quality, .. } => {
                self.quality_changed(*participant, *quality, now)
            }
            DomainEvent::ParticipantLeft { participant, .. } => {
                self.sessions.remove(participant).map_or_else(Vec::new, |seen| seen.closed(now))
            }
            DomainEvent::MeetingEnded { .. } => {
                self.sessions.drain().flat_map(|(_, seen)| seen.closed(now)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn media_changed(
        &mut self,
        session: ParticipantId,
        media: MediaStatus,
        now: OffsetDateTime,
    ) -> Vec<Fact> {
        let Some(seen) = self.sessions.get_mut(&session) else { return Vec::new() };
        let before = std::mem::replace(&mut seen.media, media);
        let mut facts = Vec::new();
        if media.audio && !before.audio {
            facts.push(Fact::Acted { session, act: Act::Unmute, at: now });
        }
        if media.screen && !before.screen {
            facts.push(Fact::Acted { session, act: Act::Share, at: now });
            let stretch = Stretch { session, what: Lasting::Screen, from: now, to: None };
            seen.screen = Some(stretch);
            facts.push(Fact::Stretch(stretch));
        }
        if !media.screen {
            facts.extend(over(seen.screen.take(), now));
        }
        facts
    }

    fn quality_changed(
        &mut self,
        session: ParticipantId,
        quality: ConnectionQuality,
        now: OffsetDateTime,
    ) -> Vec<Fact> {
        let Some(seen) = self.sessions.get_mut(&session) else { return Vec::new() };
        let stretch = Stretch { session, what: Lasting::Quality(quality), from: now, to: None };
        let ended = over(seen.quality.replace(stretch), now);
        ended.into_iter().chain([Fact::Stretch(stretch)]).collect()
    }
}

impl Seen {
    fn closed(self, now: OffsetDateTime) -> Vec<Fact> {
        over(self.screen, now).into_iter().chain(over(self.quality, now)).collect()
    }
}

fn over(stretch: Option<Stretch>, now: OffsetDateTime) -> Option<Fact> {
    stretch.map(|stretch| Fact::Stretch(Stretch { to: Some(now), ..stretch }))
}

#[cfg(test)]
mod tests;
