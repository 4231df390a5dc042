//! One function per event of breakout rooms: read the payload, call one service, say the answer (ADD-EV-53 to
//! ADD-EV-56).

use serde_json::{Value, json};

use super::limits::budget;
use super::socket_connection::{Answer, Connection};
use super::socket_requests::{meeting, normalized, quiet, say};
use super::told_breakouts::BreakoutRoomsChanged;
use crate::dialect::fields::Fields;
use crate::domain::error::DomainError;
use crate::domain::limit::LimitedAction;
use crate::domain::live_breakouts::Whom;

type Answered = Result<Answer, DomainError>;

pub(super) async fn get_breakout_rooms(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let meeting = meeting(Fields::of(&body)?)?;
    count(c, LimitedAction::Read)?;
    let news = c.services.breakouts.list(&c.actor, meeting).await?;
    Ok(say(&BreakoutRoomsChanged::of(&news)))
}

pub(super) async fn assign_breakout(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let (meeting, whom) = (meeting(fields)?, fields.required_text("participantId")?);
    let room = fields.text("roomId")?;
    count(c, LimitedAction::Write)?;
    match room {
        Some(room) => c.services.breakouts.assign(&c.actor, meeting, whom, room).await?,
        None => c.services.breakouts.give_back(&c.actor, meeting, Whom::Named(whom.to_owned())).await?,
    };
    Ok(quiet(json!({ "participantId": whom, "roomId": room })))
}

pub(super) async fn choose_breakout(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let (meeting, room) = (meeting(fields)?, fields.required_text("roomId")?);
    count(c, LimitedAction::Write)?;
    c.services.breakouts.choose(&c.actor, meeting, room).await?;
    Ok(quiet(json!({ "roomId": room })))
}

pub(super) async fn return_from_breakout(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let meeting = meeting(Fields::of(&body)?)?;
    count(c, LimitedAction::Write)?;
    c.services.breakouts.give_back(&c.actor, meeting, Whom::Oneself).await?;
    Ok(quiet(json!({ "roomId": null })))
}

fn count(c: &Connection, action: LimitedAction) -> Result<(), DomainError> {
    c.services.breakouts.count(&c.actor, action, budget(action))
}
