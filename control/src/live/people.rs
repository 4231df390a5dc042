//! Changes of the roster as the people inside meet them: who was added hears it, who was removed is out.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Live;
use super::goodbyes::Goodbye;
use super::task::Task;
use crate::domain::actor::Actor;
use crate::domain::event::{Audience, DomainEvent, Notice};
use crate::domain::live_people::Expelled;
use crate::domain::meeting::Meeting;
use crate::domain::people::RoleChange;
use crate::domain::policy::{Action, may};
use crate::domain::session::LeaveReason;
use crate::service::live_side::RosterNews;

impl Live {
    pub(super) async fn tell_added(&self, meeting: &Meeting, news: RosterNews) {
        let RosterNews { people, by, tell_inside, tell_people } = news;
        let at = self.0.clock.now();
        self.refresh(meeting).await;
        let accounts: Vec<_> = people.iter().filter_map(|line| line.user).collect();
        if tell_inside && !people.is_empty() {
            let event = DomainEvent::ParticipantsAdded { meeting: meeting.id, people, by, at };
            let notices = vec![Notice::new(Audience::Everyone, event)];
            // Refused only when nobody is inside, who then needs not hear it.
            let _ = self.with(meeting.id, move |_, _| Ok((notices, ()))).await;
        }
        if tell_people {
            let event = DomainEvent::Invited { meeting: Arc::new(meeting.clone()), by, at };
            self.0.hub.publish(&Audience::Accounts(accounts), &event);
        }
    }

    /// Whoever may not look at the meeting any more, being off the roster or blocked, hears nothing more of its chat
    /// either.
    pub(super) fn silence_strangers(&self, meeting: &Meeting) {
        let may_look = |actor: &Actor| may(actor, meeting.standing(actor), Action::View, meeting).is_ok();
        self.0.hub.listeners().retain(meeting.id.into(), may_look);
    }

    pub(super) async fn expel(&self, meeting: &Meeting, news: RosterNews) {
        self.silence_strangers(meeting);
        let accounts: Vec<_> = news.people.iter().filter_map(|line| line.user).collect();
        let tell_people = news.tell_people;
        if let Some(handle) = self.find(meeting.id) {
            let told = meeting.clone();
            self.run(&handle, move |task| Box::pin(task.expel(told, news))).await;
        }
        if tell_people {
            let (name, at) = (meeting.settings.name.clone(), self.0.clock.now());
            let event = DomainEvent::InvitationWithdrawn { meeting: meeting.id, name, at };
            self.0.hub.publish(&Audience::Accounts(accounts), &event);
        }
    }

    pub(super) async fn change_role(
        &self,
        meeting: &Meeting,
        change: RoleChange,
        tell_person: bool,
        tell_others: bool,
    ) {
        if let Some(handle) = self.find(meeting.id) {
            let (told, change) = (meeting.clone(), change.clone());
            let told = self
                .run(&handle, move |task| Box::pin(task.change_role(told, change, tell_person, tell_others)));
            if told.await.is_some() {
                return;
            }
        }
        let account = meeting.line(change.line).and_then(|line| line.user);
        if let Some(user) = account.filter(|_| tell_person) {
            let event =
                DomainEvent::RoleChanged { meeting: Arc::new(meeting.clone()), participant: None, change };
            self.0.hub.publish(&Audience::Accounts(vec![user]), &event);
        }
    }
}

impl Task {
    fn expel(&mut self, told: Meeting, news: RosterNews) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.refresh(told).await;
            let meeting = self.live.meeting().id;
            let expelled = self.live.expel(&news.people);
            let goodbyes = self.put_out(expelled);
            if news.tell_inside && !news.people.is_empty() {
                let (people, by, at) = (news.people, news.by, self.now());
                let event = DomainEvent::ParticipantsRemoved { meeting, people, by, at };
                self.publish(vec![Notice::new(Audience::Everyone, event)]);
            }
            self.write_down(goodbyes).await;
        })
    }

    fn change_role(
        &mut self,
        told: Meeting,
        change: RoleChange,
        tell_person: bool,
        tell_others: bool,
    ) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let meeting = self.stored_or(told).await;
            let effects = self.live.refresh(Arc::new(meeting), self.now());
            // First what somebody is now, then what follows from it.
            self.publish(self.live.role_changed(&change, tell_person, tell_others));
            self.follow(effects).await;
        })
    }

    /// Those who have to go are out when this returns, and hear so. Says what is to be written down about it.
    pub(super) fn put_out(&mut self, expelled: Expelled) -> Vec<Goodbye> {
        let mut goodbyes = Vec::new();
        let meeting = self.live.meeting().id;
        self.hub().deliver(&DomainEvent::JoinDenied { meeting }, &expelled.waiting);
        for (id, connection) in expelled.sessions {
            // The others hear it from the leaving itself; whoever goes would not, being gone.
            if let Some(gone) = self.live.participant(id) {
                let (person, name, reason) = (gone.person, gone.name.clone(), LeaveReason::Kicked);
                let event = DomainEvent::ParticipantLeft { meeting, participant: id, person, name, reason };
                self.hub().deliver(&event, &[connection]);
            }
            goodbyes.extend(self.leave(connection, LeaveReason::Kicked));
        }
        goodbyes
    }
}
