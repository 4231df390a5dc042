//! One function per message of a client: read the data, call one service.

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::socket_connection::Connection;
use super::socket_line::Wish;
use super::told::{LeaveTold, PongTold};
use super::{limits, rest};
use crate::dialect::fields::Fields;
use crate::domain::error::DomainError;
use crate::domain::limit::LimitedAction;
use crate::domain::live_status::StatusChange;
use crate::domain::reaction::Reaction;
use crate::domain::session::LeaveReason;
use crate::service::chat::Address;
use crate::service::participants::Wished;

type Served = Result<(), DomainError>;

/// Serves one message of a connection, given as its `data`.
pub(super) type Handler = for<'a> fn(&'a Connection, &'a Value) -> BoxFuture<'a, Served>;

/// Every type of message a client may send, and who serves it.
pub(super) const MESSAGES: &[(&str, Handler)] = &[
    on("join", |c, data| Box::pin(join(c, data))),
    on("participant_update", |c, data| Box::pin(participant_update(c, data))),
    on("chat", |c, data| Box::pin(chat(c, data))),
    on("reaction", |c, data| Box::pin(reaction(c, data))),
    on("hand_raise", |c, data| Box::pin(hand_raise(c, data))),
    on("leave", |c, _| Box::pin(leave(c))),
    on("ping", |c, _| Box::pin(ping(c))),
    // That it was heard is all there is to it.
    on("pong", |_, _| Box::pin(async { Ok(()) })),
];

const fn on(name: &'static str, handler: Handler) -> (&'static str, Handler) {
    (name, handler)
}

async fn join(c: &Connection, data: &Value) -> Served {
    // One budget with joining by REST (V1-04): a password that is tried costs a hash and a line of the trail.
    let budget = limits::budget(LimitedAction::V1Act);
    c.services.limits.check(LimitedAction::V1Act, &c.user(), budget)?;
    let fields = Fields::of(data)?;
    let device = fields.text_of(&["device_info.device_type", "device_type"])?;
    let mut request =
        rest::inside::read_join(c.meeting.clone(), fields, ("device_info.device_type", device))?;
    request.claimed_user = fields.text("user_id")?.map(str::to_owned);
    // What answers is on its way already, in order with what the others hear.
    c.services.joins.join(&c.actor, c.line.id, request, None).await.map(drop)
}

async fn participant_update(c: &Connection, data: &Value) -> Served {
    let fields = Fields::of(data)?;
    let wished = rest::inside::read_status(fields)?;
    let whom = fields.text_of(&["participant_user_id", "participantUserId"])?;
    update(c, whom.filter(|whom| !whom.trim().is_empty()), wished).await
}

async fn hand_raise(c: &Connection, data: &Value) -> Served {
    let raised =
        Fields::of(data)?.flag("is_hand_raised")?.ok_or(DomainError::FieldMissing("is_hand_raised"))?;
    let status = StatusChange { hand: Some(raised), ..StatusChange::default() };
    update(c, None, Wished { status, admits: false }).await
}

async fn update(c: &Connection, whom: Option<&str>, wished: Wished) -> Served {
    let StatusChange { media, hand } = wished.status;
    c.line.wishes(if whom.is_none() { Wish { media, hand } } else { Wish::default() });
    let done = c.services.participants.set_status_over(&c.actor, c.line.id, &c.meeting, whom, wished).await;
    c.line.wishes(Wish::default());
    done.map(drop)
}

async fn chat(c: &Connection, data: &Value) -> Served {
    let fields = Fields::of(data)?;
    let outgoing = rest::chat::read_message(c.meeting.clone(), fields)?;
    // Nobody's secret is told to everybody because a field was forgotten.
    if fields.flag("is_private")? == Some(true) && outgoing.to == Address::All {
        return Err(DomainError::FieldMissing("recipient_id"));
    }
    // One budget with the messages that are sent by REST (V1-08).
    let budget = limits::budget(LimitedAction::V1Chat);
    c.services.limits.check(LimitedAction::V1Chat, &c.user(), budget)?;
    c.services.chat.send(&c.actor, c.line.id, outgoing, None).await.map(drop)
}

async fn reaction(c: &Connection, data: &Value) -> Served {
    let reaction = Fields::of(data)?.given_text("reaction_type")?;
    let reaction = Reaction::parse("reaction_type", reaction)?;
    // No document counts these by themselves; the budget of the socket is the only one.
    let budget = limits::budget(LimitedAction::V1Socket);
    c.services.participants.react(&c.actor, c.line.id, &c.meeting, reaction, budget).await
}

async fn leave(c: &Connection) -> Served {
    let participant = c.line.left().ok_or(DomainError::NotInMeeting)?;
    c.services.participants.leave(c.line.id, &c.meeting).await?;
    let (user_name, reason) = (c.actor.name().to_owned(), LeaveReason::Left.as_str());
    c.say(&LeaveTold { participant_id: participant, user_name, reason });
    Ok(())
}

async fn ping(c: &Connection) -> Served {
    c.say(&PongTold {});
    Ok(())
}
