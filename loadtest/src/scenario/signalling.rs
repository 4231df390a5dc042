//! The control plane without media: sockets held, meetings joined and left, chat fanned out.

use super::{ProductSettings, ScenarioError, venue::sign_in};
use crate::{
    histogram::Histogram,
    report::Spread,
    signal::{
        SignalError,
        rest::{Account, Rest},
        socketio::{ServerEvent, SocketIo},
    },
};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    fmt,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, time::timeout};

/// See the module.
#[derive(Clone, Debug)]
pub struct SignallingSettings {
    pub product: ProductSettings,
    /// All in one meeting.
    pub sockets: usize,
    /// Chat messages sent by each socket, one after the other.
    pub messages: usize,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct SignallingReport {
    pub sockets: usize,
    /// `join-meeting` to its answer.
    pub join: Spread,
    /// `send-message` to its own `new-message` at each receiver.
    pub fan_out: Spread,
    pub leave: Spread,
    pub messages_sent: u64,
    pub deliveries_expected: u64,
    pub deliveries: u64,
    pub deliveries_per_second: f64,
    pub problems: Vec<String>,
}

struct Member {
    socket: SocketIo,
    events: mpsc::Receiver<ServerEvent>,
}

/// Begins our messages; the time of sending follows.
const MARK: &str = "load ";
/// Longest silence while messages are still due.
const SILENCE_MAX: Duration = Duration::from_secs(5);
const JOINING_AT_ONCE: usize = 8;

/// Opens the sockets, joins, chats, leaves.
///
/// # Errors
/// A server that refuses the set-up.
pub async fn signalling(settings: &SignallingSettings) -> Result<SignallingReport, ScenarioError> {
    let rest = Rest::new(&settings.product.url)?;
    let people = sign_in(&rest, &settings.product, settings.sockets).await?;
    let host =
        people.first().cloned().ok_or_else(|| ScenarioError::NobodyIn("no sockets asked for".into()))?;
    let users: Vec<String> = people.iter().map(|account| account.user_id.clone()).collect();
    let meeting = rest.create_meeting(&host, &users, users.len().max(2) * 2).await?;
    rest.start_meeting(&host, &meeting).await?;

    let mut report = SignallingReport { sockets: people.len(), ..SignallingReport::default() };
    let (mut joins, mut leaves) = (Histogram::default(), Histogram::default());
    let mut members = Vec::new();
    let joining = stream::iter(&people).map(|person| join(rest.base(), person, &meeting));
    let outcomes: Vec<_> = joining.buffered(JOINING_AT_ONCE).collect().await;
    for outcome in outcomes {
        match outcome {
            Ok((member, took)) => {
                joins.record(took.as_nanos() as u64);
                members.push(member);
            }
            Err(error) => report.problems.push(error.to_string()),
        }
    }
    chat(&mut members, &meeting, settings.messages, &mut report).await;
    for member in &members {
        let asked_at = Instant::now();
        match member.socket.request("leave-meeting", json!({ "meetingId": meeting })).await {
            Ok(_) => leaves.record(asked_at.elapsed().as_nanos() as u64),
            Err(error) => report.problems.push(error.to_string()),
        }
    }
    rest.end_meeting(&host, &meeting).await?;
    (report.join, report.leave) = (Spread::of(&joins), Spread::of(&leaves));
    Ok(report)
}

async fn join(base: &str, person: &Account, meeting: &str) -> Result<(Member, Duration), SignalError> {
    let (socket, events) = SocketIo::connect(base, &person.token).await?;
    let asked_at = Instant::now();
    let answer = socket.request("join-meeting", json!({ "meetingId": meeting })).await?;
    if answer.get("success").and_then(Value::as_bool) != Some(true) {
        return Err(SignalError::Refused { request: "join-meeting".into(), message: answer.to_string() });
    }
    Ok((Member { socket, events }, asked_at.elapsed()))
}

/// Everybody speaks in turn; everybody must hear everything, themselves too.
async fn chat(members: &mut [Member], meeting: &str, rounds: usize, report: &mut SignallingReport) {
    let clock = Instant::now();
    let fan_out = std::sync::Mutex::new(Histogram::default());
    let due_each = (rounds * members.len()) as u64;
    let sockets: Vec<SocketIo> = members.iter().map(|member| member.socket.clone()).collect();
    let speak = async {
        let mut sent = 0_u64;
        for _ in 0..rounds {
            for socket in &sockets {
                let message = format!("{MARK}{}", clock.elapsed().as_nanos());
                let payload = json!({ "meetingId": meeting, "message": message });
                sent += u64::from(socket.emit("send-message", payload).await.is_ok());
            }
        }
        sent
    };
    let listen = futures_util::future::join_all(
        members.iter_mut().map(|member| hear(member, due_each, clock, &fan_out)),
    );
    let (sent, heard) = tokio::join!(speak, listen);
    report.messages_sent = sent;
    report.deliveries_expected = due_each * sockets.len() as u64;
    report.deliveries = heard.iter().sum();
    report.deliveries_per_second = report.deliveries as f64 / clock.elapsed().as_secs_f64();
    report.fan_out = Spread::of(&fan_out.lock().expect("nobody panics while holding it"));
    if report.deliveries != report.deliveries_expected {
        report.problems.push(format!("{} deliveries of {}", report.deliveries, report.deliveries_expected));
    }
}

async fn hear(member: &mut Member, due: u64, clock: Instant, fan_out: &std::sync::Mutex<Histogram>) -> u64 {
    let mut heard = 0;
    while heard < due {
        let Ok(Some(event)) = timeout(SILENCE_MAX, member.events.recv()).await else { break };
        if let Some(sent_at) = said_at_ns(&event) {
            let at = event.at.saturating_duration_since(clock).as_nanos() as u64;
            fan_out.lock().expect("nobody panics while holding it").record(at.saturating_sub(sent_at));
            heard += 1;
        }
    }
    heard
}

/// When a chat message of ours was sent; `None` for every other event.
fn said_at_ns(event: &ServerEvent) -> Option<u64> {
    let text = event.payload.pointer("/message/message").filter(|_| event.name == "new-message")?;
    text.as_str()?.strip_prefix(MARK)?.parse().ok()
}

impl SignallingReport {
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for SignallingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} sockets", self.sockets)?;
        writeln!(f, "join           {}", self.join)?;
        writeln!(f, "leave          {}", self.leave)?;
        writeln!(f, "chat fan-out   {}", self.fan_out)?;
        writeln!(
            f,
            "deliveries     {} of {}, {:.0} a second",
            self.deliveries, self.deliveries_expected, self.deliveries_per_second
        )?;
        for problem in &self.problems {
            writeln!(f, "problem        {problem}")?;
        }
        write!(f, "result         {}", if self.is_good() { "good" } else { "BAD" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, payload: Value) -> Option<u64> {
        said_at_ns(&ServerEvent { name: name.into(), payload, at: Instant::now() })
    }

    #[test]
    fn a_chat_message_of_ours_says_when_it_was_sent() {
        let payload = json!({ "message": { "id": "1", "message": "load 77", "recipientType": "all" } });
        assert_eq!(said("new-message", payload.clone()), Some(77));
        assert_eq!(said("another-event", payload), None);
        assert_eq!(said("new-message", json!({ "message": { "message": "hello" } })), None);
        assert_eq!(said("new-message", json!({ "message": "load 77" })), None);
    }
}
