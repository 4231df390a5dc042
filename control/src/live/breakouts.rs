//! Breakout rooms of a running meeting: each change is stored, then the people go where they belong, and the media
//! plane ends what would cross from room to room.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use plenum_shared::{command::RoomCommand, id::SessionId};
use tokio::task::JoinHandle;

use super::Live;
use super::task::Task;
use crate::domain::actor::Actor;
use crate::domain::breakout::{BreakoutNews, Breakouts};
use crate::domain::error::DomainError;
use crate::domain::id::BreakoutRoomId;
use crate::domain::live_breakouts::{BreakoutWish, Moved};
use crate::domain::meeting::Meeting;
use crate::service::media::count_to_rooms;

/// How long whoever changes the rooms waits for a media plane that is slow to end what crosses. It is asked on and on
/// all the same.
const PARTING_MAX: Duration = Duration::from_secs(10);

impl Live {
    /// Grants a wish about the rooms of a meeting, also of one that nobody is inside of yet. When this returns, nothing
    /// is forwarded any more between people who are not together, unless the media plane cannot be reached for longer than
    /// anybody waits. Says what the rooms are now.
    ///
    /// # Errors
    /// What [`crate::domain::live::LiveMeeting::breakouts_after`] refuses, or the store.
    pub async fn change_breakouts(
        &self,
        meeting: &Arc<Meeting>,
        by: &Actor,
        wish: BreakoutWish,
    ) -> Result<BreakoutNews, DomainError> {
        // As with joins: a meeting that emptied this very moment ends its task.
        for _ in 0..3 {
            let handle = self.find_or_start(meeting);
            let (by, wish) = (by.clone(), wish.clone());
            let done = self.run(&handle, move |task| Box::pin(task.change_breakouts(by, wish))).await;
            if let Some(done) = done {
                let (news, parting) = done?;
                // It ends by itself, waited for or not; a panic in there is logged where it happens.
                let _ = tokio::time::timeout(PARTING_MAX, parting).await;
                return Ok(news);
            }
        }
        Err(DomainError::Unavailable)
    }
}

impl Task {
    /// Takes up what an earlier gathering of this meeting, or an earlier process, left open.
    pub(super) async fn resume_breakouts(&mut self) {
        // Without an answer of the database nobody enters either.
        let meeting = self.live.meeting().id;
        let Ok(kept) = self.registry.0.store.breakouts(meeting).await else { return };
        self.live.resume_breakouts(kept.filter(|breakouts| !breakouts.is_over(self.now())));
    }

    fn change_breakouts(
        &mut self,
        by: Actor,
        wish: BreakoutWish,
    ) -> BoxFuture<'_, Result<(BreakoutNews, JoinHandle<()>), DomainError>> {
        Box::pin(async move {
            let next = self.live.breakouts_after(&by, wish, BreakoutRoomId::generate, self.now())?;
            self.registry.0.store.keep_breakouts(self.live.meeting().id, next.as_ref()).await?;
            let parting = self.adopt_breakouts(next);
            Ok((self.live.breakout_news(), parting))
        })
    }

    /// The time is over, or the feature was switched off. What cannot be stored here is over all the same.
    pub(super) async fn close_breakouts_that_are_over(&mut self) {
        if self.live.breakouts_are_over(self.now()) {
            self.forget_breakouts().await;
            self.adopt_breakouts(None);
        }
    }

    /// A failure is logged by the store; rooms of a meeting that is over are never read again.
    pub(super) async fn forget_breakouts(&self) {
        if self.live.breakouts().is_some() {
            let _ = self.registry.0.store.keep_breakouts(self.live.meeting().id, None).await;
        }
    }

    fn adopt_breakouts(&mut self, next: Option<Breakouts>) -> JoinHandle<()> {
        let Moved { notices, closed, unsubscribed, closed_data, unsubscribed_data, regrouped } =
            self.live.adopt_breakouts(next);
        // Begun before anybody is told.
        let tracks = unsubscribed.into_iter().map(|consumer| RoomCommand::CloseConsumer { consumer });
        let channels =
            unsubscribed_data.into_iter().map(|consumer| RoomCommand::CloseDataConsumer { consumer });
        let parting = self.insist_on_all(tracks.chain(channels).collect());
        self.close_tracks(closed);
        self.close_channels(closed_data);
        self.count_to_rooms(regrouped);
        self.publish(notices);
        parting
    }

    /// Has the media plane judge speakers of these with the rooms they are in now. Sessions without media have no place
    /// there; it is told with their first transport.
    fn count_to_rooms(&self, sessions: Vec<SessionId>) {
        if sessions.is_empty() || !self.registry.0.fleet.has_room(self.live.room()) {
            return;
        }
        let (live, meeting) = (self.registry.clone(), self.live.meeting().id);
        tokio::spawn(async move { count_to_rooms(&live, meeting, sessions).await });
    }
}
