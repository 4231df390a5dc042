//! People at the door of a running meeting. Those who come at the same moment are let in together: stored in one
//! transaction, and told so close to each other that a socket takes all of it with one system call.

use tokio::sync::{mpsc, oneshot};

use super::task::Task;
use super::{Job, Place};
use crate::domain::admission::Admission;
use crate::domain::error::DomainError;
use crate::domain::live::Joiner;
use crate::domain::participant::Person;
use crate::service::admissions::Attempt;
use crate::store::Entering;

/// People let in with one transaction: far more gain little, and whoever wants something else waits behind them.
const TOGETHER_MAX: usize = 32;

/// Somebody at the door, and where the answer goes.
pub(super) struct Knock {
    attempt: Attempt,
    joiner: Joiner,
    answer: oneshot::Sender<Result<Place, DomainError>>,
}

impl Knock {
    /// Somebody at the door, and where his answer is heard.
    pub fn new(attempt: Attempt, joiner: Joiner) -> (Self, oneshot::Receiver<Result<Place, DomainError>>) {
        let (answer, answered) = oneshot::channel();
        (Self { attempt, joiner, answer }, answered)
    }

    fn answer(self, place: Result<Place, DomainError>) {
        // Nobody waits for it whose connection went away; he is inside all the same until that is noticed.
        let _ = self.answer.send(place);
    }
}

impl Task {
    /// Lets in everybody who waits at the door by now, in the order in which they came; then does what came behind them.
    pub async fn answer_door(&mut self, first: Box<Knock>, queue: &mut mpsc::Receiver<Job>) {
        let (mut knocks, mut behind) = (vec![*first], None);
        while knocks.len() < TOGETHER_MAX && behind.is_none() {
            match queue.try_recv() {
                Ok(Job::Knock(knock)) => knocks.push(*knock),
                Ok(Job::Deed(deed)) => behind = Some(deed),
                Err(_) => break,
            }
        }
        self.let_all_in(knocks).await;
        if let Some(deed) = behind {
            deed(self).await;
        }
    }

    async fn let_all_in(&mut self, knocks: Vec<Knock>) {
        if let Err(refusal) = self.catch_up().await {
            return knocks.into_iter().for_each(|knock| knock.answer(Err(refusal.clone())));
        }
        let mut together: Vec<Knock> = Vec::new();
        for knock in knocks {
            if self.just_enters(&knock, &together) {
                together.push(knock);
            } else {
                self.enter_together(std::mem::take(&mut together)).await;
                self.enter_alone(knock).await;
            }
        }
        self.enter_together(together).await;
    }

    /// Whether somebody goes in behind these others and nothing else comes of it: nobody has to leave first, to wait, to
    /// be refused, and the meeting does not start by it.
    fn just_enters(&self, knock: &Knock, others: &[Knock]) -> bool {
        let Some(person) = Person::of(&knock.joiner.actor) else { return false };
        let mut occupancy = self.live.occupancy(Some(person));
        let is_known = occupancy.caller_inside || self.live.knows(knock.joiner.connection);
        let comes_twice = |other: &Knock| {
            other.joiner.connection == knock.joiner.connection
                || Person::of(&other.joiner.actor) == Some(person)
        };
        if is_known || others.iter().any(comes_twice) {
            return false;
        }
        occupancy.persons += u32::try_from(others.len()).unwrap_or(u32::MAX);
        let decided = knock.attempt.decide(&knock.joiner.actor, self.live.meeting(), occupancy);
        decided == Ok(Admission::Enter)
    }

    async fn enter_together(&mut self, knocks: Vec<Knock>) {
        let now = self.now();
        let persons = self.live.persons();
        let entering: Vec<_> = (persons + 1..)
            .zip(&knocks)
            .map(|(persons, knock)| Entering::of(&knock.joiner, now, persons))
            .collect();
        if entering.len() < 2 {
            return self.enter_one_by_one(knocks).await;
        }
        match self.record_entries(&entering).await {
            Ok(lines) => {
                for (knock, line) in knocks.into_iter().zip(lines) {
                    let seated = self.seat(knock.joiner.clone(), Admission::Enter, Some(line), now);
                    knock.answer(seated.map(Place::Inside));
                }
                self.record_by_itself().await;
            }
            Err(DomainError::Unavailable) => {
                knocks.into_iter().for_each(|knock| knock.answer(Err(DomainError::Unavailable)));
            }
            // What is wrong with one of them must not keep the others out.
            Err(_) => self.enter_one_by_one(knocks).await,
        }
    }

    async fn enter_one_by_one(&mut self, knocks: Vec<Knock>) {
        for knock in knocks {
            self.enter_alone(knock).await;
        }
    }

    async fn enter_alone(&mut self, knock: Knock) {
        let place = self.join(knock.attempt.clone(), knock.joiner.clone()).await;
        knock.answer(place);
    }
}
