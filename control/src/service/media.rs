//! Transports, tracks and subscriptions: what the meeting allows is asked of the media plane, and what the media plane
//! did is noted in the meeting.
//!
//! Between the two somebody may have left or a room may have gone. So every creation is checked again when its answer
//! is here, and taken back when nobody is there to have it.

pub mod data;
mod figures;

use std::time::Duration;

use futures_util::StreamExt;
use plenum_shared::{
    command::{RefusalReason, Reply, RoomCommand},
    id::{ConsumerId, ProducerId, RoomId, SessionId, TransportId},
    media::{Direction, Kind, Layer, LayerStructure, PictureSize, Source},
    rtp::{RtpCapabilities, RtpParameters},
    transport::{DtlsParameters, IceCandidate, IceParameters},
};

use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::event::Notice;
use crate::domain::id::{MeetingId, ParticipantId};
use crate::domain::limit::{Budget, LimitedAction};
use crate::domain::live::LiveMeeting;
use crate::domain::live_media::Wanted;
use crate::domain::participant::{ConnectionId, Consumer, Producer};
use crate::fleet::{MediaError, insist};
use crate::live::Live;
use crate::service::admissions::meeting_id;
use crate::service::limits::Limits;
use crate::service::participants::{explain, key};
use crate::store::Store;

pub use figures::Figures;

/// How long somebody waits for a track of his to be paused or resumed.
const HOLD_WAIT_MAX: Duration = Duration::from_secs(5);

/// Media of running meetings.
#[derive(Clone)]
pub struct Media {
    live: Live,
    store: Store,
    limits: Limits,
}

/// A transport as its client must know it.
#[derive(Debug, Clone, PartialEq)]
pub struct TransportOffer {
    pub transport: TransportId,
    pub direction: Direction,
    pub ice: IceParameters,
    pub candidates: Vec<IceCandidate>,
    pub dtls: DtlsParameters,
}

/// A track to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTrack {
    pub kind: Kind,
    pub source: Source,
    pub rtp_parameters: RtpParameters,
    pub paused: bool,
}

/// A subscription as its client must know it.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriptionOffer {
    pub consumer: ConsumerId,
    pub producer: ProducerId,
    pub publisher: ParticipantId,
    pub kind: Kind,
    pub source: Source,
    pub rtp_parameters: RtpParameters,
    pub structure: LayerStructure,
    pub paused: bool,
    pub producer_paused: bool,
}

/// Who asks: a connection, and the meetings it is in. Requests that name only a transport, track or subscription are
/// looked up in those.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    pub connection: ConnectionId,
    pub meetings: &'a [MeetingId],
}

impl Media {
    /// Media of the meetings of `live`.
    pub fn new(live: Live, store: Store, limits: Limits) -> Self {
        Self { live, store, limits }
    }

    /// Opens a transport; an older one of the same direction is closed (C-55).
    ///
    /// # Errors
    /// Not inside, or no media.
    pub async fn create_transport(
        &self,
        connection: ConnectionId,
        meeting: &str,
        direction: Direction,
    ) -> Result<TransportOffer, DomainError> {
        let meeting = meeting_id(meeting)?;
        let session = self.ask(meeting, move |live| Ok(live.of_connection(connection)?.session())).await?;
        let room = self.live.room(meeting).await?;
        let transport = TransportId::random();
        let create = RoomCommand::CreateTransport { session, transport, direction };
        let reply = self.create(room, create, RoomCommand::CloseTransport { transport }).await?;
        let Reply::TransportCreated { ice, candidates, dtls } = reply else {
            return Err(DomainError::Internal);
        };
        let noted = self
            .note(meeting, room, move |live| live.open_transport(connection, direction, transport).map(swap))
            .await;
        match noted {
            Ok(Some(replaced)) => self.take_back(room, RoomCommand::CloseTransport { transport: replaced }),
            Ok(None) => {}
            Err(error) => {
                self.take_back(room, RoomCommand::CloseTransport { transport });
                return Err(error);
            }
        }
        // Whoever is in a breakout room is to be heard there. Nobody waits for that.
        let group = self.live.look(meeting, move |live| live.group_of_session(session)).await.flatten();
        if group.is_some_and(|group| group > 0) {
            let live = self.live.clone();
            tokio::spawn(async move { count_to_rooms(&live, meeting, vec![session]).await });
        }
        Ok(TransportOffer { transport, direction, ice, candidates, dtls })
    }

    /// New credentials for the connectivity checks of a transport, whose client has come to another network or lost its
    /// way. Media goes on meanwhile.
    ///
    /// # Errors
    /// Not the asker's transport, or no media.
    pub async fn restart_ice(
        &self,
        asker: Asker<'_>,
        transport: TransportId,
    ) -> Result<IceParameters, DomainError> {
        let connection = asker.connection;
        let own = move |live: &LiveMeeting| live.own_transport(connection, transport);
        let (_, room, ()) = self.find(asker, own, DomainError::TransportNotFound).await?;
        match self.request(room, RoomCommand::RestartIce { transport }).await? {
            Reply::IceRestarted { ice } => Ok(ice),
            _ => Err(DomainError::Internal),
        }
    }

    /// Gives a transport the client's side of DTLS.
    ///
    /// # Errors
    /// Not the asker's transport, or parameters that make no sense.
    pub async fn connect_transport(
        &self,
        asker: Asker<'_>,
        transport: TransportId,
        dtls: DtlsParameters,
    ) -> Result<(), DomainError> {
        let connection = asker.connection;
        let (_, room, ()) = self
            .find(
                asker,
                move |live| live.own_transport(connection, transport),
                DomainError::TransportNotFound,
            )
            .await?;
        self.request(room, RoomCommand::ConnectTransport { transport, dtls }).await.map(|_| ())
    }

    /// Publishes a track on the send transport.
    ///
    /// # Errors
    /// Not inside, not allowed, no transport, a codec that nobody here speaks, or too often.
    pub async fn produce(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        meeting: &str,
        track: NewTrack,
        budget: Budget,
    ) -> Result<ProducerId, DomainError> {
        let meeting = meeting_id(meeting)?;
        // Everybody inside is told of each, and many subscribe to it.
        self.limits.check(LimitedAction::MediaUpdate, &key(actor, connection), budget)?;
        let NewTrack { kind, source, rtp_parameters, paused } = track;
        let (room, (transport, held)) = self
            .ask(meeting, move |live| Ok((live.room(), live.may_produce(connection, kind, source)?)))
            .await?;
        let producer = ProducerId::random();
        let command = RoomCommand::Produce {
            transport,
            producer,
            kind,
            source,
            rtp_parameters,
            paused: paused || held,
        };
        let new = Producer { id: producer, transport, kind, source, paused };
        self.create(room, command, RoomCommand::CloseProducer { producer }).await?;
        let add = move |live: &mut LiveMeeting| {
            let notices = live.add_producer(connection, new)?;
            Ok((notices, live.held(producer)))
        };
        match self.note(meeting, room, add).await {
            Err(error) => {
                self.take_back(room, RoomCommand::CloseProducer { producer });
                Err(error)
            }
            // A host muted him while the track was being made.
            Ok(now) if now != Some(paused || held) => {
                hold(&self.live, meeting, producer).await.map_err(|error| refused(room, error))?;
                Ok(producer)
            }
            Ok(_) => Ok(producer),
        }
    }

    /// Takes a track back.
    ///
    /// # Errors
    /// Not the asker's track.
    pub async fn close_producer(&self, asker: Asker<'_>, producer: ProducerId) -> Result<(), DomainError> {
        let connection = asker.connection;
        let own = move |live: &LiveMeeting| live.own_producer(connection, producer);
        let (meeting, room, _) = self.find(asker, own, DomainError::ProducerNotFound).await?;
        self.note(meeting, room, move |live| Ok((live.close_producer(connection, producer)?, ()))).await?;
        self.take_back(room, RoomCommand::CloseProducer { producer });
        Ok(())
    }

    /// Pauses or resumes one track.
    ///
    /// # Errors
    /// Not the asker's track, no media, or too often.
    pub async fn pause_producer(
        &self,
        actor: &Actor,
        asker: Asker<'_>,
        producer: ProducerId,
        paused: bool,
        budget: Budget,
    ) -> Result<(), DomainError> {
        let connection = asker.connection;
        // Everybody inside is told. Silent one may always fall.
        if !paused {
            self.limits.check(LimitedAction::MediaUpdate, &key(actor, connection), budget)?;
        }
        let own = move |live: &LiveMeeting| live.own_producer(connection, producer);
        let (meeting, room, _) = self.find(asker, own, DomainError::ProducerNotFound).await?;
        self.note(meeting, room, move |live| Ok((live.pause_producer(connection, producer, paused)?, ())))
            .await?;
        hold(&self.live, meeting, producer).await.map_err(|error| refused(room, error))
    }

    /// Subscribes to a track.
    ///
    /// # Errors
    /// Not inside, nobody of that name, no such track, no transport, or no codec in common.
    pub async fn consume(
        &self,
        connection: ConnectionId,
        meeting: &str,
        wanted: Wanted,
        rtp_capabilities: RtpCapabilities,
        paused: bool,
    ) -> Result<SubscriptionOffer, DomainError> {
        let meeting = meeting_id(meeting)?;
        let (room, chosen) =
            self.ask(meeting, move |live| Ok((live.room(), live.may_consume(connection, &wanted)?))).await?;
        let (consumer, transport, producer) = (ConsumerId::random(), chosen.transport, chosen.producer.id);
        let command = RoomCommand::Consume { transport, consumer, producer, rtp_capabilities, paused };
        let reply = self.create(room, command, RoomCommand::CloseConsumer { consumer }).await?;
        let Reply::Consumed { kind, structure, rtp_parameters, producer_paused } = reply else {
            return Err(DomainError::Internal);
        };
        let new = Consumer { id: consumer, transport, producer, told: None };
        let noted =
            self.note(meeting, room, move |live| Ok((Vec::new(), live.add_consumer(connection, new)?))).await;
        if let Err(error) = noted {
            self.take_back(room, RoomCommand::CloseConsumer { consumer });
            return Err(error);
        }
        Ok(SubscriptionOffer {
            consumer,
            producer,
            publisher: chosen.publisher,
            kind,
            source: chosen.producer.source,
            rtp_parameters,
            structure,
            paused,
            producer_paused,
        })
    }

    /// Pauses or resumes a subscription. Resuming a running one is fine.
    ///
    /// # Errors
    /// Not the asker's subscription, or no media.
    pub async fn pause_consumer(
        &self,
        asker: Asker<'_>,
        consumer: ConsumerId,
        paused: bool,
    ) -> Result<(), DomainError> {
        self.ask_consumer(asker, consumer, RoomCommand::SetConsumerPaused { consumer, paused }).await
    }

    /// Says which quality the viewer can use at most, and how large the picture is shown.
    ///
    /// # Errors
    /// Not the asker's subscription, or no media.
    pub async fn set_layers(
        &self,
        asker: Asker<'_>,
        consumer: ConsumerId,
        layer: Layer,
        size: Option<PictureSize>,
    ) -> Result<(), DomainError> {
        self.ask_consumer(asker, consumer, RoomCommand::SetPreferredLayer { consumer, layer, size }).await
    }

    /// Says how much a subscription matters among those of its viewer.
    ///
    /// # Errors
    /// Not the asker's subscription, or no media.
    pub async fn set_priority(
        &self,
        asker: Asker<'_>,
        consumer: ConsumerId,
        priority: u8,
    ) -> Result<(), DomainError> {
        self.ask_consumer(asker, consumer, RoomCommand::SetConsumerPriority { consumer, priority }).await
    }

    async fn ask_consumer(
        &self,
        asker: Asker<'_>,
        consumer: ConsumerId,
        command: RoomCommand,
    ) -> Result<(), DomainError> {
        let connection = asker.connection;
        let own = move |live: &LiveMeeting| live.own_consumer(connection, consumer);
        let (_, room, _) = self.find(asker, own, DomainError::ConsumerNotFound).await?;
        self.request(room, command).await.map(|_| ())
    }

    /// The meeting, among those the asker is in, that knows the thing; and its room.
    async fn find<T: Send + 'static>(
        &self,
        asker: Asker<'_>,
        knows: impl Fn(&LiveMeeting) -> Result<T, DomainError> + Clone + Send + 'static,
        unknown: DomainError,
    ) -> Result<(MeetingId, RoomId, T), DomainError> {
        let (mut inside, mut refused) = (false, None);
        for meeting in asker.meetings {
            let (knows, connection) = (knows.clone(), asker.connection);
            let looked = self.live.look(*meeting, move |live| {
                (live.of_connection(connection).is_ok(), live.room(), knows(live))
            });
            if let Some((here, room, known)) = looked.await {
                inside |= here;
                match known {
                    Ok(thing) => return Ok((*meeting, room, thing)),
                    Err(error @ DomainError::Forbidden) => refused = Some(error),
                    Err(_) => {}
                }
            }
        }
        Err(refused.unwrap_or(if inside { unknown } else { DomainError::NotInMeeting }))
    }

    /// A question to a meeting that changes nothing.
    async fn ask<T: Send + 'static>(
        &self,
        meeting: MeetingId,
        question: impl FnOnce(&LiveMeeting) -> Result<T, DomainError> + Send + 'static,
    ) -> Result<T, DomainError> {
        let answer = self.live.look(meeting, question).await.unwrap_or(Err(DomainError::NotInMeeting));
        explain(&self.store, meeting, answer).await
    }

    /// Notes in the meeting what the media plane did in a room, unless the meeting has another room by now.
    async fn note<T: Send + 'static>(
        &self,
        meeting: MeetingId,
        room: RoomId,
        change: impl FnOnce(&mut LiveMeeting) -> Result<(Vec<Notice>, T), DomainError> + Send + 'static,
    ) -> Result<T, DomainError> {
        self.live
            .with(meeting, move |live, _| {
                if live.room() == room { change(live) } else { Err(DomainError::MediaUnavailable) }
            })
            .await
    }

    async fn request(&self, room: RoomId, command: RoomCommand) -> Result<Reply, DomainError> {
        self.live.fleet().request(room, command).await.map_err(|error| refused(room, error))
    }

    /// Has something made on the media plane, and taken back when nobody knows whether it was. What was refused was not.
    async fn create(
        &self,
        room: RoomId,
        command: RoomCommand,
        undo: RoomCommand,
    ) -> Result<Reply, DomainError> {
        let reply = self.live.fleet().request(room, command).await;
        if reply == Err(MediaError::Unavailable) {
            self.take_back(room, undo);
        }
        reply.map_err(|error| refused(room, error))
    }

    /// Undoes something on the media plane without waiting; what is not there need not be undone.
    fn take_back(&self, room: RoomId, command: RoomCommand) {
        let fleet = self.live.fleet().clone();
        tokio::spawn(async move { fleet.insist(room, command).await });
    }
}

fn swap((replaced, notices): (Option<TransportId>, Vec<Notice>)) -> (Vec<Notice>, Option<TransportId>) {
    (notices, replaced)
}

/// Has the media plane forward a track or hold it back, as the meeting says. Its owner and a host may both change that
/// at once, and their requests overtake each other: so it is asked for again until the meeting still says what was sent.
/// The same while the media plane is busy or away, and longer than anybody waits for the answer.
///
/// # Errors
/// It will not do it, or has not by now.
pub(crate) async fn hold(live: &Live, meeting: MeetingId, producer: ProducerId) -> Result<(), MediaError> {
    let asked = tokio::spawn(hold_until_done(live.clone(), meeting, producer));
    match tokio::time::timeout(HOLD_WAIT_MAX, asked).await {
        Ok(Ok(done)) => done,
        // Too slow; or a panic in there, which is logged where it happens.
        Err(_) | Ok(Err(_)) => Err(MediaError::Unavailable),
    }
}

/// Ends by itself: what is closed, or gone with its room, is held no longer.
async fn hold_until_done(live: Live, meeting: MeetingId, producer: ProducerId) -> Result<(), MediaError> {
    let command = |paused| RoomCommand::SetProducerPaused { producer, paused };
    ask_until_so(&live, meeting, move |live| live.held(producer), command).await
}

/// Sessions that are told to the media plane at once.
const COUNTED_AT_ONCE: usize = 16;

/// Has the media plane judge speakers of these sessions with the rooms that they are in. As [`hold`], but nobody waits.
pub(crate) async fn count_to_rooms(live: &Live, meeting: MeetingId, sessions: Vec<SessionId>) {
    let told = sessions.into_iter().map(|session| async move {
        let command = |group| RoomCommand::SetSessionGroup { session, group };
        let asked = ask_until_so(live, meeting, move |live| live.group_of_session(session), command).await;
        if let Err(error) = asked {
            tracing::debug!(%meeting, %session, %error, "the media plane does not know of a change of rooms");
        }
    });
    futures_util::stream::iter(told).for_each_concurrent(COUNTED_AT_ONCE, |told| told).await;
}

/// Has the media plane do what a meeting says until the meeting still says what was asked for; that may change meanwhile.
/// Done as well when the meeting says nothing any more.
async fn ask_until_so<T: Copy + PartialEq + Send + 'static>(
    live: &Live,
    meeting: MeetingId,
    wanted: impl Fn(&LiveMeeting) -> Option<T> + Copy + Send + 'static,
    command: impl Fn(T) -> RoomCommand,
) -> Result<(), MediaError> {
    let wanted = async || live.look(meeting, move |live| Some((live.room(), wanted(live)?))).await.flatten();
    let mut pauses = insist::pauses();
    let mut now = wanted().await;
    while let Some((room, so)) = now {
        match live.fleet().request(room, command(so)).await {
            Err(error) if !error.may_pass() => return Err(error),
            Err(error) => {
                tracing::debug!(%room, %error, "the media plane is asked again");
                tokio::time::sleep(pauses.next().unwrap_or_default()).await;
                now = wanted().await;
            }
            Ok(_) => {
                now = wanted().await;
                if now == Some((room, so)) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

fn refused(room: RoomId, error: MediaError) -> DomainError {
    tracing::debug!(%room, %error, "the media plane did not do what was asked");
    refusal(error)
}

fn refusal(error: MediaError) -> DomainError {
    let MediaError::Refused(refusal) = error else { return DomainError::MediaUnavailable };
    match refusal.reason {
        RefusalReason::UnknownRoom => DomainError::MediaUnavailable,
        RefusalReason::UnknownSession | RefusalReason::UnknownTransport => DomainError::TransportNotFound,
        RefusalReason::UnknownProducer => DomainError::ProducerNotFound,
        RefusalReason::UnknownConsumer => DomainError::ConsumerNotFound,
        RefusalReason::AlreadyExists => DomainError::MediaRefused("Already exists".to_owned()),
        RefusalReason::Invalid => DomainError::MediaRefused("Invalid media parameters".to_owned()),
        RefusalReason::Unsupported => DomainError::MediaRefused("No codec in common".to_owned()),
        RefusalReason::Busy
        | RefusalReason::LimitReached
        | RefusalReason::StaleControl
        | RefusalReason::Draining => DomainError::Unavailable,
        RefusalReason::Internal => DomainError::Internal,
    }
}
