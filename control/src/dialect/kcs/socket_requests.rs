//! One function per event: read the payload, call one service, say the answer.

use std::str::FromStr;

use plenum_shared::{
    id::{ConsumerId, ProducerId, TransportId},
    media::{Direction, Kind, Layer, PictureSize, Source},
    rtp::{ParameterError, RtpCapabilities, RtpParameters},
    transport::DtlsParameters,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::limits;
use super::rest::chat::file_ids;
use super::socket_connection::{Answer, Connection, Payload};
use super::told::{self, ConsumerOf, Told};
use super::view::envelope::True;
use super::{socket_view, view};
use crate::dialect::fields::Fields;
use crate::domain::admission::Door;
use crate::domain::chat::MessageKind;
use crate::domain::error::DomainError;
use crate::domain::limit::LimitedAction;
use crate::domain::live_measured::Measured;
use crate::domain::live_media::Wanted;
use crate::domain::live_sessions::Arrival;
use crate::domain::participant::MediaChange;
use crate::domain::reaction::Reaction;
use crate::live::Place;
use crate::service::chat::{Address, Outgoing};
use crate::service::join::JoinRequest;
use crate::service::media::NewTrack;

type Answered = Result<Answer, DomainError>;

/// Names a meeting goes by in payloads.
const MEETING: &[&str] = &["meetingId", "meeting_id"];
/// Fingerprints in one set of DTLS parameters: browsers send one, the standard allows one per hash.
const FINGERPRINTS_MAX: usize = 8;
/// Bytes of a fingerprint's hash name or value; SHA-512 takes 191.
const FINGERPRINT_BYTES_MAX: usize = 256;

pub(super) async fn join_meeting(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let request = JoinRequest {
        meeting: meeting(fields)?.to_owned(),
        password: fields.text_of(&["meeting_password", "password"])?.map(str::to_owned),
        name: fields.text("userName")?.map(str::to_owned),
        claimed_user: fields.text("userId")?.map(str::to_owned),
        door: Door::Enter,
        arrival: Arrival::default().described(
            ("device_type", fields.text_of(&["device_type", "deviceType"])?),
            ("connection_id", fields.text_of(&["connection_id", "connectionId"])?),
        )?,
    };
    if c.is_everywhere().await {
        return Err(DomainError::RateLimited { retry_after_s: 1, budget: None });
    }
    let budget = limits::budget(LimitedAction::Write);
    match c.services.joins.join(&c.actor, c.id, request, budget).await? {
        Place::Inside(entrance) => {
            c.enters(entrance.meeting.id);
            // The event is on its way already, in order with what the others hear.
            let joined = socket_view::meeting_joined(&entrance, c.ice_servers());
            Ok(Answer { event: None, is_said_once: false, payload: Payload::written(&joined) })
        }
        Place::Waiting { meeting, participant } => {
            c.enters(meeting);
            Ok(quiet(json!({ "waiting": true, "meetingId": meeting, "participantId": participant })))
        }
    }
}

pub(super) async fn leave_meeting(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let left = c.services.participants.leave(c.id, meeting(Fields::of(&body)?)?).await?;
    if let Some(meeting) = left {
        c.leaves(meeting);
    }
    Ok(quiet(json!({})))
}

pub(super) async fn send_message(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let meeting = meeting(fields)?;
    let attachments = file_ids(fields)?;
    // What only brings files says nothing by itself.
    let text = match fields.text("message")? {
        None if attachments.is_empty() => return Err(DomainError::FieldMissing("message")),
        text => text.unwrap_or_default().to_owned(),
    };
    let recipient = fields.text_of(&["recipientId", "recipient_id"])?;
    let words = "all, private, host";
    let to = match fields.word("recipientType", AddressKind::parse, words)? {
        None | Some(AddressKind::All) => Address::All,
        Some(AddressKind::Hosts) => Address::Hosts,
        Some(AddressKind::Private) => {
            let named = recipient.filter(|id| !id.trim().is_empty());
            Address::Private(named.ok_or(DomainError::FieldMissing("recipientId"))?.to_owned())
        }
    };
    let budget = limits::budget(LimitedAction::ChatMessage);
    let (meeting, kind) = (meeting.to_owned(), MessageKind::Text);
    let outgoing = Outgoing { meeting, text, to, attachments, kind, link: None };
    let message = c.services.chat.send(&c.actor, c.id, outgoing, budget).await?;
    Ok(quiet(json!({ "message": view::message(&message) })))
}

enum AddressKind {
    All,
    Hosts,
    Private,
}

impl AddressKind {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "all" => Some(Self::All),
            "host" => Some(Self::Hosts),
            "private" => Some(Self::Private),
            _ => None,
        }
    }
}

pub(super) async fn raise_hand(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let meeting = meeting(fields)?;
    let raised = fields.flag("raised")?.ok_or(DomainError::FieldMissing("raised"))?;
    let budget = limits::budget(LimitedAction::Write);
    match fields.text("participantId")? {
        None => c.services.participants.raise_hand(&c.actor, c.id, meeting, raised, budget).await?,
        Some(_) if raised => return Err(DomainError::invalid("raised", "only one's own hand can be raised")),
        Some(whom) => c.services.participants.lower_hands(c.id, meeting, Some(whom)).await?,
    }
    Ok(quiet(json!({ "raised": raised })))
}

pub(super) async fn lower_hands(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let meeting = meeting(Fields::of(&body)?)?;
    c.services.participants.lower_hands(c.id, meeting, None).await?;
    Ok(quiet(json!({})))
}

pub(super) async fn typing(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let meeting = meeting(fields)?;
    let typing = fields.flag("typing")?.ok_or(DomainError::FieldMissing("typing"))?;
    let budget = limits::budget(LimitedAction::ChatTyping);
    c.services.participants.set_typing(&c.actor, c.id, meeting, typing, budget).await?;
    Ok(quiet(json!({ "typing": typing })))
}

pub(super) async fn send_reaction(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let meeting = meeting(fields)?;
    let reaction = Reaction::parse("reaction", fields.given_text("reaction")?)?;
    let shown = reaction.emoji().to_owned();
    let budget = limits::budget(LimitedAction::Reaction);
    c.services.participants.react(&c.actor, c.id, meeting, reaction, budget).await?;
    Ok(quiet(json!({ "reaction": shown })))
}

pub(super) async fn toggle_recording(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let meeting = meeting(fields)?;
    let start = fields.flag("start")?.ok_or(DomainError::FieldMissing("start"))?;
    let budget = limits::budget(LimitedAction::Write);
    c.services.participants.record(&c.actor, c.id, meeting, start, budget).await?;
    Ok(quiet(json!({ "recording": start })))
}

pub(super) async fn media_status_update(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let meeting = meeting(fields)?;
    let screen = match fields.flag("screenSharing")? {
        Some(on) => Some(on),
        None => fields.flag("screen")?,
    };
    let change = MediaChange { audio: fields.flag("audio")?, video: fields.flag("video")?, screen };
    let budget = limits::budget(LimitedAction::MediaUpdate);
    c.services.participants.set_media(&c.actor, c.id, meeting, change, budget).await?;
    Ok(quiet(json!({})))
}

pub(super) async fn mute_participant(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let (meeting, whom) = (meeting(fields)?, fields.required_text("participantId")?);
    let mute = fields.flag("mute")?.ok_or(DomainError::FieldMissing("mute"))?;
    c.services.participants.mute(&c.actor, c.id, meeting, whom, mute).await?;
    Ok(quiet(json!({ "participantId": whom, "muted": mute })))
}

pub(super) async fn admit_participant(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    c.services
        .participants
        .admit(&c.actor, c.id, meeting(fields)?, fields.required_text("participantId")?)
        .await?;
    Ok(quiet(json!({})))
}

pub(super) async fn deny_participant(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    c.services
        .participants
        .deny(&c.actor, c.id, meeting(fields)?, fields.required_text("participantId")?)
        .await?;
    Ok(quiet(json!({})))
}

pub(super) async fn create_transport(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let meeting = meeting(fields)?;
    let direction = required_word::<Direction>(fields, "direction", "send, recv")?;
    let offer = c.services.media.create_transport(c.id, meeting, direction).await?;
    Ok(say(&socket_view::transport_created(&offer)))
}

pub(super) async fn connect_transport(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let transport: TransportId = id(fields, "transportId", DomainError::TransportNotFound)?;
    let dtls: DtlsParameters = required_shape(fields, "dtlsParameters")?;
    check_fingerprints(&dtls)?;
    c.services.media.connect_transport(c.asker(), transport, dtls).await?;
    Ok(say(&told::TransportConnected { success: True, transport_id: transport }))
}

pub(super) async fn restart_ice(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let transport: TransportId = id(Fields::of(&body)?, "transportId", DomainError::TransportNotFound)?;
    let ice = c.services.media.restart_ice(c.asker(), transport).await?;
    Ok(say(&told::IceRestarted { transport_id: transport, ice_parameters: json!(ice) }))
}

pub(super) async fn get_stats(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let what = measured(fields)?;
    let meeting = fields.text_of(&[MEETING[0], MEETING[1]])?;
    let budget = limits::budget(LimitedAction::MediaFigures);
    let figures = c.services.media.figures(&c.actor, c.asker(), meeting, what, budget).await?;
    Ok(say_once(&told::Stats::of(&figures, c.services.clock.now())))
}

/// The most particular thing that is named.
fn measured(fields: Fields<'_>) -> Result<Measured, DomainError> {
    if let Some(text) = fields.text("dataConsumerId")? {
        return named(text, DomainError::ConsumerNotFound).map(Measured::DataConsumer);
    }
    if let Some(text) = fields.text("dataProducerId")? {
        return named(text, DomainError::ProducerNotFound).map(Measured::DataProducer);
    }
    if let Some(text) = fields.text("consumerId")? {
        return named(text, DomainError::ConsumerNotFound).map(Measured::Consumer);
    }
    if let Some(text) = fields.text("producerId")? {
        return named(text, DomainError::ProducerNotFound).map(Measured::Producer);
    }
    if let Some(text) = fields.text("transportId")? {
        return named(text, DomainError::TransportNotFound).map(Measured::Transport);
    }
    Ok(fields.text("participantId")?.map_or(Measured::Own, |whom| Measured::Of(whom.to_owned())))
}

pub(super) async fn produce(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let meeting = meeting(fields)?;
    let kind = required_word::<Kind>(fields, "kind", "audio, video")?;
    let source = source(fields)?.unwrap_or(match kind {
        Kind::Audio => Source::Microphone,
        Kind::Video => Source::Camera,
    });
    check_source(kind, source)?;
    let rtp_parameters: RtpParameters = required_shape(fields, "rtpParameters")?;
    rtp_parameters.check().map_err(|error| out_of_bounds("rtpParameters", &error))?;
    let paused = fields.flag("paused")?.unwrap_or(false);
    let track = NewTrack { kind, source, rtp_parameters, paused };
    let budget = limits::budget(LimitedAction::MediaUpdate);
    let producer = c.services.media.produce(&c.actor, c.id, meeting, track, budget).await?;
    Ok(say(&told::Produced { kind: kind.into(), producer_id: producer, source: source.into() }))
}

pub(super) async fn close_producer(c: &mut Connection, body: Value) -> Answered {
    let producer = producer_id(&normalized(body))?;
    c.services.media.close_producer(c.asker(), producer).await?;
    Ok(quiet(json!({ "producerId": producer })))
}

pub(super) async fn pause_producer(c: &mut Connection, body: Value) -> Answered {
    set_producer_paused(c, body, true).await
}

pub(super) async fn resume_producer(c: &mut Connection, body: Value) -> Answered {
    set_producer_paused(c, body, false).await
}

async fn set_producer_paused(c: &mut Connection, body: Value, paused: bool) -> Answered {
    let producer = producer_id(&normalized(body))?;
    let budget = limits::budget(LimitedAction::MediaUpdate);
    c.services.media.pause_producer(&c.actor, c.asker(), producer, paused, budget).await?;
    Ok(quiet(json!({ "producerId": producer })))
}

pub(super) async fn consume(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let meeting = meeting(fields)?;
    let publisher = fields.required_text("producerParticipantId")?.to_owned();
    let kind = required_word::<Kind>(fields, "kind", "audio, video")?;
    let producer = match fields.text("producerId")? {
        None => None,
        Some(text) => Some(ProducerId::from_str(text.trim()).map_err(|_| DomainError::ProducerNotFound)?),
    };
    let wanted = Wanted { publisher, kind, source: source(fields)?, producer };
    let capabilities: RtpCapabilities = required_shape(fields, "rtpCapabilities")?;
    capabilities.check().map_err(|error| out_of_bounds("rtpCapabilities", &error))?;
    let paused = fields.flag("paused")?.unwrap_or(false);
    let offer = c.services.media.consume(c.id, meeting, wanted, capabilities, paused).await?;
    Ok(say(&socket_view::consumed(&offer)))
}

pub(super) async fn pause_consumer(c: &mut Connection, body: Value) -> Answered {
    let consumer = consumer_id(&normalized(body))?;
    c.services.media.pause_consumer(c.asker(), consumer, true).await?;
    Ok(say(&told::ConsumerPaused(ConsumerOf { consumer_id: consumer })))
}

pub(super) async fn resume_consumer(c: &mut Connection, body: Value) -> Answered {
    let consumer = consumer_id(&normalized(body))?;
    c.services.media.pause_consumer(c.asker(), consumer, false).await?;
    Ok(say(&told::ConsumerResumed(ConsumerOf { consumer_id: consumer })))
}

pub(super) async fn set_consumer_layers(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let consumer = consumer_id(&body)?;
    let spatial = layer_index(fields, "spatialLayer")?.ok_or(DomainError::FieldMissing("spatialLayer"))?;
    let layer = Layer { spatial, temporal: layer_index(fields, "temporalLayer")? };
    c.services.media.set_layers(c.asker(), consumer, layer, None).await?;
    Ok(say(&told::ConsumerLayersSet { consumer_id: consumer, spatial_layer: spatial }))
}

pub(super) async fn set_preferred_layers(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let consumer = consumer_id(&body)?;
    let spatial = layer_index(fields, "spatialLayer")?.unwrap_or(LAYER_MAX);
    let layer = Layer { spatial, temporal: layer_index(fields, "temporalLayer")? };
    let size = match (side(fields, "width")?, side(fields, "height")?) {
        (Some(width), Some(height)) => Some(PictureSize { width, height }),
        (None, None) => None,
        (None, _) => return Err(DomainError::FieldMissing("width")),
        (_, None) => return Err(DomainError::FieldMissing("height")),
    };
    c.services.media.set_layers(c.asker(), consumer, layer, size).await?;
    Ok(quiet(json!({ "consumerId": consumer })))
}

pub(super) async fn set_consumer_priority(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let consumer = consumer_id(&body)?;
    let priority = fields.count("priority")?.ok_or(DomainError::FieldMissing("priority"))?;
    let priority = u8::try_from(priority).ok().filter(|priority| *priority > 0);
    let priority = priority.ok_or_else(|| DomainError::invalid("priority", "must be between 1 and 255"))?;
    c.services.media.set_priority(c.asker(), consumer, priority).await?;
    Ok(quiet(json!({ "consumerId": consumer, "priority": priority })))
}

/// An answer that is an event of its own.
pub(super) fn say<T: Told>(payload: &T) -> Answer {
    Answer { event: Some(T::NAME), is_said_once: false, payload: Payload::Value(json!(payload)) }
}

/// An answer that is large and asked for again and again: the event only for whoever gave no callback.
fn say_once<T: Told>(payload: &T) -> Answer {
    Answer { is_said_once: true, ..say(payload) }
}

/// An answer for the callback alone.
pub(super) fn quiet(payload: Value) -> Answer {
    Answer { event: None, is_said_once: false, payload: Payload::Value(payload) }
}

/// A bare text is a meeting id (C-18), and nothing at all is an object without fields.
pub(super) fn normalized(body: Value) -> Value {
    match body {
        Value::Null => json!({}),
        Value::String(id) => json!({ "meetingId": id }),
        other => other,
    }
}

pub(super) fn meeting(fields: Fields<'_>) -> Result<&str, DomainError> {
    fields.text_of(&[MEETING[0], MEETING[1]])?.ok_or(DomainError::MeetingIdMissing)
}

pub(super) fn id<T: FromStr>(
    fields: Fields<'_>,
    name: &'static str,
    unknown: DomainError,
) -> Result<T, DomainError> {
    named(fields.required_text(name)?, unknown)
}

fn named<T: FromStr>(text: &str, unknown: DomainError) -> Result<T, DomainError> {
    text.trim().parse().map_err(|_| unknown)
}

fn producer_id(body: &Value) -> Result<ProducerId, DomainError> {
    id(Fields::of(body)?, "producerId", DomainError::ProducerNotFound)
}

fn consumer_id(body: &Value) -> Result<ConsumerId, DomainError> {
    id(Fields::of(body)?, "consumerId", DomainError::ConsumerNotFound)
}

/// One of the words that a type of the media plane has on the wire.
fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(Value::from(text)).ok()
}

fn required_word<T: DeserializeOwned>(
    fields: Fields<'_>,
    name: &'static str,
    expected: &str,
) -> Result<T, DomainError> {
    fields.word(name, word, expected)?.ok_or(DomainError::FieldMissing(name))
}

fn source(fields: Fields<'_>) -> Result<Option<Source>, DomainError> {
    fields.word("source", word, "camera, microphone, screen, screen-audio")
}

fn check_source(kind: Kind, source: Source) -> Result<(), DomainError> {
    let of = match source {
        Source::Camera | Source::Screen => Kind::Video,
        Source::Microphone | Source::ScreenAudio => Kind::Audio,
    };
    if of == kind { Ok(()) } else { Err(DomainError::invalid("source", "does not fit the kind")) }
}

/// A media object in mediasoup-client's shape.
pub(super) fn required_shape<T: DeserializeOwned>(
    fields: Fields<'_>,
    name: &'static str,
) -> Result<T, DomainError> {
    let value = fields.raw(name).filter(|value| !value.is_null()).ok_or(DomainError::FieldMissing(name))?;
    if !value.is_object() {
        return Err(DomainError::invalid(name, "must be an object"));
    }
    serde_json::from_value(value.clone()).map_err(|error| DomainError::invalid(name, error.to_string()))
}

fn out_of_bounds(name: &'static str, error: &ParameterError) -> DomainError {
    DomainError::invalid(name, error.to_string())
}

fn check_fingerprints(dtls: &DtlsParameters) -> Result<(), DomainError> {
    let short = |text: &str| !text.is_empty() && text.len() <= FINGERPRINT_BYTES_MAX;
    let sound = (1..=FINGERPRINTS_MAX).contains(&dtls.fingerprints.len())
        && dtls.fingerprints.iter().all(|print| short(&print.algorithm) && short(&print.value));
    if sound { Ok(()) } else { Err(DomainError::invalid("dtlsParameters", "fingerprints are out of bounds")) }
}

fn layer_index(fields: Fields<'_>, name: &'static str) -> Result<Option<u8>, DomainError> {
    let Some(index) = fields.count(name)? else { return Ok(None) };
    let index = u8::try_from(index).ok().filter(|index| *index <= LAYER_MAX);
    index.map(Some).ok_or_else(|| DomainError::invalid(name, format!("must be between 0 and {LAYER_MAX}")))
}

fn side(fields: Fields<'_>, name: &'static str) -> Result<Option<u16>, DomainError> {
    let Some(pixels) = fields.count(name)? else { return Ok(None) };
    let pixels = u16::try_from(pixels).ok().filter(|pixels| (1..=SIDE_MAX).contains(pixels));
    pixels.map(Some).ok_or_else(|| DomainError::invalid(name, format!("must be between 1 and {SIDE_MAX}")))
}

/// Pixels of a side: what a VP8 frame can have.
const SIDE_MAX: u16 = 16_383;

/// The standard's scalability modes have up to three layers; eight is what a VP9 or AV1 stream can number.
const LAYER_MAX: u8 = 7;
