//! Janus with its VideoRoom over WebSocket: sessions described in SDP.
//!
//! ICE-lite, as the others; connections share a few threads (`event_loops`) instead of each having its own, which is much
//! cheaper than what is installed; no plugin but VideoRoom; no bound on what publishers send. Everything else as it comes.

mod api;
mod config;
mod sdp;

use crate::server::{Contender, Paused, Sent, VersusError, View};
use crate::settings::Settings;
use api::{Api, Asked};
use plenum_loadtest::light::{Announced, Server, Stream};
use sdp::{Description, Medium};
use serde_json::{Value, json};
use std::{net::Ipv4Addr, process::Stdio};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const ROOM: u64 = 1;

/// See the module.
pub struct Janus {
    child: Child,
    /// Holds the configuration.
    _directory: TempDir,
    api: Api,
    /// Feeds: what Janus calls a publisher.
    feeds: Vec<u64>,
    description: String,
}

impl Janus {
    pub async fn start(settings: &Settings, host: Ipv4Addr) -> Result<Self, VersusError> {
        let directory = tempfile::tempdir()?;
        let port = config::write(directory.path(), settings, host)?;
        let program = &settings.janus_program;
        let child = Command::new(program)
            .arg("--configs-folder")
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| VersusError::Start { program: program.display().to_string(), error })?;
        let mut api = Api::connect(port).await?;
        let about = api.ask(Asked::Server { janus: "info" }).await?;
        let version = about["version_string"].as_str().unwrap_or("of unknown version").to_owned();
        let description = format!("Janus {version}, VideoRoom, event_loops = {}", settings.janus_loops);
        api.begin_session().await?;
        let mut janus = Self { child, _directory: directory, api, feeds: Vec::new(), description };
        let handle = janus.api.attach().await?;
        let room =
            json!({ "request": "create", "room": ROOM, "publishers": 64, "bitrate": 0, "videocodec": "vp8" });
        janus.message(handle, room, None).await?;
        Ok(janus)
    }

    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    pub fn description(&self) -> &str {
        &self.description
    }

    pub fn transport_wide(&self) -> u8 {
        sdp::TRANSPORT_WIDE
    }

    pub async fn publish(&mut self, member: &Announced, tracks: &[Sent]) -> Result<Server, VersusError> {
        let handle = self.api.attach().await?;
        let join = json!({ "request": "join", "ptype": "publisher", "room": ROOM });
        let joined = self.message(handle, join, None).await?;
        let feed = joined["plugindata"]["data"]["id"].as_u64();
        let offer = sdp::offer(member, tracks);
        let publish = json!({ "request": "publish" });
        let published = self.message(handle, publish, Some(("offer", offer))).await?;
        let answer = described(&published)?;
        self.feeds.push(feed.ok_or_else(|| refused("join", "no id"))?);
        reached(&answer)
    }

    pub async fn view(&mut self, member: &Announced) -> Result<View, VersusError> {
        let handle = self.api.attach().await?;
        let feeds: Vec<Value> = self.feeds.iter().map(|feed| json!({ "feed": feed })).collect();
        let join = json!({ "request": "join", "ptype": "subscriber", "room": ROOM, "streams": feeds });
        let attached = self.message(handle, join, None).await?;
        let offer = described(&attached)?;
        let streams: Option<Vec<Stream>> = offer.media.iter().map(Medium::stream).collect();
        let answer = sdp::answer(member, &offer);
        self.message(handle, json!({ "request": "start" }), Some(("answer", answer))).await?;
        let streams = streams.ok_or_else(|| refused("join", "a medium without SSRC"))?;
        Ok(View { server: reached(&offer)?, streams, paused: Paused::Nothing })
    }

    /// Asks the plugin; its refusals are errors.
    async fn message(
        &mut self,
        handle: u64,
        body: Value,
        jsep: Option<(&str, String)>,
    ) -> Result<Value, VersusError> {
        let request = body["request"].to_string();
        let jsep = jsep.map(|(kind, sdp)| json!({ "type": kind, "sdp": sdp, "trickle": false }));
        let answer = self.api.ask(Asked::Plugin { handle, body, jsep }).await?;
        match answer["plugindata"]["data"].get("error") {
            Some(error) => Err(refused(&request, &error.to_string())),
            None => Ok(answer),
        }
    }
}

fn described(answer: &Value) -> Result<Description, VersusError> {
    let sdp = answer["jsep"]["sdp"].as_str();
    sdp.and_then(sdp::read).ok_or_else(|| refused("a description", &answer.to_string()))
}

fn reached(description: &Description) -> Result<Server, VersusError> {
    let server = description.server();
    server.ok_or_else(|| refused("a description", "no candidate for UDP, or no credentials"))
}

fn refused(request: &str, answer: &str) -> VersusError {
    let (request, answer) = (request.to_owned(), answer.to_owned());
    VersusError::Refused { server: Contender::Janus, request, answer }
}
