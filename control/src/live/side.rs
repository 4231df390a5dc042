//! What the services that know meetings from the database ask of those that are running.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use plenum_shared::{media::ConnectionQuality, rtp::router_capabilities};

use super::task::started_notice;
use super::{Live, figures};
use crate::domain::admission::Occupancy;
use crate::domain::event::EndReason;
use crate::domain::id::{MeetingId, ParticipantId, RosterId, UserId};
use crate::domain::live::LiveMeeting;
use crate::domain::meeting::Meeting;
use crate::domain::participant::{Participant, Person};
use crate::domain::people::RoleChange;
use crate::service::live_side::{
    LiveSide, LiveStats, MediaConnection, Present, Quality, RosterNews, router_id,
};

impl LiveSide for Live {
    fn started<'a>(&'a self, meeting: &'a Meeting) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.refresh(meeting).await;
            let notice = started_notice(Arc::new(meeting.clone()));
            self.0.hub.publish(&notice.audience, &notice.event);
        })
    }

    fn changed<'a>(&'a self, meeting: &'a Meeting) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.silence_strangers(meeting);
            self.refresh(meeting).await;
        })
    }

    fn added<'a>(&'a self, meeting: &'a Meeting, news: RosterNews) -> BoxFuture<'a, ()> {
        Box::pin(self.tell_added(meeting, news))
    }

    fn removed<'a>(&'a self, meeting: &'a Meeting, news: RosterNews) -> BoxFuture<'a, ()> {
        Box::pin(self.expel(meeting, news))
    }

    fn role_changed<'a>(
        &'a self,
        meeting: &'a Meeting,
        change: RoleChange,
        tell_person: bool,
        tell_others: bool,
    ) -> BoxFuture<'a, ()> {
        Box::pin(self.change_role(meeting, change, tell_person, tell_others))
    }

    fn account_of(&self, meeting: MeetingId, session: ParticipantId) -> BoxFuture<'_, Option<UserId>> {
        Box::pin(async move { self.look(meeting, move |live| live.account_of(session)).await.flatten() })
    }

    fn ended<'a>(&'a self, meeting: &'a Meeting) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.end(meeting.id, EndReason::EndedByHost).await;
            // Also of a meeting that nobody was inside of any more.
            let ended = meeting.ended_at.unwrap_or_else(|| self.0.clock.now());
            let _ = self.0.store.end_recordings_of(meeting.id, ended).await;
            let _ = self.0.store.keep_breakouts(meeting.id, None).await;
            self.0.facts.flush().await;
        })
    }

    fn present(&self, meeting: MeetingId) -> BoxFuture<'_, Vec<Present>> {
        Box::pin(async move { self.look(meeting, everybody).await.unwrap_or_default() })
    }

    fn occupancy(&self, meeting: MeetingId, user: Option<UserId>) -> BoxFuture<'_, Occupancy> {
        let person = user.map(Person::User);
        Box::pin(
            async move { self.look(meeting, move |live| live.occupancy(person)).await.unwrap_or_default() },
        )
    }

    fn connection(&self, meeting: &Meeting) -> MediaConnection {
        MediaConnection {
            router_id: router_id(meeting),
            router_capabilities: serde_json::to_value(router_capabilities()).unwrap_or_default(),
            ice_servers: self.0.ice_servers.clone(),
        }
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.flush())
    }

    fn stats(&self, meeting: MeetingId) -> BoxFuture<'_, LiveStats> {
        Box::pin(async move {
            let (mut stats, qualities) = self.look(meeting, now_inside).await.unwrap_or_default();
            // Without the database the rest is still true.
            let kept = self.0.store.live_counts(meeting).await.unwrap_or_default();
            stats.chat_messages = kept.messages;
            stats.participants_peak = kept.participants_peak.max(stats.participants);
            stats.recording |= kept.recording;
            if let Some(sample) = self.sample(meeting) {
                stats.sampled_at = Some(sample.at);
                stats.media = figures::of(&sample.stats, &qualities);
            }
            stats
        })
    }
}

fn everybody(live: &LiveMeeting) -> Vec<Present> {
    live.roster().into_iter().filter_map(|participant| present(live.meeting(), participant)).collect()
}

/// Everybody inside has a line: it is written before he enters.
fn present(meeting: &Meeting, participant: &Participant) -> Option<Present> {
    let line: RosterId = meeting.entry_of(&participant.actor)?.id;
    Some(Present {
        participant: participant.id,
        roster: line,
        user: participant.actor.user_id(),
        name: participant.name.clone(),
        role: participant.standing.role,
        audio: participant.media.audio,
        video: participant.media.video,
        screen: participant.media.screen,
        hand_raised: participant.hand_raised_at.is_some(),
        quality: quality(participant.quality),
        joined_at: participant.joined_at,
    })
}

/// Nothing bad is known of a connection that nobody has measured yet.
fn quality(measured: Option<ConnectionQuality>) -> Quality {
    match measured {
        None | Some(ConnectionQuality::Excellent) => Quality::Excellent,
        Some(ConnectionQuality::Good) => Quality::Good,
        Some(ConnectionQuality::Fair) => Quality::Fair,
        Some(ConnectionQuality::Poor) => Quality::Poor,
    }
}

/// What the meeting itself knows, and how well the people inside are connected.
fn now_inside(live: &LiveMeeting) -> (LiveStats, Vec<ConnectionQuality>) {
    let people = live.roster();
    let stats = LiveStats {
        participants: live.persons(),
        active_speakers: live.speakers(),
        screen_sharing: people.iter().any(|p| p.media.screen),
        recording: live.recording().is_some(),
        raised_hands: live.hands().len(),
        ..LiveStats::default()
    };
    (stats, people.iter().filter_map(|p| p.quality).collect())
}
