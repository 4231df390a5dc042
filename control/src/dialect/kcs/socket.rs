//! The real-time side of this dialect: Socket.IO (Engine.IO 4, Socket.IO 5) under `/socket.io/`.
//!
//! One line per event in [`EVENTS`]; [`super::socket_requests`] reads each and calls its service,
//! [`super::socket_connection`] serves the requests of one client in order, [`super::socket_line`] is the way to that
//! client, [`super::socket_outlet`] says what happens to everybody else. The protocol is [`crate::socketio`]'s.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::asked::{
    AdmitParticipant, Asked, CloseProducer, ConnectTransport, Consume, CreateTransport, DenyParticipant,
    GetStats, JoinMeeting, LeaveMeeting, LowerHands, MediaStatusUpdate, MuteParticipant, PauseConsumer,
    PauseProducer, Produce, RaiseHand, RestartIce, ResumeConsumer, ResumeProducer, SendMessage, SendReaction,
    SetConsumerLayers, SetConsumerPriority, SetPreferredLayers, ToggleRecording, Typing,
};
use super::asked_breakouts::{AssignBreakout, ChooseBreakout, GetBreakoutRooms, ReturnFromBreakout};
use super::asked_chat::{
    ChatTyping, GetRoomOnlineUsers, JoinChatRooms, LeaveChatRoom, MarkMessagesSeen, UpdateChatStatus,
};
use super::asked_data::{CloseDataConsumer, CloseDataProducer, ConsumeData, ProduceData};
use super::error;
use super::socket_breakouts as breakouts;
use super::socket_chat as chat;
use super::socket_connection::{Answer, Connection};
use super::socket_data as data;
use super::socket_line::{Attached, Line};
use super::socket_outlet::SocketOutlet;
use super::socket_requests as requests;
use crate::dialect::expiry;
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::event::{AccessEnd, Audience, DomainEvent};
use crate::domain::participant::{ConnectionId, Person};
use crate::http::peer::TrustedProxies;
use crate::hub::{Hub, OutletId};
use crate::service::accounts::{Access, Accounts};
use crate::service::breakouts::Breakouts;
use crate::service::chat::Chat;
use crate::service::chat_rooms::ChatRooms;
use crate::service::clock::Clock;
use crate::service::join::Joins;
use crate::service::media::Media;
use crate::service::participants::Participants;
use crate::service::presence::Presence;
use crate::socketio::{Application, Config, Credentials, Peer, Server, Socket, Welcome};

/// Serves one request of a connection.
pub(super) type Handler = for<'a> fn(&'a mut Connection, Value) -> BoxFuture<'a, Result<Answer, DomainError>>;

/// Every event a client may send, and who serves it.
pub(super) const EVENTS: &[(&str, Handler)] = &[
    on::<JoinMeeting>(|c, body| Box::pin(requests::join_meeting(c, body))),
    on::<LeaveMeeting>(|c, body| Box::pin(requests::leave_meeting(c, body))),
    on::<SendMessage>(|c, body| Box::pin(requests::send_message(c, body))),
    on::<JoinChatRooms>(|c, body| Box::pin(chat::join_chat_rooms(c, body))),
    on::<LeaveChatRoom>(|c, body| Box::pin(chat::leave_chat_room(c, body))),
    on::<ChatTyping>(|c, body| Box::pin(chat::chat_typing(c, body))),
    on::<MarkMessagesSeen>(|c, body| Box::pin(chat::mark_messages_seen(c, body))),
    on::<UpdateChatStatus>(|c, body| Box::pin(chat::update_chat_status(c, body))),
    on::<GetRoomOnlineUsers>(|c, body| Box::pin(chat::get_room_online_users(c, body))),
    on::<Typing>(|c, body| Box::pin(requests::typing(c, body))),
    on::<SendReaction>(|c, body| Box::pin(requests::send_reaction(c, body))),
    on::<RaiseHand>(|c, body| Box::pin(requests::raise_hand(c, body))),
    on::<LowerHands>(|c, body| Box::pin(requests::lower_hands(c, body))),
    on::<ToggleRecording>(|c, body| Box::pin(requests::toggle_recording(c, body))),
    on::<MediaStatusUpdate>(|c, body| Box::pin(requests::media_status_update(c, body))),
    on::<MuteParticipant>(|c, body| Box::pin(requests::mute_participant(c, body))),
    on::<AdmitParticipant>(|c, body| Box::pin(requests::admit_participant(c, body))),
    on::<DenyParticipant>(|c, body| Box::pin(requests::deny_participant(c, body))),
    on::<GetBreakoutRooms>(|c, body| Box::pin(breakouts::get_breakout_rooms(c, body))),
    on::<AssignBreakout>(|c, body| Box::pin(breakouts::assign_breakout(c, body))),
    on::<ChooseBreakout>(|c, body| Box::pin(breakouts::choose_breakout(c, body))),
    on::<ReturnFromBreakout>(|c, body| Box::pin(breakouts::return_from_breakout(c, body))),
    on::<CreateTransport>(|c, body| Box::pin(requests::create_transport(c, body))),
    on::<ConnectTransport>(|c, body| Box::pin(requests::connect_transport(c, body))),
    on::<RestartIce>(|c, body| Box::pin(requests::restart_ice(c, body))),
    on::<GetStats>(|c, body| Box::pin(requests::get_stats(c, body))),
    on::<Produce>(|c, body| Box::pin(requests::produce(c, body))),
    on::<CloseProducer>(|c, body| Box::pin(requests::close_producer(c, body))),
    on::<PauseProducer>(|c, body| Box::pin(requests::pause_producer(c, body))),
    on::<ResumeProducer>(|c, body| Box::pin(requests::resume_producer(c, body))),
    on::<Consume>(|c, body| Box::pin(requests::consume(c, body))),
    on::<PauseConsumer>(|c, body| Box::pin(requests::pause_consumer(c, body))),
    on::<ResumeConsumer>(|c, body| Box::pin(requests::resume_consumer(c, body))),
    on::<SetConsumerLayers>(|c, body| Box::pin(requests::set_consumer_layers(c, body))),
    on::<SetPreferredLayers>(|c, body| Box::pin(requests::set_preferred_layers(c, body))),
    on::<SetConsumerPriority>(|c, body| Box::pin(requests::set_consumer_priority(c, body))),
    on::<ProduceData>(|c, body| Box::pin(data::produce_data(c, body))),
    on::<ConsumeData>(|c, body| Box::pin(data::consume_data(c, body))),
    on::<CloseDataProducer>(|c, body| Box::pin(data::close_data_producer(c, body))),
    on::<CloseDataConsumer>(|c, body| Box::pin(data::close_data_consumer(c, body))),
];

/// An event by the name it is described under.
const fn on<T: Asked>(handler: Handler) -> (&'static str, Handler) {
    (T::NAME, handler)
}

const PING_INTERVAL: Duration = Duration::from_secs(25);
const PING_TIMEOUT: Duration = Duration::from_secs(60);
/// From opening to CONNECT, and from the probe of an upgrade to its end: what other servers allow.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(45);
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client that opted in may be away (ADD-EV-18).
pub const RESUME_WAIT: Duration = Duration::from_secs(30);
/// Largest message and largest body of a poll: a `consume` with all capabilities has some 8 KiB, 4000 characters of
/// chat at most 16 KiB. A queue full of the largest is what one client can make us keep.
const PAYLOAD_BYTES_MAX: usize = 128 * 1024;
/// Packets waiting for one slow client: a whole house entering at once fits; a client further behind is disconnected
/// and comes back to the state as it is then.
const SEND_BUFFER_PACKETS: usize = 1024;
/// How long clients may take to close after the goodbye.
const GOODBYE_MAX: Duration = Duration::from_secs(1);
/// How soon clients that were told about draining may come back.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// What sockets are served with.
#[derive(Clone)]
pub struct Services {
    pub hub: Hub,
    pub accounts: Accounts,
    pub joins: Joins,
    pub participants: Participants,
    pub presence: Presence,
    pub chat: Chat,
    pub rooms: ChatRooms,
    pub breakouts: Breakouts,
    pub media: Media,
    pub clock: Clock,
    /// What clients are told about STUN and TURN.
    pub ice_servers: Value,
}

/// All sockets of this dialect.
#[derive(Clone)]
pub struct Sockets {
    kcs: Kcs,
    server: Server,
}

impl Sockets {
    /// Starts serving; [`Sockets::server`] is put in front of a router. `resume_wait`: see [`RESUME_WAIT`].
    pub fn start(services: Services, proxies: TrustedProxies, resume_wait: Duration) -> Self {
        let outlet = Arc::new(SocketOutlet::new(services.ice_servers.clone()));
        let outlet_id = services.hub.add_outlet(outlet.clone());
        let (away, stopping) = (Mutex::default(), AtomicBool::new(false));
        let services = Arc::new(services);
        let kcs = Kcs(Arc::new(Inner { services, outlet, outlet_id, away, stopping, resume_wait }));
        let config = Config {
            ping_interval: PING_INTERVAL,
            ping_timeout: PING_TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            upgrade_timeout: UPGRADE_TIMEOUT,
            goodbye_timeout: GOODBYE_MAX,
            payload_max: PAYLOAD_BYTES_MAX,
            queue_max: SEND_BUFFER_PACKETS,
        };
        let server = Server::start(config, proxies, Arc::new(kcs.clone()));
        let (hub, clock, sockets) = (kcs.hub().clone(), kcs.0.services.clock.clone(), Arc::downgrade(&kcs.0));
        let expired = move |now_s| Some(sockets.upgrade()?.outlet.expired(now_s));
        tokio::spawn(expiry::watch(hub, clock, expired));
        Self { kcs, server }
    }

    /// What answers below `/socket.io/`.
    pub fn server(&self) -> Server {
        self.server.clone()
    }

    /// Tells every client that this process stops, and closes their sockets. Returns when they are closed, or
    /// have had their time.
    pub async fn drain(&self) {
        self.kcs.0.stopping.store(true, Ordering::Relaxed);
        self.kcs.hub().publish(&Audience::World, &DomainEvent::Draining { reconnect_after: RECONNECT_AFTER });
        self.server.drain(GOODBYE_MAX).await;
        // Nobody can come back to a process that is gone.
        self.kcs.outlet().lines().iter().for_each(Line::end);
    }
}

/// This dialect as an application of sockets. Cheap to clone.
#[derive(Clone)]
pub(super) struct Kcs(Arc<Inner>);

struct Inner {
    services: Arc<Services>,
    outlet: Arc<SocketOutlet>,
    outlet_id: OutletId,
    /// Clients that may resume, by the name they come back under; as many as lines that opted in.
    away: Mutex<HashMap<String, Weak<Line>>>,
    stopping: AtomicBool,
    resume_wait: Duration,
}

impl Kcs {
    pub fn outlet(&self) -> &SocketOutlet {
        &self.0.outlet
    }

    fn hub(&self) -> &Hub {
        &self.0.services.hub
    }

    pub fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Relaxed)
    }

    pub fn resume_wait(&self) -> Duration {
        self.0.resume_wait
    }

    /// A line is over.
    pub fn forget(&self, id: ConnectionId, pid: Option<&str>) {
        self.0.outlet.remove(id);
        if let Some(pid) = pid {
            self.away().remove(pid);
        }
    }

    fn away(&self) -> MutexGuard<'_, HashMap<String, Weak<Line>>> {
        self.0.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides who a socket speaks for, before it exists; the refusal's words reach the client as `connect_error`.
    async fn welcome(self, shown: Credentials) -> Result<Welcome, String> {
        let refused = |reason: DomainError| error::words(&reason).message.into_owned();
        let token = credential(&shown).ok_or_else(|| refused(DomainError::CredentialMissing))?;
        let access = self.0.services.accounts.access(&token).await.map_err(refused)?;
        let Access { actor, valid_until_s } = access;
        let says = |name: &str| shown.auth.as_ref().and_then(|auth| auth.get(name));
        if says("resume").and_then(Value::as_bool) != Some(true) {
            let begin = Box::new(move |socket| self.begin(actor, valid_until_s, socket, None));
            return Ok(Welcome { pid: None, begin });
        }
        let person = Person::of(&actor);
        if let Some(pid) = says("pid").and_then(Value::as_str) {
            let line = self.away().get(pid).and_then(Weak::upgrade).filter(|line| line.is_of(person));
            let seen = says("offset").and_then(Value::as_str);
            if let Some(line) = line {
                // An offset that is no number is one we never gave.
                let claim = match seen.map(str::parse::<u64>) {
                    None => line.claim(None),
                    Some(Ok(seen)) => line.claim(Some(seen)),
                    Some(Err(_)) => None,
                };
                if let Some(claim) = claim {
                    line.prolong(valid_until_s);
                    let begin = Box::new(move |socket| claim.go_on(socket));
                    return Ok(Welcome { pid: Some(pid.to_owned()), begin });
                }
                line.give_up();
            }
        }
        let pid = uuid::Uuid::new_v4().simple().to_string();
        let named = pid.clone();
        Ok(Welcome {
            pid: Some(pid),
            begin: Box::new(move |socket| self.begin(actor, valid_until_s, socket, Some(named))),
        })
    }

    fn begin(self, actor: Actor, valid_until_s: i64, socket: Socket, pid: Option<String>) -> Arc<dyn Peer> {
        let id = self.hub().next_id();
        let line =
            Line::new(id, (Person::of(&actor), valid_until_s), self.clone(), socket.clone(), pid.clone());
        if let Some(pid) = pid {
            self.away().insert(pid, Arc::downgrade(&line));
        }
        self.0.outlet.add(line.clone());
        self.0.services.presence.connected(id, self.0.outlet_id, &actor);
        let current = self.0.services.accounts.is_current(&actor);
        let connection = Connection::new(actor, line.clone(), self.0.services.clone());
        line.begin(Box::new(connection));
        if !current {
            self.hub().deliver(&DomainEvent::AccessEnded(AccessEnd::Revoked), &[id]);
        }
        Arc::new(Attached { line, socket })
    }
}

impl Application for Kcs {
    fn connect(&self, credentials: Credentials) -> BoxFuture<'static, Result<Welcome, String>> {
        Box::pin(self.clone().welcome(credentials))
    }
}

/// The token: in the handshake's auth, else as bearer, else in the address (C-14).
fn credential(shown: &Credentials) -> Option<String> {
    let given = shown.auth.as_ref().and_then(|auth| auth.get("token")).and_then(Value::as_str);
    let named = given.map(|token| token.strip_prefix("Bearer ").unwrap_or(token));
    let token = named.or(shown.bearer.as_deref()).or(shown.query.as_deref())?;
    (!token.is_empty()).then(|| token.to_owned())
}

/// Who serves the event of this name; `None` for names we do not know, which are ignored.
pub(super) fn handler(name: &str) -> Option<(&'static str, Handler)> {
    EVENTS.iter().find(|(known, _)| *known == name).copied()
}
