//! Passes to LiveKit servers (V1-12, C-59): a token of theirs for whoever is admitted here, with the rights he has here.
//!
//! They are JWT as our access tokens are, and nothing else of them is alike: other keys, another algorithm, other claims.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use time::OffsetDateTime;

use crate::config::LivekitConfig;
use crate::domain::actor::Actor;
use crate::domain::admission::{Admission, Door};
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::error::DomainError;
use crate::domain::id::{MeetingId, UserId};
use crate::domain::meeting::Meeting;
use crate::domain::pass::Grants;
use crate::domain::policy::{Action, may};
use crate::live::Live;
use crate::service::admissions::{Admissions, meeting_id};
use crate::service::audit::Audit;
use crate::service::clock::Clock;
use crate::service::join::display_name;
use crate::store::Store;

/// How long a pass opens the door. Who is inside needs it no more, and whoever is put out should not come back with it;
/// so it is far below the six hours that C-59 allows.
const LIFETIME_S: i64 = 3600;

/// Makes passes.
#[derive(Clone)]
pub struct Livekit {
    server: Option<Arc<Server>>,
    parts: Parts,
}

/// What passes are made with.
#[derive(Clone)]
pub struct Parts {
    pub store: Store,
    pub live: Live,
    pub admissions: Admissions,
    pub audit: Audit,
    pub clock: Clock,
}

/// The server that passes are for.
struct Server {
    url: String,
    api_key: String,
    secret: EncodingKey,
}

/// A pass that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub meeting: String,
    /// The account it is for.
    pub user: String,
    /// The name to be shown there.
    pub name: String,
    pub password: Option<String>,
}

/// A pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    pub token: String,
    pub url: String,
    pub meeting: MeetingId,
    pub user: UserId,
    pub name: String,
    pub host: bool,
}

/// What a LiveKit server reads.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: String,
    name: &'a str,
    nbf: i64,
    exp: i64,
    video: VideoGrant,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VideoGrant {
    room: String,
    room_join: bool,
    can_publish: bool,
    can_subscribe: bool,
    can_publish_data: bool,
    can_publish_sources: Vec<&'static str>,
    room_admin: bool,
}

impl Livekit {
    /// Passes to the server of these settings; without them every pass is refused.
    pub fn new(config: &LivekitConfig, parts: Parts) -> Self {
        let server = match config {
            LivekitConfig { url: Some(url), api_key: Some(api_key), api_secret: Some(secret) } => {
                let secret = EncodingKey::from_secret(secret.expose().as_bytes());
                Some(Arc::new(Server { url: url.clone(), api_key: api_key.clone(), secret }))
            }
            LivekitConfig { url: None, api_key: None, api_secret: None } => None,
            _ => {
                tracing::warn!(
                    "of LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET only some are set: no tokens"
                );
                None
            }
        };
        Self { server, parts }
    }

    /// Makes a pass: for oneself, if one is inside or could enter now; for hosts, for everybody on the roster.
    ///
    /// # Errors
    /// Those of entering; not allowed, which includes having to wait for admission; nobody of that id; no server.
    pub async fn issue(&self, actor: &Actor, wanted: Wanted) -> Result<Pass, DomainError> {
        let name = display_name(actor, "user_name", Some(&wanted.name))?;
        let user = UserId::parse(wanted.user.trim());
        let (holder, meeting) = match actor.user_id().filter(|own| user == Some(*own)) {
            Some(_) => (actor.clone(), self.admitted(actor, &wanted).await?),
            None => self.another(actor, &wanted.meeting, user).await?,
        };
        let holder_id = holder.user_id().ok_or(DomainError::Forbidden)?;
        let grants = Grants::of(&holder, &meeting);
        let (token, url) = self.sign(holder_id, &name, meeting.id, grants)?;
        let entry = AuditEntry::granted(AuditAction::LivekitToken, actor.user_id()).to(holder_id);
        self.parts.audit.note(entry.in_meeting(meeting.id, meeting.campus.clone())).await;
        Ok(Pass { token, url, meeting: meeting.id, user: holder_id, name, host: grants.host })
    }

    /// The meeting, if the actor is inside or could enter it at once.
    async fn admitted(&self, actor: &Actor, wanted: &Wanted) -> Result<Arc<Meeting>, DomainError> {
        let Parts { live, admissions, .. } = &self.parts;
        if let (Ok(id), Some(user)) = (meeting_id(&wanted.meeting), actor.user_id()) {
            let inside = live.look(id, move |live| live.session_of(user).map(|_| live.meeting().clone()));
            if let Some(meeting) = inside.await.flatten() {
                return Ok(meeting);
            }
        }
        let attempt = admissions.attempt(actor, &wanted.meeting, wanted.password.as_deref(), Door::EnterLive);
        let attempt = attempt.await?;
        let meeting = attempt.meeting.clone();
        let person = crate::domain::participant::Person::of(actor);
        let occupancy = live.look(meeting.id, move |live| live.occupancy(person)).await.unwrap_or_default();
        let decision = match attempt.decide(actor, &meeting, occupancy) {
            Ok(Admission::Enter | Admission::StartAndEnter) => return Ok(meeting),
            // The door there has no waiting room.
            Ok(Admission::Wait | Admission::NotStarted) => DomainError::Forbidden,
            Err(refusal) => refusal,
        };
        admissions.note(actor, Some(&meeting), Some(&decision)).await;
        Err(decision)
    }

    /// Somebody else of the roster, for a host.
    async fn another(
        &self,
        actor: &Actor,
        id: &str,
        user: Option<UserId>,
    ) -> Result<(Actor, Arc<Meeting>), DomainError> {
        let store = &self.parts.store;
        let meeting = store.meeting(meeting_id(id)?).await?.ok_or(DomainError::MeetingNotFound)?;
        if let Err(refusal) = may(actor, meeting.standing(actor), Action::IssueTokens, &meeting) {
            let entry = AuditEntry::refused(AuditAction::LivekitToken, actor.user_id(), &refusal);
            self.parts.audit.note(entry.in_meeting(meeting.id, meeting.campus.clone())).await;
            return Err(refusal);
        }
        let account = match user {
            Some(user) => store.account(user).await?,
            None => None,
        };
        let holder = account.map(Actor::Account).ok_or(DomainError::ParticipantNotFound)?;
        let fits = meeting.is_creator(&holder)
            || holder.account().is_some_and(|account| meeting.settings.entry.welcomes(account));
        let takes_part = meeting.standing(&holder).is_some() && !meeting.blocks(&holder) && fits;
        if takes_part { Ok((holder, Arc::new(meeting))) } else { Err(DomainError::ParticipantNotFound) }
    }

    fn sign(
        &self,
        user: UserId,
        name: &str,
        meeting: MeetingId,
        grants: Grants,
    ) -> Result<(String, String), DomainError> {
        let server = self.server.as_ref().ok_or(DomainError::LivekitTokenFailed)?;
        let now: OffsetDateTime = self.parts.clock.now();
        let nbf = now.unix_timestamp();
        let claims = Claims {
            iss: &server.api_key,
            sub: user.to_string(),
            name,
            nbf,
            exp: nbf + LIFETIME_S,
            video: video(meeting, grants),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &server.secret);
        let token = token.map_err(|error| {
            tracing::error!(%error, "a LiveKit token could not be signed");
            DomainError::LivekitTokenFailed
        })?;
        Ok((token, server.url.clone()))
    }
}

fn video(meeting: MeetingId, grants: Grants) -> VideoGrant {
    let sources = [
        (grants.camera, "camera"),
        (grants.microphone, "microphone"),
        (grants.screen, "screen_share"),
        (grants.screen, "screen_share_audio"),
    ];
    let sources: Vec<_> = sources.into_iter().filter(|(may, _)| *may).map(|(_, source)| source).collect();
    VideoGrant {
        room: meeting.to_string(),
        room_join: true,
        // An empty list of sources would stand for all of them.
        can_publish: !sources.is_empty(),
        can_subscribe: true,
        can_publish_data: grants.messages,
        can_publish_sources: sources,
        room_admin: grants.host,
    }
}
