//! mediasoup: one worker and one router behind its own Node.js API, asked over the standard streams (`mediasoup.mjs`).
//!
//! One port for everybody (a `WebRtcServer`), UDP only, large socket buffers; everything else as it comes.

use crate::server::{Contender, Paused, Sent, VersusError, View, dtls_of, reached_at, stream_of};
use crate::settings::Settings;
use plenum_loadtest::light::{Announced, Server};
use plenum_shared::{
    media::Kind,
    rtp::{RtpCapabilities, RtpParameters, uri},
    transport::{DtlsParameters, IceCandidate, IceParameters},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{net::Ipv4Addr, path::PathBuf, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

const SCRIPT: &str = include_str!("mediasoup.mjs");
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// See the module.
pub struct Mediasoup {
    child: Child,
    /// Holds the script.
    _directory: TempDir,
    asks: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    producers: Vec<String>,
    description: String,
    transport_wide: u8,
}

#[derive(Deserialize)]
struct About {
    version: String,
    capabilities: RtpCapabilities,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transport {
    id: String,
    ice_parameters: IceParameters,
    ice_candidates: Vec<IceCandidate>,
    dtls_parameters: DtlsParameters,
}

#[derive(Deserialize)]
struct Produced {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consumed {
    id: String,
    kind: Kind,
    rtp_parameters: RtpParameters,
}

impl Mediasoup {
    pub async fn start(settings: &Settings, host: Ipv4Addr) -> Result<Self, VersusError> {
        let directory = tempfile::tempdir()?;
        let script = directory.path().join("mediasoup.mjs");
        std::fs::write(&script, SCRIPT)?;
        let installed =
            std::path::absolute(settings.mediasoup.clone().unwrap_or_else(|| PathBuf::from(".")))?;
        let mut child = Command::new(&settings.node)
            .arg(&script)
            .arg(&installed)
            .arg(host.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| VersusError::Start { program: settings.node.display().to_string(), error })?;
        let streams = child.stdin.take().zip(child.stdout.take());
        let (asks, answers) = streams.ok_or_else(|| refused("about", "no standard streams"))?;
        let answers = BufReader::new(answers).lines();
        let mut this = Self {
            child,
            _directory: directory,
            asks,
            answers,
            producers: Vec::new(),
            description: String::new(),
            transport_wide: 0,
        };
        let about: About = this.ask("about", Value::Null).await?;
        this.description = format!("mediasoup {}, one worker, one WebRtcServer", about.version);
        let numbered =
            about.capabilities.header_extensions.iter().find(|it| it.uri == uri::TRANSPORT_WIDE_CC);
        this.transport_wide =
            numbered.ok_or_else(|| refused("about", "no transport-wide numbers"))?.preferred_id;
        Ok(this)
    }

    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    pub fn description(&self) -> &str {
        &self.description
    }

    pub fn transport_wide(&self) -> u8 {
        self.transport_wide
    }

    pub async fn publish(&mut self, member: &Announced, tracks: &[Sent]) -> Result<Server, VersusError> {
        let transport = self.transport(member).await?;
        for Sent { kind, announcement } in tracks {
            let rtp_parameters = &announcement.parameters;
            let asked = json!({ "transport": transport.id, "kind": kind, "rtpParameters": rtp_parameters });
            let Produced { id } = self.ask("produce", asked).await?;
            self.producers.push(id);
        }
        reached(transport)
    }

    pub async fn view(&mut self, member: &Announced) -> Result<View, VersusError> {
        let transport = self.transport(member).await?;
        let (mut streams, mut consumers) = (Vec::new(), Vec::new());
        for producer in self.producers.clone() {
            let asked = json!({ "transport": transport.id, "producer": producer });
            let Consumed { id, kind, rtp_parameters } = self.ask("consume", asked).await?;
            streams.push(stream_of(kind, &rtp_parameters).ok_or_else(|| refused("consume", "no SSRC"))?);
            consumers.push(id);
        }
        Ok(View { server: reached(transport)?, streams, paused: Paused::Mediasoup(consumers) })
    }

    pub async fn resume(&mut self, consumers: Vec<String>) -> Result<(), VersusError> {
        for consumer in consumers {
            let _: Value = self.ask("resume", json!({ "consumer": consumer })).await?;
        }
        Ok(())
    }

    async fn transport(&mut self, member: &Announced) -> Result<Transport, VersusError> {
        let transport: Transport = self.ask("transport", Value::Null).await?;
        let asked = json!({ "transport": transport.id, "dtlsParameters": dtls_of(member) });
        let _: Value = self.ask("connect", asked).await?;
        Ok(transport)
    }

    async fn ask<T: DeserializeOwned>(&mut self, method: &str, data: Value) -> Result<T, VersusError> {
        let line = format!("{}\n", json!({ "method": method, "data": data }));
        self.asks.write_all(line.as_bytes()).await?;
        let answer = timeout(ANSWER_TIMEOUT, self.answers.next_line()).await;
        let answer = answer.map_err(|_| refused(method, "no answer in time"))??;
        let mut answer: Value = serde_json::from_str(&answer.ok_or_else(|| refused(method, "it has ended"))?)
            .map_err(|error| refused(method, &error.to_string()))?;
        if let Some(error) = answer.get("error") {
            return Err(refused(method, &error.to_string()));
        }
        serde_json::from_value(answer["data"].take()).map_err(|error| refused(method, &error.to_string()))
    }
}

fn reached(transport: Transport) -> Result<Server, VersusError> {
    let Transport { ice_parameters, ice_candidates, dtls_parameters, .. } = transport;
    reached_at(ice_parameters, &ice_candidates, dtls_parameters)
        .ok_or_else(|| refused("transport", "no candidate for UDP"))
}

fn refused(request: &str, answer: &str) -> VersusError {
    let (request, answer) = (request.to_owned(), answer.to_owned());
    VersusError::Refused { server: Contender::Mediasoup, request, answer }
}
