//! Reads one WebSocket of a session: the probe of an upgrade, then frames until the end.

use std::sync::Arc;

use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use tokio::net::tcp::OwnedReadHalf;

use super::session::{NORMAL, Session};
use super::{Closed, packet};
use crate::http::listen::Placed;
use crate::websocket::frame::{self, Broken, Message, Reader};
use crate::websocket::{Written, open, read_piece, write};

/// The close code for words that are none of Engine.IO or Socket.IO.
const NOT_UNDERSTOOD: u16 = 1002;

/// Carries a session over the connection of an upgrade, from the beginning or from polling on.
pub(super) fn spawn(session: Arc<Session>, upgrade: OnUpgrade, probe: bool) {
    tokio::spawn(async move {
        let opened = open(upgrade).await;
        let Some((accepted, rest)) = opened else {
            if !probe {
                session.close(Closed::Lost);
            }
            return;
        };
        let (read, placed) = accepted.split();
        let placed = Arc::new(placed);
        if probe {
            tokio::spawn(probed(session, read, placed, rest));
        } else if session.carry(placed) {
            let mut reader = Reader::new(session.message_max());
            let _ = take(&session, &mut reader, &mut rest.to_vec());
            // A task of its own: this one's memory was made for the handshake.
            tokio::spawn(run(session, read, reader));
        }
    });
}

/// Frames until the end of the connection.
async fn run(session: Arc<Session>, mut read: OwnedReadHalf, mut reader: Reader) {
    let mut outcome = Ok(());
    while outcome.is_ok() {
        outcome = next(&mut read, |piece| take(&session, &mut reader, piece)).await;
    }
    session.close(outcome.err().unwrap_or(Closed::Lost));
}

/// Reads one piece and hands it over; the end of the connection is an error.
async fn next(
    read: &mut OwnedReadHalf,
    piece: impl FnMut(&mut [u8]) -> Result<(), Closed>,
) -> Result<(), Closed> {
    read_piece(read, piece).await.unwrap_or(Err(Closed::Lost))
}

/// What is left to say may still go out after the client's last word, so this never ends the reading itself.
fn take(session: &Arc<Session>, reader: &mut Reader, piece: &mut [u8]) -> Result<(), Closed> {
    if session.is_leaving() {
        return Ok(());
    }
    let mut end = None;
    let read = reader.read(piece, |message| {
        let good = end.is_some()
            || match message {
                Message::Text(text) => session.heard(text),
                Message::Binary(_) => session.heard_binary(),
                Message::Ping(payload) => {
                    session.tell(frame::pong(payload));
                    true
                }
                Message::Close => {
                    end = Some((NORMAL, Closed::Lost));
                    true
                }
            };
        if !good {
            end = Some((NOT_UNDERSTOOD, Closed::Broken));
        }
    });
    if let Err(Broken(code)) = read {
        end = Some((code, Closed::Broken));
    }
    if let Some((code, why)) = end {
        session.leave(code, why, None);
    }
    Ok(())
}

/// How far a probing socket is.
enum Probe {
    Asked,
    Answered,
    Complete,
}

/// Waits for the client to change over; what it says before is the protocol's, not the session's.
async fn probed(session: Arc<Session>, mut read: OwnedReadHalf, placed: Arc<Placed>, first: Bytes) {
    let mut reader = Reader::new(session.message_max());
    let mut stage = Probe::Asked;
    let mut later = Vec::new();
    let changing = async {
        let mut step =
            |piece: &mut [u8]| probe_step(&session, &placed, &mut reader, &mut stage, &mut later, piece);
        if !first.is_empty() && step(&mut first.to_vec())? {
            return Ok(());
        }
        loop {
            let mut complete = false;
            next(&mut read, |piece| {
                complete = step(piece)?;
                Ok(())
            })
            .await?;
            if complete {
                return Ok::<(), Closed>(());
            }
        }
    };
    let changed = tokio::time::timeout(session.upgrade_timeout(), changing).await;
    if !matches!(changed, Ok(Ok(()))) || !session.carry(placed.clone()) {
        // Polling goes on where it was.
        if !matches!(stage, Probe::Asked) {
            session.set_upgrading(false);
        }
        placed.shut_down();
        return;
    }
    for text in later {
        if !session.heard(&text) {
            session.leave(NOT_UNDERSTOOD, Closed::Broken, None);
        }
    }
    tokio::spawn(run(session, read, reader));
}

/// True when the client has changed over. `later`: what it said behind that in the same piece.
fn probe_step(
    session: &Session,
    placed: &Placed,
    reader: &mut Reader,
    stage: &mut Probe,
    later: &mut Vec<String>,
    piece: &mut [u8],
) -> Result<bool, Closed> {
    let mut good = true;
    let read = reader.read(piece, |message| match (message, &stage) {
        (Message::Text("2probe"), Probe::Asked) => {
            let mut answer = [packet::engine("3probe")].into();
            good &= session.set_upgrading(true);
            if good {
                *stage = Probe::Answered;
                good = matches!(write(placed, &mut answer), Written::All);
            }
        }
        (Message::Text("5"), Probe::Answered) => *stage = Probe::Complete,
        (Message::Text(text), Probe::Complete) => later.push(text.to_owned()),
        _ => good = false,
    });
    if read.is_err() || !good {
        return Err(Closed::Broken);
    }
    Ok(matches!(stage, Probe::Complete))
}
