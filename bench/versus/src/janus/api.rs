//! The Janus API over one WebSocket: a session, a handle for everybody, answers found by their transaction.

use super::refused;
use crate::server::VersusError;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
const START_TRIES: usize = 100;
const START_PAUSE: Duration = Duration::from_millis(50);

/// See the module.
pub(super) struct Api {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: u64,
    transactions: u64,
}

/// What is asked of whom.
pub(super) enum Asked {
    Server { janus: &'static str },
    Session { janus: &'static str, plugin: &'static str },
    Plugin { handle: u64, body: Value, jsep: Option<Value> },
}

impl Api {
    /// Waits until it listens.
    pub(super) async fn connect(port: u16) -> Result<Self, VersusError> {
        let mut error = String::new();
        for _ in 0..START_TRIES {
            let mut request = format!("ws://127.0.0.1:{port}/")
                .into_client_request()
                .map_err(|error| refused("a connection", &error.to_string()))?;
            let protocol = HeaderValue::from_static("janus-protocol");
            request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
            match connect_async(request).await {
                Ok((socket, _)) => return Ok(Self { socket, session: 0, transactions: 0 }),
                Err(reason) => error = reason.to_string(),
            }
            tokio::time::sleep(START_PAUSE).await;
        }
        Err(refused("a connection", &error))
    }

    pub(super) async fn begin_session(&mut self) -> Result<(), VersusError> {
        let created = self.ask(Asked::Server { janus: "create" }).await?;
        self.session = id_of(&created)?;
        Ok(())
    }

    /// A new handle of the VideoRoom plugin.
    pub(super) async fn attach(&mut self) -> Result<u64, VersusError> {
        let attach = Asked::Session { janus: "attach", plugin: "janus.plugin.videoroom" };
        id_of(&self.ask(attach).await?)
    }

    /// Asks and waits for the answer; that it was heard is none, and neither are events of others.
    pub(super) async fn ask(&mut self, asked: Asked) -> Result<Value, VersusError> {
        self.transactions += 1;
        let transaction = self.transactions.to_string();
        let mut request = match asked {
            Asked::Server { janus } => json!({ "janus": janus }),
            Asked::Session { janus, plugin } => json!({ "janus": janus, "plugin": plugin }),
            Asked::Plugin { handle, body, jsep } => {
                let mut message = json!({ "janus": "message", "handle_id": handle, "body": body });
                if let Some(jsep) = jsep {
                    message["jsep"] = jsep;
                }
                message
            }
        };
        request["transaction"] = json!(transaction);
        if self.session != 0 {
            request["session_id"] = json!(self.session);
        }
        let text = request.to_string();
        self.socket
            .send(Message::text(text.clone()))
            .await
            .map_err(|error| refused(&text, &error.to_string()))?;
        let answer = timeout(ANSWER_TIMEOUT, self.answer(&transaction)).await;
        let answer = answer.map_err(|_| refused(&text, "no answer in time"))??;
        match answer["janus"].as_str() {
            Some("error") => Err(refused(&text, &answer["error"].to_string())),
            _ => Ok(answer),
        }
    }

    async fn answer(&mut self, transaction: &str) -> Result<Value, VersusError> {
        loop {
            let message = self.socket.next().await.ok_or_else(|| refused("an answer", "it has ended"))?;
            let message = message.map_err(|error| refused("an answer", &error.to_string()))?;
            let Message::Text(text) = message else { continue };
            let value: Value = serde_json::from_str(text.as_str())
                .map_err(|error| refused("an answer", &error.to_string()))?;
            if value["transaction"].as_str() == Some(transaction) && value["janus"] != "ack" {
                return Ok(value);
            }
        }
    }
}

fn id_of(answer: &Value) -> Result<u64, VersusError> {
    answer["data"]["id"].as_u64().ok_or_else(|| refused("an id", &answer.to_string()))
}
