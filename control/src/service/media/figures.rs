//! Figures of one session's media, asked of the media plane for whoever may see them.

use std::collections::HashMap;

use plenum_shared::{
    command::{RefusalReason, Reply, RoomCommand},
    details::SessionDetails,
    id::{DataProducerId, RoomId, SessionId},
    media::ConnectionQuality,
};

use super::{Asker, Media, refused};
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::id::{MeetingId, ParticipantId};
use crate::domain::limit::{Budget, LimitedAction};
use crate::domain::live::LiveMeeting;
use crate::domain::live_data::DataNames;
use crate::domain::live_measured::Measured;
use crate::fleet::MediaError;
use crate::service::admissions::meeting_id;
use crate::service::participants::key;

/// What the media of a session did until now.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    pub meeting: MeetingId,
    pub participant: ParticipantId,
    /// As it was told last; `None` until it was measured.
    pub quality: Option<ConnectionQuality>,
    /// Without media there is nothing in it.
    pub details: SessionDetails,
    /// What the data channels in it are for, which the media plane does not know.
    pub channels: HashMap<DataProducerId, DataNames>,
}

impl Media {
    /// Figures of one's own media, or of somebody else's. Without `meeting`, in the one the asker is in that has it.
    ///
    /// # Errors
    /// Not inside, not the asker's, not allowed, nobody of that name, no media, or too often.
    pub async fn figures(
        &self,
        actor: &Actor,
        asker: Asker<'_>,
        meeting: Option<&str>,
        what: Measured,
        budget: Budget,
    ) -> Result<Figures, DomainError> {
        self.limits.check(LimitedAction::MediaFigures, &key(actor, asker.connection), budget)?;
        let (connection, asked) = (asker.connection, what.clone());
        let whose = move |live: &LiveMeeting| {
            let id = live.measured(connection, &asked)?;
            let quality = live.participant(id).and_then(|participant| participant.quality);
            Ok((id, quality, live.channel_names(id)))
        };
        let (meeting, room, (participant, quality, channels)) = match meeting {
            Some(named) => {
                let meeting = meeting_id(named)?;
                let (room, found) = self.ask(meeting, move |live| Ok((live.room(), whose(live)?))).await?;
                (meeting, room, found)
            }
            None => self.find(asker, whose, unknown(&what)).await?,
        };
        let mut details = self.details_of(room, SessionId(participant.0)).await?;
        keep_only(&mut details, &what);
        Ok(Figures { meeting, participant, quality, details, channels })
    }

    async fn details_of(&self, room: RoomId, session: SessionId) -> Result<SessionDetails, DomainError> {
        let quality = ConnectionQuality::Excellent;
        let nothing = SessionDetails {
            session,
            quality,
            transports: Vec::new(),
            producers: Vec::new(),
            consumers: Vec::new(),
            data_producers: Vec::new(),
            data_consumers: Vec::new(),
        };
        if !self.live.fleet().is_open(room) {
            return Ok(nothing);
        }
        match self.live.fleet().request(room, RoomCommand::SessionDetails { session }).await {
            Ok(Reply::SessionDetails(details)) => Ok(*details),
            Ok(_) => Err(DomainError::Internal),
            Err(MediaError::Refused(refusal)) if refusal.reason == RefusalReason::UnknownSession => {
                Ok(nothing)
            }
            Err(error) => Err(refused(room, error)),
        }
    }
}

/// What is said of something that no meeting of the asker's knows.
fn unknown(what: &Measured) -> DomainError {
    match what {
        Measured::Own | Measured::Of(_) => DomainError::ParticipantNotFound,
        Measured::Transport(_) => DomainError::TransportNotFound,
        Measured::Producer(_) | Measured::DataProducer(_) => DomainError::ProducerNotFound,
        Measured::Consumer(_) | Measured::DataConsumer(_) => DomainError::ConsumerNotFound,
    }
}

/// Leaves what was asked about. What ended meanwhile is missing, and its list empty.
fn keep_only(details: &mut SessionDetails, what: &Measured) {
    if matches!(what, Measured::Own | Measured::Of(_)) {
        return;
    }
    details.transports.retain(|one| *what == Measured::Transport(one.transport));
    details.producers.retain(|one| *what == Measured::Producer(one.producer));
    details.consumers.retain(|one| *what == Measured::Consumer(one.consumer));
    details.data_producers.retain(|one| *what == Measured::DataProducer(one.producer));
    details.data_consumers.retain(|one| *what == Measured::DataConsumer(one.consumer));
}
