//! What must stop on the media plane because people were told that it has: asked for until it is so.

use std::time::Duration;

use futures_util::StreamExt;
use plenum_shared::command::{RefusalReason, RoomCommand};
use plenum_shared::id::RoomId;

use super::{Fleet, MediaError};

/// Pauses between attempts: the first is longer than a worker that is busy stays so, and each is twice the one before,
/// so that many who ask do not keep it busy.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(5);
/// Commands of one change that are asked for at once. Each is one stream of the link to a node, whose worker serves them
/// one after the other; more at once would only fill its inbox.
const AT_ONCE: usize = 16;

impl Fleet {
    /// Asks for something until it is done, has nothing left to act on, or the room is gone. A room goes with its meeting
    /// or its node, so this ends; who must not wait for it spawns it.
    pub async fn insist(&self, room: RoomId, command: RoomCommand) {
        let mut pauses = pauses();
        while let Err(error) = self.request(room, command.clone()).await {
            if error.means_gone() {
                return;
            }
            if !error.may_pass() {
                tracing::error!(%room, ?command, %error, "the media plane goes on with what has to stop");
                return;
            }
            tracing::debug!(%room, ?command, %error, "the media plane is asked again");
            tokio::time::sleep(pauses.next().unwrap_or(AGAIN_AFTER_MAX)).await;
        }
    }

    /// As [`Fleet::insist`], for all the commands of one change.
    pub async fn insist_on_all(&self, room: RoomId, commands: impl IntoIterator<Item = RoomCommand>) {
        let asked = commands.into_iter().map(|command| self.insist(room, command));
        futures_util::stream::iter(asked).for_each_concurrent(AT_ONCE, |asked| asked).await;
    }
}

/// How long to wait before each further attempt.
pub fn pauses() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(AGAIN_AFTER), |pause| Some((*pause * 2).min(AGAIN_AFTER_MAX)))
}

impl MediaError {
    /// There is nothing any more that could be forwarded.
    pub fn means_gone(&self) -> bool {
        match self {
            Self::RoomLost => true,
            Self::Unavailable => false,
            Self::Refused(refusal) => matches!(
                refusal.reason,
                RefusalReason::UnknownRoom
                    | RefusalReason::UnknownSession
                    | RefusalReason::UnknownTransport
                    | RefusalReason::UnknownProducer
                    | RefusalReason::UnknownConsumer
            ),
        }
    }

    /// The same command may be granted a little later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::RoomLost => false,
            Self::Unavailable => true,
            Self::Refused(refusal) => matches!(
                refusal.reason,
                RefusalReason::Busy
                    | RefusalReason::LimitReached
                    | RefusalReason::StaleControl
                    | RefusalReason::Draining
                    | RefusalReason::Internal
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_further_and_further_apart_up_to_a_bound() {
        let first: Vec<_> = pauses().take(8).map(|pause| pause.as_millis()).collect();
        assert_eq!(first, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }
}
