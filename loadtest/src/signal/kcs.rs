//! KCS signalling of one bot, written from the API document: join, transports, produce, consume.

use super::{
    Consumed, Joined, News, RemoteProducer, Session, SignalError, TransportOffer,
    socketio::{ServerEvent, SocketIo},
};
use plenum_shared::{
    media::{Direction, Kind, PictureSize, Source},
    rtp::{RtpCapabilities, RtpParameters},
    transport::DtlsParameters,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Instant;
use tokio::sync::mpsc;
use uuid::Uuid;

/// A bot inside a meeting.
#[derive(Clone, Debug)]
pub struct KcsSession {
    socket: SocketIo,
    meeting: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MeetingJoined {
    participants: Vec<Participant>,
    webrtc_config: WebrtcConfig,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Participant {
    participant_id: Uuid,
    #[serde(default)]
    producers: Vec<ProducerEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProducerEntry {
    producer_id: Uuid,
    kind: Kind,
    source: Source,
}

#[derive(Debug, Deserialize)]
struct WebrtcConfig {
    router_capabilities: RtpCapabilities,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewProducer {
    participant_id: Uuid,
    #[serde(flatten)]
    entry: ProducerEntry,
}

#[derive(Debug, Deserialize)]
struct NewMessage {
    message: Message,
}

#[derive(Debug, Deserialize)]
struct Message {
    message: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProducerNamed {
    producer_id: Uuid,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ParticipantNamed {
    participant_id: Uuid,
}

/// News not yet taken: everybody's tracks in a large meeting, once.
const NEWS_MAX: usize = 16_384;

/// Connects with the token, joins, and goes on listening.
///
/// # Errors
/// The first step that failed.
pub async fn join(base: &str, token: &str, meeting: &str) -> Result<Joined, SignalError> {
    let (socket, events) = SocketIo::connect(base, token).await?;
    let connected_at = Instant::now();
    let joined: MeetingJoined = ask(&socket, "join-meeting", json!({ "meetingId": meeting })).await?;
    let present = joined
        .participants
        .into_iter()
        .flat_map(|person| {
            let participant = person.participant_id;
            person.producers.into_iter().map(move |entry| remote(participant, entry))
        })
        .collect();
    let (news_out, news) = mpsc::channel(NEWS_MAX);
    tokio::spawn(pass_news(events, news_out));
    let session = KcsSession { socket, meeting: meeting.to_owned() };
    Ok(Joined {
        session: Session::Kcs(session),
        capabilities: joined.webrtc_config.router_capabilities,
        present,
        news,
        connected_at,
    })
}

impl KcsSession {
    pub(super) async fn create_transport(&self, direction: Direction) -> Result<TransportOffer, SignalError> {
        let payload = json!({ "meetingId": self.meeting, "direction": direction });
        ask(&self.socket, "create-transport", payload).await
    }

    pub(super) async fn connect_transport(&self, id: Uuid, dtls: &DtlsParameters) -> Result<(), SignalError> {
        let payload = json!({ "transportId": id, "dtlsParameters": dtls });
        ask::<Value>(&self.socket, "connect-transport", payload).await.map(drop)
    }

    pub(super) async fn produce(
        &self,
        kind: Kind,
        source: Source,
        rtp_parameters: &RtpParameters,
    ) -> Result<Uuid, SignalError> {
        let payload = json!({
            "meetingId": self.meeting, "kind": kind, "source": source, "rtpParameters": rtp_parameters,
        });
        let produced: ProducerNamed = ask(&self.socket, "produce", payload).await?;
        Ok(produced.producer_id)
    }

    pub(super) async fn consume(
        &self,
        producer: &RemoteProducer,
        capabilities: &RtpCapabilities,
    ) -> Result<Consumed, SignalError> {
        let payload = json!({
            "meetingId": self.meeting,
            "producerParticipantId": producer.participant,
            "kind": producer.kind,
            "producerId": producer.producer,
            "rtpCapabilities": capabilities,
            "paused": true,
        });
        ask(&self.socket, "consume", payload).await
    }

    pub(super) async fn resume(&self, consumer: Uuid) -> Result<(), SignalError> {
        ask::<Value>(&self.socket, "resume-consumer", json!({ "consumerId": consumer })).await.map(drop)
    }

    pub(super) async fn show(&self, consumer: Uuid, size: PictureSize) -> Result<(), SignalError> {
        let payload = json!({ "consumerId": consumer, "width": size.width, "height": size.height });
        ask::<Value>(&self.socket, "set-preferred-layers", payload).await.map(drop)
    }

    pub(super) async fn say(&self, text: &str) -> Result<(), SignalError> {
        let payload = json!({ "meetingId": self.meeting, "message": text });
        Ok(self.socket.emit("send-message", payload).await?)
    }

    pub(super) async fn leave(&self) -> Result<(), SignalError> {
        ask::<Value>(&self.socket, "leave-meeting", json!({ "meetingId": self.meeting })).await.map(drop)
    }
}

fn remote(participant: Uuid, entry: ProducerEntry) -> RemoteProducer {
    RemoteProducer { participant, producer: entry.producer_id, kind: entry.kind, source: entry.source }
}

/// Emits with a callback and reads its answer: `{success:true, ...}` or `{success:false, error, message}`.
pub(super) async fn ask<T: for<'a> Deserialize<'a>>(
    socket: &SocketIo,
    request: &str,
    payload: Value,
) -> Result<T, SignalError> {
    let answer = socket.request(request, payload).await?;
    if answer.get("success").and_then(Value::as_bool) != Some(true) {
        let text = |key| answer.get(key).and_then(Value::as_str);
        let message = text("message").or_else(|| text("error")).unwrap_or("refused without words").to_owned();
        return Err(SignalError::Refused { request: request.to_owned(), message });
    }
    serde_json::from_value(answer)
        .map_err(|error| SignalError::Contract { request: request.to_owned(), reason: error.to_string() })
}

async fn pass_news(mut events: mpsc::Receiver<ServerEvent>, news: mpsc::Sender<News>) {
    while let Some(event) = events.recv().await {
        let item = match read_news(event) {
            Ok(Some(item)) => item,
            Ok(None) => continue,
            Err(error) => News::Trouble(format!("an event that is not what the contract says: {error}")),
        };
        // A bot about to leave takes no more news, but its socket must still be read until it is gone.
        let _ = news.send(item).await;
    }
    // The bot may have left already; then nobody wants to hear it.
    let _ = news.send(News::Trouble("the socket was closed".into())).await;
}

fn read_news(event: ServerEvent) -> Result<Option<News>, serde_json::Error> {
    Ok(match event.name.as_str() {
        "new-producer" => {
            let new: NewProducer = serde_json::from_value(event.payload)?;
            Some(News::Published(remote(new.participant_id, new.entry)))
        }
        "producer-closed" => {
            let closed: ProducerNamed = serde_json::from_value(event.payload)?;
            Some(News::Closed { producer: closed.producer_id })
        }
        "participant-left" => {
            let left: ParticipantNamed = serde_json::from_value(event.payload)?;
            Some(News::Left { participant: left.participant_id })
        }
        "new-message" => {
            let new: NewMessage = serde_json::from_value(event.payload)?;
            Some(News::Said { text: new.message.message, at: event.at })
        }
        "media-reset" => Some(News::Trouble("media-reset: the media node was lost".into())),
        "meeting-ended" => Some(News::Trouble("the meeting was ended".into())),
        "error" => Some(News::Trouble(format!("error event: {}", event.payload))),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, payload: Value) -> ServerEvent {
        ServerEvent { name: name.into(), payload, at: Instant::now() }
    }

    #[test]
    fn a_new_producer_names_its_owner_kind_and_source() {
        let (participant, producer) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let payload = json!({
            "meetingId": "m", "participantId": participant, "producerId": producer,
            "kind": "video", "source": "screen", "paused": false,
        });
        let Ok(Some(News::Published(remote))) = read_news(event("new-producer", payload)) else {
            panic!("news expected");
        };
        assert_eq!(
            remote,
            RemoteProducer { participant, producer, kind: Kind::Video, source: Source::Screen }
        );
    }

    #[test]
    fn a_chat_message_is_its_text_and_the_moment_it_came() {
        let payload = json!({ "message": { "id": "1", "message": "load 77", "recipientType": "all" } });
        let event = event("new-message", payload);
        let came_at = event.at;
        let Ok(Some(News::Said { text, at })) = read_news(event) else { panic!("news expected") };
        assert_eq!((text.as_str(), at), ("load 77", came_at));
    }

    #[test]
    fn somebody_who_leaves_is_named_and_not_each_of_the_tracks() {
        let payload = json!({ "participantId": Uuid::from_u128(1), "userName": "Ada", "reason": "left" });
        let Ok(Some(News::Left { participant })) = read_news(event("participant-left", payload)) else {
            panic!("news expected");
        };
        assert_eq!(participant, Uuid::from_u128(1));
    }

    #[test]
    fn events_that_do_not_concern_media_are_no_news() {
        assert!(matches!(read_news(event("hand-raised", json!({}))), Ok(None)));
        assert!(read_news(event("new-producer", json!({"producerId": 5}))).is_err());
    }
}
