//! Builds every component once, runs them, and stops them in order.

mod data_dir;
mod first_accounts;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Layer;
use tower_http::catch_panic::CatchPanicLayer;

use crate::config::{Config, LivekitConfig};
use crate::dialect::kcs::socket::{self, Sockets};
use crate::dialect::v1::pulse::Rhythm;
use crate::dialect::{self, Dialect, rest, v1};
use crate::domain::account::Account;
use crate::domain::error::DomainError;
use crate::domain::session::LeaveReason;
use crate::fleet::{Fleet, FleetConfig, FleetError, Timing};
use crate::http::health::{Health, Probe};
use crate::http::listen::{self, BindError};
use crate::http::peer::TrustedProxies;
use crate::http::refusal::Refusal;
use crate::http::{headers, health, observe, series, web};
use crate::hub::Hub;
use crate::jobs;
use crate::live::{self, Live};
use crate::outbound::mail::Mailer;
use crate::outbound::webhook::{Resolver, Sender, SystemResolver};
use crate::service::accounts::{Accounts, NewAccount};
use crate::service::admissions::Admissions;
use crate::service::attachments::Attachments;
use crate::service::audit::Audit;
use crate::service::breakouts::Breakouts;
use crate::service::chat::Chat;
use crate::service::chat_rooms::{self, ChatRooms};
use crate::service::clock::Clock;
use crate::service::join::{self, Joins};
use crate::service::limits::Limits;
use crate::service::live_side::LiveSide;
use crate::service::livekit::{self, Livekit};
use crate::service::mail::Mail;
use crate::service::media::Media;
use crate::service::meetings::Meetings;
use crate::service::participants::{self, Participants};
use crate::service::passwords::{HashCost, Passwords};
use crate::service::people::People;
use crate::service::presence::Presence;
use crate::service::services::Services;
use crate::service::statistics::Statistics;
use crate::service::tokens::Tokens;
use crate::service::webhooks::Webhooks;
use crate::socketio;
use crate::store::{OpenError, Store};
use crate::supervisor::{Supervisor, SupervisorError};
use crate::telemetry;

pub use data_dir::DataDirError;
pub use first_accounts::demo_lines;

/// How long clients may take to hear that we stop and to close, with what is written down about it.
const CLIENTS_MAX: Duration = Duration::from_secs(5);
/// How long of that a job may take to finish what it is at, after the listeners have finished theirs. A mail that is cut
/// off is sent again by whoever runs next.
const JOBS_MAX: Duration = Duration::from_secs(1);
/// How long of that writing down who left may take; without it the next start closes those sessions.
const GOODBYES_MAX: Duration = Duration::from_secs(2);
/// How long the link and the database may take after that; the media node's own time is its supervisor's affair.
const CLOSE_MAX: Duration = Duration::from_secs(4);

/// What tests replace.
pub struct Parts {
    pub clock: Clock,
    pub hash_cost: HashCost,
    /// Create the demo accounts if there are none.
    pub demo: bool,
    /// Run a media node of our own.
    pub supervise: bool,
    pub fleet_timing: Timing,
    /// How long a lost socket of a client that can resume is awaited.
    pub resume_wait: Duration,
    /// How raw WebSockets are kept alive.
    pub rhythm: Rhythm,
    /// How often the media of running meetings is measured.
    pub sample_every: Duration,
    /// Who knows the addresses of webhooks' names.
    pub resolver: Arc<dyn Resolver>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            hash_cost: HashCost::Full,
            demo: false,
            supervise: true,
            fleet_timing: Timing::default(),
            resume_wait: socket::RESUME_WAIT,
            rhythm: Rhythm::default(),
            sample_every: live::SAMPLED_EVERY,
            resolver: Arc::new(SystemResolver),
        }
    }
}

/// Why the process cannot start; every text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Database(#[from] OpenError),
    #[error(transparent)]
    Link(#[from] FleetError),
    #[error(transparent)]
    Supervisor(#[from] SupervisorError),
    #[error("{0}: {1}")]
    Setting(&'static str, String),
    #[error("{0}")]
    FirstAccounts(String),
    #[error("cannot prepare the database: {0}")]
    Prepare(DomainError),
    #[error("DATA_DIR: cannot make the folder for attachments: {0}")]
    Files(std::io::Error),
}

/// A control plane.
pub struct App {
    pub services: Services,
    pub store: Store,
    router: Router,
    state: Arc<State>,
    sockets: Sockets,
    supervisor: Option<Supervisor>,
    stop: CancellationToken,
    /// Whether this is a demonstration that has its accounts.
    pub demo_accounts: bool,
    /// Held for as long as the process uses the data directory.
    _lock: data_dir::Lock,
}

/// What health answers look at.
struct State {
    store: Store,
    fleet: Fleet,
    hub: Hub,
    live: Live,
    draining: AtomicBool,
}

impl Probe for State {
    fn database_trouble(&self) -> BoxFuture<'_, Option<&'static str>> {
        Box::pin(self.store.trouble())
    }

    fn media(&self) -> bool {
        self.fleet.is_ready()
    }

    fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    fn connections(&self) -> usize {
        self.hub.connections()
    }

    fn meetings(&self) -> usize {
        self.live.running()
    }
}

impl App {
    /// Opens the data directory and the database, creates first accounts and builds every service.
    pub async fn build(config: &Config, parts: Parts) -> Result<Self, StartError> {
        let lock = data_dir::open(&config.data_dir)?;
        let secret = match &config.jwt_secret {
            Some(secret) => secret.clone(),
            None => data_dir::secret(&config.data_dir.join("jwt_secret"))?,
        };
        let store = open_store(config).await?;
        let closed = store
            .close_all_sessions(parts.clock.now(), LeaveReason::Disconnected)
            .await
            .map_err(StartError::Prepare)?;
        if closed > 0 {
            tracing::info!(closed, "sessions that an earlier run left open were closed");
        }
        let listen = config.link_address.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let link = FleetConfig { data_dir: config.data_dir.clone(), listen, timing: parts.fleet_timing };
        let (fleet, media_events) = Fleet::start(link)?;
        let hub = Hub::default();
        let running = live::Parts {
            hub: hub.clone(),
            fleet: fleet.clone(),
            store: store.clone(),
            clock: parts.clock.clone(),
            ice_servers: config.ice_servers.clone(),
        };
        let live = Live::start(running, parts.sample_every, media_events);
        let tokens = Tokens::new(secret.expose().as_bytes(), config.jwt_expires_hours);
        let rooms = rooms(&store, &live, &hub, config, &parts);
        let files = files(&store, &rooms, config, &parts).await?;
        let planes = (&fleet, &hub);
        let wrong = |(name, problem)| StartError::Setting(name, problem);
        let mailer = Mailer::new(&config.mail).map_err(wrong)?;
        let audit = Audit::new(store.clone(), parts.clock.clone());
        let mail = Mail::new(store.clone(), parts.clock.clone(), Arc::new(mailer), audit.clone());
        let webhooks = webhooks(&store, config, &parts).await?;
        let breakouts =
            Breakouts::new(live.clone(), store.clone(), rooms.clone(), audit, parts.clock.clone());
        let livekit = config.livekit.clone();
        let built = Built { rooms, files, mail, webhooks, breakouts, livekit };
        let services =
            services(&store, tokens, &parts, planes, &live, built).await.map_err(StartError::Prepare)?;
        first_accounts::create(&services.accounts, config, parts.demo).await?;
        let demo_accounts =
            parts.demo && first_accounts::demo_exists(&store).await.map_err(StartError::Prepare)?;
        let realtime = realtime(&services, &hub, config.ice_servers.clone());
        let sockets =
            Sockets::start(realtime, TrustedProxies::new(config.trusted_proxies.clone()), parts.resume_wait);
        // Whoever drains tells these as well: it is the hub that everybody hears.
        let raw = v1::socket::Sockets::start(services.clone(), hub.clone(), parts.rhythm);
        let supervisor =
            parts.supervise.then(|| Supervisor::start(fleet.clone(), &config.data_dir)).transpose()?;
        let draining = AtomicBool::new(false);
        let state = Arc::new(State { store: store.clone(), fleet, hub, live, draining });
        // Outermost, since pages of other origins may use the sockets' polling transport too.
        let router = router(&services, raw.routes(), state.clone(), config)
            .layer(from_fn_with_state(sockets.server(), socketio::intercept))
            .layer(from_fn(headers::security))
            .layer(headers::cors(&config.origins));
        let stop = CancellationToken::new();
        Ok(Self { services, store, router, state, sockets, supervisor, stop, demo_accounts, _lock: lock })
    }

    /// Adds one account to the configured database and stops. The directory need not be free: a running server and
    /// this share the database.
    pub async fn add_account(config: &Config, parts: Parts, new: NewAccount) -> Result<Account, StartError> {
        data_dir::make(&config.data_dir)?;
        let store = open_store(config).await?;
        // Tokens are not issued here, so any secret does.
        let tokens = Tokens::new(&[], config.jwt_expires_hours);
        let audit = Audit::new(store.clone(), parts.clock.clone());
        let passwords = Passwords::new(parts.hash_cost);
        let accounts =
            Accounts::new(store.clone(), passwords, tokens, audit, parts.clock.clone(), Hub::default())
                .await
                .map_err(StartError::Prepare)?;
        let added = accounts.add(new).await;
        store.close().await;
        added.map_err(|error| StartError::FirstAccounts(error.to_string()))
    }

    /// The front door, for tests that need no socket.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Where media nodes dial in.
    pub fn link_address(&self) -> SocketAddr {
        self.state.fleet.address()
    }

    /// Whether a media node is registered.
    pub fn media_ready(&self) -> bool {
        self.state.fleet.is_ready()
    }

    /// Serves the listeners and does the periodic work until [`App::shutdown`].
    pub async fn serve(&self, listeners: Vec<TcpListener>) {
        let upkeep = tokio::spawn(telemetry::upkeep());
        let jobs_stop = self.stop.child_token();
        let mut jobs = jobs::start(&self.services, &jobs_stop);
        listen::serve(listeners, self.router(), self.stop.clone()).await;
        // They were told to stop together with the listeners, and have had their time.
        jobs_stop.cancel();
        let _ = tokio::time::timeout(JOBS_MAX, futures_util::future::join_all(&mut jobs)).await;
        jobs.iter().for_each(tokio::task::JoinHandle::abort);
        upkeep.abort();
    }

    /// Stops in order: no new work, clients told, connections closed, the media node stopped, database written back.
    /// Says whether everything was done in time. Slow clients cost [`CLIENTS_MAX`] and no more, and then the media
    /// node is stopped all the same: nothing of ours is left running.
    pub async fn shutdown(&self, serving: impl Future<Output = ()>) -> bool {
        self.state.draining.store(true, Ordering::Relaxed);
        let goodbyes = async {
            self.sockets.drain().await;
            self.stop.cancel();
            serving.await;
            if tokio::time::timeout(GOODBYES_MAX, self.wait_for_goodbyes()).await.is_err() {
                tracing::warn!(
                    "not everybody's leaving was written down; the next start closes those sessions"
                );
            }
        };
        let said = tokio::time::timeout(CLIENTS_MAX, goodbyes).await.is_ok();
        if let Some(supervisor) = &self.supervisor {
            supervisor.stop().await;
        }
        let closing = async {
            self.state.fleet.stop().await;
            self.state.live.flush().await;
            self.store.close().await;
        };
        tokio::time::timeout(CLOSE_MAX, closing).await.is_ok() && said
    }

    /// Sockets are closed; what their people leave behind in the database is being written.
    async fn wait_for_goodbyes(&self) {
        while self.state.hub.connections() > 0 || self.state.live.unwritten() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// What sockets are served with.
fn realtime(services: &Services, hub: &Hub, ice_servers: serde_json::Value) -> socket::Services {
    let Services { accounts, joins, participants, presence, chat, rooms, breakouts, media, clock, .. } =
        services.clone();
    socket::Services {
        hub: hub.clone(),
        accounts,
        joins,
        participants,
        presence,
        chat,
        rooms,
        breakouts,
        media,
        clock,
        ice_servers,
    }
}

fn rooms(store: &Store, live: &Live, hub: &Hub, config: &Config, parts: &Parts) -> ChatRooms {
    ChatRooms::new(chat_rooms::Parts {
        store: store.clone(),
        live: live.clone(),
        hub: hub.clone(),
        limits: Limits::new(config.rate_limits, parts.clock.clone()),
        audit: Audit::new(store.clone(), parts.clock.clone()),
        clock: parts.clock.clone(),
    })
}

async fn files(
    store: &Store,
    rooms: &ChatRooms,
    config: &Config,
    parts: &Parts,
) -> Result<Attachments, StartError> {
    let (directory, bounds) = (config.data_dir.join("files"), config.attachments.clone());
    let opened = Attachments::open(directory, bounds, store.clone(), rooms.clone(), parts.clock.clone());
    opened.await.map_err(StartError::Files)
}

async fn webhooks(store: &Store, config: &Config, parts: &Parts) -> Result<Webhooks, StartError> {
    let wrong = |(name, problem)| StartError::Setting(name, problem);
    let configured = config.webhooks.configured().map_err(wrong)?;
    let sender = Sender::new(&config.webhooks, parts.resolver.clone(), v1::webhook::body).map_err(wrong)?;
    let webhooks = Webhooks::new(store.clone(), parts.clock.clone(), Arc::new(sender), &configured);
    webhooks.await.map_err(StartError::Prepare)
}

async fn open_store(config: &Config) -> Result<Store, OpenError> {
    match &config.database_url {
        Some(url) => Store::open(url).await,
        None => Store::open_file(&config.data_dir.join("plenum.db")).await,
    }
}

/// Opens `PORT` and every port of `EXTRA_PORTS`.
pub async fn bind(config: &Config) -> Result<Vec<TcpListener>, StartError> {
    let mut listeners = Vec::new();
    for port in std::iter::once(&config.port).chain(&config.extra_ports) {
        listeners.push(listen::bind(config.host, *port).await?);
    }
    Ok(listeners)
}

/// Where the first listener listens.
pub fn address(listeners: &[TcpListener]) -> Option<SocketAddr> {
    listeners.first().and_then(|listener| listener.local_addr().ok())
}

/// Services that stand before the others.
struct Built {
    rooms: ChatRooms,
    files: Attachments,
    mail: Mail,
    webhooks: Webhooks,
    breakouts: Breakouts,
    livekit: LivekitConfig,
}

async fn services(
    store: &Store,
    tokens: Tokens,
    parts: &Parts,
    (fleet, hub): (&Fleet, &Hub),
    running: &Live,
    Built { rooms, files, mail, webhooks, breakouts, livekit }: Built,
) -> Result<Services, DomainError> {
    let clock = parts.clock.clone();
    let passwords = Passwords::new(parts.hash_cost);
    let audit = Audit::new(store.clone(), clock.clone());
    let live: Arc<dyn LiveSide> = Arc::new(running.clone());
    let limits = rooms.limits().clone();
    let admissions = Admissions::new(store.clone(), passwords.clone(), audit.clone());
    let joins = Joins::new(join::Parts {
        live: running.clone(),
        hub: hub.clone(),
        admissions: admissions.clone(),
        audit: audit.clone(),
        limits: limits.clone(),
        clock: clock.clone(),
    });
    let livekit = Livekit::new(
        &livekit,
        livekit::Parts {
            store: store.clone(),
            live: running.clone(),
            admissions: admissions.clone(),
            audit: audit.clone(),
            clock: clock.clone(),
        },
    );
    let participants = Participants::new(participants::Parts {
        live: running.clone(),
        store: store.clone(),
        hub: hub.clone(),
        limits: limits.clone(),
        audit: audit.clone(),
        clock: clock.clone(),
    });
    let meetings =
        Meetings::new(store.clone(), passwords.clone(), audit.clone(), clock.clone(), live.clone());
    let statistics =
        Statistics::new(meetings.clone(), store.clone(), live.clone(), fleet.clone(), clock.clone());
    Ok(Services {
        accounts: Accounts::new(
            store.clone(),
            passwords.clone(),
            tokens,
            audit.clone(),
            clock.clone(),
            hub.clone(),
        )
        .await?,
        people: People::new(store.clone(), audit.clone(), clock.clone(), live.clone()),
        presence: Presence::new(hub.clone(), rooms.clone(), clock.clone()),
        meetings,
        statistics,
        mail,
        webhooks,
        admissions,
        livekit,
        joins,
        participants,
        chat: Chat::new(running.clone(), store.clone(), rooms.clone(), clock.clone()),
        media: Media::new(running.clone(), store.clone(), limits.clone()),
        audit,
        limits,
        rooms,
        files,
        breakouts,
        live,
        clock,
    })
}

fn router(services: &Services, raw_sockets: Router, state: Arc<State>, config: &Config) -> Router {
    telemetry::start_metrics();
    let health = Health { probe: state, metrics: telemetry::page, started: Instant::now() };
    let proxies = TrustedProxies::new(config.trusted_proxies.clone());
    let routes = Router::new()
        .merge(rest::routes(services.clone(), proxies))
        .merge(raw_sockets)
        .merge(health::routes(health))
        .merge(series::routes(services.meetings.clone()))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(services.clock.clone(), dialect::worded))
        .layer(from_fn(observe::observe));
    // Before routing, so that `/api/meeting/` finds the routes of `/api/meeting` (C-70).
    let trimmed = tower::util::MapRequestLayer::new(without_trailing_slash).layer(routes);
    Router::new().fallback_service(trimmed)
}

/// No route has this path: a dialect's envelope below its prefix, else the web client.
async fn unknown_route(request: Request) -> Response {
    let path = request.uri().path();
    match Dialect::of_path(path) {
        Some(_) if WITHOUT_ID.iter().any(|start| path.starts_with(start)) => {
            Refusal::from(DomainError::MeetingIdMissing).into_response()
        }
        Some(_) => Refusal::UnknownRoute.into_response(),
        None => web::serve(request.method(), request.uri(), request.headers()),
    }
}

/// How paths begin that leave the id of a meeting out.
const WITHOUT_ID: [&str; 2] = ["/api/meeting//", "/api/v1/meetings//"];

async fn wrong_method() -> Refusal {
    Refusal::WrongMethod
}

/// A bug of ours ends one request and nothing else.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    metrics::counter!("plenum_http_panics_total").increment(1);
    Refusal::from(DomainError::Internal).into_response()
}

fn without_trailing_slash(mut request: Request) -> Request {
    let path = request.uri().path();
    if !path.starts_with("/api/") || !path.ends_with('/') || path.ends_with("//") {
        return request;
    }
    let path = path.trim_end_matches('/');
    let path = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    if let Ok(uri) = path.parse() {
        *request.uri_mut() = uri;
    }
    request
}
