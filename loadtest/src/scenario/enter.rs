//! How people get in, and how those who come and go spend their visit.

use super::{Person, ScenarioError, Visit, run::Run};
use crate::{
    bot::{Bot, BotError, Part},
    report::Attendance,
};
use futures_util::{StreamExt, stream};
use std::time::{Duration, Instant};

/// What somebody said last is heard before they are gone, unless the network is slower than this and its own delay.
const LAST_WORDS: Duration = Duration::from_millis(300);

impl Run<'_> {
    /// Those who stay, with their numbers, a few at a time. Those who did not make it are told in words.
    pub(super) async fn enter(&self) -> Result<(Vec<(usize, Bot)>, Vec<String>), ScenarioError> {
        let start = Instant::now();
        let entering = self.plan.steady().map(|(number, person)| async move {
            tokio::time::sleep_until((start + person.comes_at).into()).await;
            (number, self.enter_one(number, person).await)
        });
        let at_once = self.settings.joining_at_once.max(1);
        let outcomes: Vec<_> = stream::iter(entering).buffered(at_once).collect().await;
        let (mut bots, mut failures) = (Vec::new(), Vec::new());
        for (number, outcome) in outcomes {
            match outcome {
                Ok(bot) => bots.push((number, bot)),
                Err(error) => failures.push(did_not_get_in(number, &error)),
            }
        }
        if bots.is_empty() {
            return Err(ScenarioError::NobodyIn(failures.into_iter().next().unwrap_or_default()));
        }
        Ok((bots, failures))
    }

    async fn enter_one(&self, number: usize, person: &Person) -> Result<Bot, BotError> {
        let settings = self.settings;
        let joined = self.halls[person.room].join(number).await?;
        let publishes = (person.audio, person.video);
        let tracks = settings.media.tracks(publishes, self.plan.turn(number), number, settings.seed);
        let lights = self.plan.is_light(number, settings.light_after).then(|| self.lights.clone());
        let part = Part { tracks, watches: person.watches, shown_at: person.shown_at, lights };
        Bot::enter(joined, part, settings.peer(self.clock, number, &self.monitor)).await
    }

    /// Comes, stays and goes. Whatever goes wrong on the way, it is not left in the room.
    pub(super) async fn visit(
        &self,
        (number, person, visit): (usize, &Person, Visit),
        begun_at: Instant,
    ) -> Result<Attendance, String> {
        tokio::time::sleep_until((begun_at + visit.comes_at).into()).await;
        let bot = self.enter_one(number, person).await.map_err(|error| did_not_get_in(number, &error))?;
        let entered_at = Instant::now();
        tokio::time::sleep_until((begun_at + visit.leaves_at).into()).await;
        let stopped = bot.stop_publishing().await.map(|tracks| self.note_sent(tracks));
        tokio::time::sleep(LAST_WORDS + self.settings.conditions.delay * 2).await;
        let visited = Some(entered_at.elapsed());
        let finished = bot.finish(self.sent()).await;
        let failed = |error: BotError| format!("bot {number} at its end: {error}");
        stopped.map_err(failed)?;
        Ok(Attendance { number, visited, record: finished.map_err(failed)? })
    }
}

fn did_not_get_in(number: usize, error: &BotError) -> String {
    format!("bot {number} did not get in: {error}")
}
