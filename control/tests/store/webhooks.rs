//! Webhooks as both engines keep them: told with the change, in the order of each meeting, to one sender at a time.

use plenum_control::domain::actor::Actor;
use plenum_control::domain::error::DomainError;
use plenum_control::domain::id::{CampusId, DeliveryId, MeetingId, UserId, WebhookId};
use plenum_control::domain::meeting::{Meeting, MeetingStatus};
use plenum_control::domain::page::Page;
use plenum_control::domain::role::Role;
use plenum_control::domain::session::LeaveReason;
use plenum_control::domain::webhook::{
    Delivery, DeliveryRecord, DeliveryStatus, ENDPOINTS_MAX, Endpoint, EndpointChange, Happening, HookEvent,
    Message, Off, SigningSecret, TRIED_FOR,
};
use plenum_control::store::{ClaimBounds, Entering, InVain, Lease};
use time::{Duration, OffsetDateTime};

use super::{World, meeting, now};

on_both![
    an_endpoint_comes_back_as_it_went_in_and_changes_stay,
    hook_01_endpoints_of_the_settings_follow_the_settings,
    hook_02_hook_03_hook_04_stat_06_what_happens_is_kept_with_the_change_in_order,
    a_refused_change_tells_nobody,
    endpoints_are_told_of_their_campus_and_of_what_they_ask_for,
    leavings_are_told_to_those_who_ask_also_after_a_crash,
    nothing_is_told_of_a_meeting_after_its_end,
    of_one_meeting_one_delivery_is_out_at_a_time_and_the_next_waits_for_it,
    a_failing_delivery_holds_back_its_meeting_and_no_other,
    of_many_claims_at_once_each_delivery_is_in_one,
    one_endpoint_does_not_take_every_place,
    a_sender_that_died_is_succeeded_when_its_lease_ends,
    dead_deliveries_are_listed_and_sent_again_on_request,
    whoever_is_gone_is_told_nothing_more,
    old_deliveries_go_and_waiting_ones_are_given_up_in_the_end,
    a_deleted_endpoint_takes_its_deliveries_along,
];

const WHOLE: Page = Page { limit: 200, offset: 0 };

fn endpoint(events: &[HookEvent]) -> Endpoint {
    Endpoint {
        id: WebhookId::generate(),
        campus: None,
        url: "https://hooks.example.org/a?b=c".to_owned(),
        description: "Déjà vu".to_owned(),
        events: events.to_vec(),
        secret: SigningSecret::new("a secret of some length"),
        old_secret: None,
        is_configured: false,
        off: None,
        created_at: now(),
    }
}

impl World {
    /// An endpoint that is told the usual things.
    async fn endpoint(&self) -> WebhookId {
        self.endpoint_of(endpoint(&HookEvent::USUAL)).await
    }

    async fn endpoint_of(&self, endpoint: Endpoint) -> WebhookId {
        self.store.insert_webhook(&endpoint).await.expect("inserted");
        endpoint.id
    }

    /// What an endpoint was told, oldest first.
    async fn told(&self, endpoint: WebhookId) -> Vec<DeliveryRecord> {
        let (mut records, total) = self.store.deliveries(endpoint, None, WHOLE).await.expect("reads");
        assert_eq!(records.len(), total as usize);
        records.reverse();
        records
    }

    async fn events(&self, endpoint: WebhookId) -> Vec<HookEvent> {
        self.told(endpoint).await.iter().map(|record| record.message.happening.event()).collect()
    }

    async fn claim(&self, word: &str, at: OffsetDateTime) -> Vec<Delivery> {
        let bounds = ClaimBounds { in_all: 32, per_endpoint: 32 };
        self.store.claim_deliveries(lease(word, at), bounds).await.expect("claims")
    }

    async fn end(&self, meeting: MeetingId, by: UserId, at: OffsetDateTime) {
        let ended = self.store.change_status(meeting, Some(by), |meeting| meeting.end(at)).await;
        ended.expect("ends");
    }

    /// A meeting that goes on, and whose host joined twice: three things are told of it.
    async fn busy(&self) -> Meeting {
        let ada = self.account(&MeetingId::generate().to_string()).await;
        let meeting = self.meeting(&ada).await;
        for _ in 0..2 {
            self.enter(meeting.id, &ada, now(), 1).await;
        }
        meeting
    }
}

fn lease(word: &str, from: OffsetDateTime) -> Lease<'_> {
    Lease { word, from, until: from + Duration::MINUTE }
}

fn in_vain(status: u16) -> InVain {
    InVain { status: Some(status), problem: format!("the answer was {status}") }
}

/// Meeting and kind of what was claimed.
fn what(claimed: &[Delivery]) -> Vec<(Option<MeetingId>, HookEvent)> {
    claimed.iter().map(|one| (one.message.meeting, one.message.happening.event())).collect()
}

use HookEvent::{MeetingEnded, MeetingStarted, ParticipantJoined, ParticipantLeft};

async fn an_endpoint_comes_back_as_it_went_in_and_changes_stay(world: World) {
    let mut one = Endpoint { campus: Some(CampusId::new("north")), ..endpoint(&HookEvent::CHOOSABLE) };
    world.store.insert_webhook(&one).await.expect("inserted");
    let (north, south) = (CampusId::new("north"), CampusId::new("south"));
    assert_eq!(world.store.webhook(one.id, None).await, Ok(Some(one.clone())));
    assert_eq!(world.store.webhook(one.id, Some(&north)).await, Ok(Some(one.clone())));
    assert_eq!(world.store.webhook(one.id, Some(&south)).await, Ok(None));
    let change = EndpointChange {
        enabled: Some(false),
        events: Some(vec![MeetingEnded]),
        description: Some("other".to_owned()),
        secret: Some(SigningSecret::new("another secret")),
    };
    one.change(change.clone(), now()).expect("changes");
    let changed = world.store.change_webhook(one.id, |endpoint| endpoint.change(change, now())).await;
    assert_eq!(changed, Ok(one.clone()));
    assert_eq!(world.store.webhooks(Some(&north)).await, Ok(vec![one]));
    assert_eq!(world.store.webhooks(Some(&south)).await, Ok(vec![]));
    let unknown = world.store.change_webhook(WebhookId::generate(), |_| Ok(())).await;
    assert_eq!(unknown, Err(DomainError::WebhookNotFound));
    for _ in 1..ENDPOINTS_MAX {
        world.endpoint_of(Endpoint { campus: Some(north.clone()), ..endpoint(&HookEvent::USUAL) }).await;
    }
    let more = Endpoint { campus: Some(north), ..endpoint(&HookEvent::USUAL) };
    assert!(matches!(world.store.insert_webhook(&more).await, Err(DomainError::FieldInvalid { .. })));
    world.endpoint().await;
}

async fn hook_01_endpoints_of_the_settings_follow_the_settings(world: World) {
    let (first, second) = (SigningSecret::new("the first secret"), SigningSecret::new("the second secret"));
    let [a, b] = ["https://a.example.org/", "https://b.example.org/"].map(str::to_owned);
    let configure = async |urls: &[&String], secret: &SigningSecret| {
        let urls: Vec<String> = urls.iter().map(|url| (*url).clone()).collect();
        world.store.configure_webhooks(&urls, secret, now()).await.expect("configured");
        let mut all = world.store.webhooks(None).await.expect("reads");
        all.sort_by(|one, other| one.url.cmp(&other.url));
        assert!(all.iter().all(|one| one.is_configured && one.campus.is_none()));
        all
    };
    let both = configure(&[&a, &b], &first).await;
    assert_eq!(
        both.iter().map(|one| (one.url.clone(), one.off)).collect::<Vec<_>>(),
        [(a.clone(), None), (b.clone(), None)]
    );
    assert_eq!(both[0].events, HookEvent::USUAL);
    assert_eq!(configure(&[&a, &b], &first).await, both, "twice is once");
    let one = configure(&[&b], &second).await;
    assert_eq!((one[0].id, one[0].off), (both[0].id, Some(Off::Settings)));
    assert_eq!((one[1].id, one[1].off, one[1].secret.clone()), (both[1].id, None, second.clone()));
    let off = EndpointChange { enabled: Some(false), ..EndpointChange::default() };
    world.store.change_webhook(both[1].id, |endpoint| endpoint.change(off, now())).await.expect("changes");
    configure(&[&a], &second).await;
    let again = configure(&[&a, &b], &second).await;
    assert_eq!(again.iter().map(|one| one.off).collect::<Vec<_>>(), [None, Some(Off::Administrator)]);
}

async fn hook_02_hook_03_hook_04_stat_06_what_happens_is_kept_with_the_change_in_order(world: World) {
    let hook = world.endpoint().await;
    let (ada, ben) = (world.account("ada").await, world.account("ben").await);
    let mut planned = meeting(&ada);
    (planned.status, planned.started_at) = (MeetingStatus::Scheduled, None);
    world.store.insert_meeting(&planned).await.expect("inserted");
    assert_eq!(world.told(hook).await, [], "a plan is no news");
    let start = world.store.change_status(planned.id, Some(ada.id), |meeting| meeting.start(now())).await;
    start.expect("starts");
    let again = world.store.change_status(planned.id, Some(ben.id), |meeting| meeting.start(now())).await;
    again.expect("is live already");
    let joined_at = now() + Duration::MINUTE;
    for _ in 0..2 {
        world.enter(planned.id, &ben, joined_at, 1).await;
    }
    let ended_at = now() + Duration::minutes(60) + Duration::seconds(29);
    world.end(planned.id, ada.id, ended_at).await;
    let message = |happening, at| Message { meeting: Some(planned.id), happening, at };
    let joined = Happening::ParticipantJoined { user: Some(ben.id), role: Role::Attendee };
    // One person in two sessions: told for each, counted once.
    let ended = Happening::MeetingEnded { by: Some(ada.id), duration_minutes: 60, participants: 1 };
    let told: Vec<_> = world.told(hook).await.into_iter().map(|record| record.message).collect();
    assert_eq!(
        told,
        [
            message(Happening::MeetingStarted { by: Some(ada.id) }, now()),
            message(joined.clone(), joined_at),
            message(joined, joined_at),
            message(ended, ended_at),
        ]
    );
}

async fn a_refused_change_tells_nobody(world: World) {
    let hook = world.endpoint().await;
    let ada = world.account("ada").await;
    let mut planned = meeting(&ada);
    (planned.status, planned.started_at) = (MeetingStatus::Scheduled, None);
    world.store.insert_meeting(&planned).await.expect("inserted");
    let refused = world.store.change_status(planned.id, Some(ada.id), |meeting| {
        meeting.start(now())?;
        Err::<(), _>(DomainError::Forbidden)
    });
    assert_eq!(refused.await.map(|_| ()), Err(DomainError::Forbidden));
    let (nobody, session) = (Actor::System, plenum_control::domain::id::ParticipantId::generate());
    let entering = Entering { session, actor: &nobody, display_name: "nobody", at: now(), persons_inside: 1 };
    assert!(world.store.open_sessions(planned.id, &[entering]).await.is_err(), "the system attends nothing");
    assert_eq!(world.told(hook).await, []);
}

async fn endpoints_are_told_of_their_campus_and_of_what_they_ask_for(world: World) {
    let of = |campus: &str, events: &[HookEvent]| Endpoint {
        campus: Some(CampusId::new(campus)),
        ..endpoint(events)
    };
    let everywhere = world.endpoint().await;
    let joins = world.endpoint_of(endpoint(&[ParticipantJoined])).await;
    let ada = world.account("ada").await;
    let here = world.endpoint_of(of(&ada.campus.0, &HookEvent::CHOOSABLE)).await;
    let elsewhere = world.endpoint_of(of("elsewhere", &HookEvent::CHOOSABLE)).await;
    let silent = world.endpoint().await;
    let off = EndpointChange { enabled: Some(false), ..EndpointChange::default() };
    world.store.change_webhook(silent, |endpoint| endpoint.change(off, now())).await.expect("changes");
    // Live from the beginning, which is told as well.
    let meeting = world.meeting(&ada).await;
    let session = world.enter(meeting.id, &ada, now(), 1).await;
    world.store.close_session(session, now(), LeaveReason::Left).await.expect("closes");
    world.end(meeting.id, ada.id, now()).await;
    assert_eq!(world.events(everywhere).await, [MeetingStarted, ParticipantJoined, MeetingEnded]);
    assert_eq!(world.events(joins).await, [ParticipantJoined]);
    assert_eq!(world.events(here).await, [MeetingStarted, ParticipantJoined, ParticipantLeft, MeetingEnded]);
    assert_eq!((world.events(elsewhere).await, world.events(silent).await), (vec![], vec![]));
}

async fn leavings_are_told_to_those_who_ask_also_after_a_crash(world: World) {
    let usual = world.endpoint().await;
    let hook = world.endpoint_of(endpoint(&[ParticipantLeft])).await;
    let (ada, ben) = (world.account("ada").await, world.account("ben").await);
    let meeting = world.meeting(&ada).await;
    let (first, _) = (
        world.enter(meeting.id, &ada, now(), 1).await,
        world.enter(meeting.id, &ben, now() + Duration::SECOND, 2).await,
    );
    let left_at = now() + Duration::MINUTE;
    for _ in 0..2 {
        world.store.close_session(first, left_at, LeaveReason::Kicked).await.expect("closes");
    }
    let crashed_at = now() + Duration::HOUR;
    let closed = world.store.close_all_sessions(crashed_at, LeaveReason::Disconnected).await;
    assert_eq!(closed, Ok(1));
    let told: Vec<_> = world.told(hook).await.into_iter().map(|record| record.message).collect();
    let left = |user, role, joined_at, reason, at| Message {
        meeting: Some(meeting.id),
        happening: Happening::ParticipantLeft { user: Some(user), role, joined_at, reason },
        at,
    };
    assert_eq!(
        told,
        [
            left(ada.id, Role::Host, now(), LeaveReason::Kicked, left_at),
            left(ben.id, Role::Attendee, now() + Duration::SECOND, LeaveReason::Disconnected, crashed_at),
        ]
    );
    assert!(!world.events(usual).await.contains(&ParticipantLeft));
}

async fn nothing_is_told_of_a_meeting_after_its_end(world: World) {
    let hook = world.endpoint_of(endpoint(&HookEvent::CHOOSABLE)).await;
    let ada = world.account("ada").await;
    let meeting = world.meeting(&ada).await;
    let session = world.enter(meeting.id, &ada, now(), 1).await;
    world.end(meeting.id, ada.id, now()).await;
    // Somebody who was on his way in, and somebody whose leaving is written late.
    let actor = Actor::Account(ada.clone());
    let late = Entering {
        session: plenum_control::domain::id::ParticipantId::generate(),
        actor: &actor,
        display_name: "Ada",
        at: now(),
        persons_inside: 1,
    };
    assert_eq!(world.store.open_sessions(meeting.id, &[late]).await, Err(DomainError::MeetingEnded));
    world.store.close_session(session, now(), LeaveReason::Left).await.expect("closes");
    assert_eq!(world.store.close_all_sessions(now(), LeaveReason::Disconnected).await, Ok(0));
    assert_eq!(world.events(hook).await, [MeetingStarted, ParticipantJoined, MeetingEnded]);
}

async fn of_one_meeting_one_delivery_is_out_at_a_time_and_the_next_waits_for_it(world: World) {
    let hook = world.endpoint().await;
    let (one, two) = (world.busy().await.id, world.busy().await.id);
    let first = world.claim("a", now()).await;
    assert_eq!(what(&first), [(Some(one), MeetingStarted), (Some(two), MeetingStarted)]);
    assert_eq!(first[0].secrets, [SigningSecret::new("a secret of some length")]);
    assert_eq!((first[0].attempts, &*first[0].url), (1, "https://hooks.example.org/a?b=c"));
    assert_eq!(world.claim("b", now()).await, [], "both are out");
    assert_eq!(world.store.claim_next_delivery(lease("c", now()), hook, one).await, Ok(None));
    world.store.delivery_taken(first[0].id, "a", now(), 204).await.expect("noted");
    let next = world.store.claim_next_delivery(lease("d", now()), hook, one).await.expect("claims");
    let next = next.expect("its turn");
    assert_eq!(what(std::slice::from_ref(&next)), [(Some(one), ParticipantJoined)]);
    // Somebody who has lost his lease changes nothing any more.
    world.store.delivery_taken(next.id, "another", now(), 204).await.expect("noted");
    let pending = world.store.delivery(hook, next.id).await.expect("reads").expect("is there");
    assert_eq!(pending.status, DeliveryStatus::Pending);
    world.store.delivery_taken(next.id, "d", now(), 200).await.expect("noted");
    let taken = world.store.delivery(hook, next.id).await.expect("reads").expect("is there");
    assert_eq!(
        (taken.status, taken.last_status, taken.delivered_at),
        (DeliveryStatus::Delivered, Some(200), Some(now()))
    );
}

async fn a_failing_delivery_holds_back_its_meeting_and_no_other(world: World) {
    let hook = world.endpoint().await;
    let (one, two) = (world.busy().await.id, world.busy().await.id);
    let first = world.claim("a", now()).await;
    let again_at = now() + Duration::seconds(30);
    world.store.delivery_later(first[0].id, "a", again_at, &in_vain(500)).await.expect("noted");
    world.store.delivery_taken(first[1].id, "a", now(), 204).await.expect("noted");
    let second = world.claim("b", now()).await;
    assert_eq!(what(&second), [(Some(two), ParticipantJoined)], "the other meeting goes on");
    assert_eq!(world.store.claim_next_delivery(lease("c", now()), hook, one).await, Ok(None));
    world.store.delivery_taken(second[0].id, "b", now(), 204).await.expect("noted");
    let third = world.claim("d", again_at).await;
    let waited = (Some(one), MeetingStarted);
    assert_eq!(what(&third), [(Some(two), ParticipantJoined), waited]);
    let retried = &third[1];
    assert_eq!((retried.id, retried.attempts), (first[0].id, 2), "the same message, tried again");
    // Given up at last: the next has its turn.
    world.store.delivery_dead(retried, "d", &in_vain(500), false).await.expect("noted");
    assert_eq!(what(&world.claim("e", again_at).await), [(Some(one), ParticipantJoined)]);
}

async fn of_many_claims_at_once_each_delivery_is_in_one(world: World) {
    world.endpoint().await;
    for _ in 0..20 {
        world.busy().await;
    }
    let claims = (0..6).map(|n| {
        let store = world.store.clone();
        tokio::spawn(async move {
            let (word, bounds) = (format!("lease {n}"), ClaimBounds { in_all: 8, per_endpoint: 32 });
            store.claim_deliveries(lease(&word, now()), bounds).await.expect("claims")
        })
    });
    let mut claimed: Vec<DeliveryId> = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        claimed.extend(claim.await.expect("runs").iter().map(|delivery| delivery.id));
    }
    let all = claimed.len();
    claimed.sort();
    claimed.dedup();
    assert_eq!(claimed.len(), all);
    claimed.extend(world.claim("the rest", now()).await.iter().map(|delivery| delivery.id));
    assert_eq!(claimed.len(), 20, "the first of each meeting and no other");
}

async fn one_endpoint_does_not_take_every_place(world: World) {
    let (slow, quick) = (world.endpoint().await, world.endpoint().await);
    for _ in 0..5 {
        world.busy().await;
    }
    let claim = async |word: &str, in_all| {
        let bounds = ClaimBounds { in_all, per_endpoint: 2 };
        let claimed = world.store.claim_deliveries(lease(word, now()), bounds).await.expect("claims");
        claimed.into_iter().map(|one| (one.endpoint, one.id)).collect::<Vec<_>>()
    };
    let first = claim("a", 32).await;
    let of = |endpoint| first.iter().filter(|(one, _)| *one == endpoint).count();
    assert_eq!((of(slow), of(quick)), (2, 2));
    assert_eq!(claim("b", 32).await, [], "what is on its way counts");
    let done = first.iter().find(|(endpoint, _)| *endpoint == quick).expect("there is one");
    world.store.delivery_taken(done.1, "a", now(), 204).await.expect("noted");
    assert_eq!(claim("c", 32).await.iter().map(|(one, _)| *one).collect::<Vec<_>>(), [quick]);
}

async fn a_sender_that_died_is_succeeded_when_its_lease_ends(world: World) {
    world.endpoint().await;
    let meeting = world.busy().await.id;
    let lost = world.claim("died", now()).await;
    let World { store, place } = world;
    store.close().await;
    let world = World { store: place.open().await, place };
    let later = now() + Duration::MINUTE;
    assert_eq!(world.claim("early", later - Duration::SECOND).await, []);
    let again = world.claim("next", later).await;
    assert_eq!(what(&again), [(Some(meeting), MeetingStarted)]);
    assert_eq!((again[0].id, again[0].attempts), (lost[0].id, 2), "under the same id");
    world.store.delivery_taken(lost[0].id, "died", later, 204).await.expect("noted");
    assert_eq!(world.told(again[0].endpoint).await[0].status, DeliveryStatus::Pending);
}

async fn dead_deliveries_are_listed_and_sent_again_on_request(world: World) {
    let hook = world.endpoint().await;
    let meeting = world.busy().await.id;
    for word in ["a", "b", "c"] {
        let claimed = world.claim(word, now()).await;
        world.store.delivery_dead(&claimed[0], word, &in_vain(500), false).await.expect("noted");
    }
    assert_eq!(world.claim("d", now()).await, [], "nothing is left");
    let dead = world.store.deliveries(hook, Some(DeliveryStatus::Dead), WHOLE).await.expect("reads");
    assert_eq!((dead.0.len(), dead.1), (3, 3));
    let newest = &dead.0[0];
    assert_eq!(newest.last_error.as_deref(), Some("the answer was 500"));
    let at = now() + Duration::DAY;
    let replay = async |which| world.store.replay_deliveries(hook, which, at).await.expect("works");
    assert_eq!(replay(Some(newest.id)).await, 1);
    assert_eq!(replay(Some(newest.id)).await, 0, "it waits already");
    let again = world.claim("e", at).await;
    assert_eq!((again[0].id, again[0].attempts), (newest.id, 1), "with all its tries");
    world.store.delivery_taken(newest.id, "e", at, 204).await.expect("noted");
    assert_eq!(replay(Some(newest.id)).await, 1, "also what was delivered");
    assert_eq!(replay(None).await, 2, "all that are dead");
    assert_eq!(replay(None).await, 0);
    assert_eq!(what(&world.claim("f", at).await), [(Some(meeting), MeetingStarted)], "in order again");
    let other = world.endpoint().await;
    assert_eq!(world.store.replay_deliveries(other, Some(newest.id), at).await, Ok(0));
    assert_eq!(world.store.delivery(other, newest.id).await, Ok(None));
}

async fn whoever_is_gone_is_told_nothing_more(world: World) {
    let (gone, stays) = (world.endpoint().await, world.endpoint().await);
    let meeting = world.busy().await;
    let claimed = world.claim("a", now()).await;
    let lost = claimed.iter().find(|one| one.endpoint == gone).expect("was told");
    world.store.delivery_dead(lost, "a", &in_vain(410), true).await.expect("noted");
    let endpoint = world.store.webhook(gone, None).await.expect("reads").expect("is there");
    assert_eq!(endpoint.off, Some(Off::Gone));
    world.end(meeting.id, meeting.creator, now()).await;
    assert_eq!(world.events(gone).await, [MeetingStarted, ParticipantJoined, ParticipantJoined]);
    assert_eq!(world.events(stays).await.last(), Some(&MeetingEnded));
    assert_eq!(world.claim("b", now()).await, [], "what it was still to be told waits");
    let on = EndpointChange { enabled: Some(true), ..EndpointChange::default() };
    world.store.change_webhook(gone, |endpoint| endpoint.change(on, now())).await.expect("changes");
    assert_eq!(world.claim("c", now()).await[0].endpoint, gone);
}

async fn old_deliveries_go_and_waiting_ones_are_given_up_in_the_end(world: World) {
    let hook = world.endpoint().await;
    world.busy().await;
    assert_eq!(world.store.deliveries_waiting().await, Ok(3));
    let month = now() + Duration::days(31);
    assert_eq!(world.store.drop_deliveries(month).await, Ok(0), "they wait");
    assert_eq!(world.store.give_up_deliveries(now() + TRIED_FOR - Duration::SECOND).await, Ok(0));
    assert_eq!(world.store.give_up_deliveries(now() + TRIED_FOR).await, Ok(3));
    assert_eq!(world.told(hook).await[0].last_error.as_deref(), Some("it was not its turn in time"));
    assert_eq!(world.store.deliveries_waiting().await, Ok(0));
    assert_eq!(world.store.drop_deliveries(now()).await, Ok(0), "they are not old");
    assert_eq!(world.store.drop_deliveries(month).await, Ok(3));
}

async fn a_deleted_endpoint_takes_its_deliveries_along(world: World) {
    let (one, other) = (world.endpoint().await, world.endpoint().await);
    world.busy().await;
    world.store.delete_webhook(one).await.expect("deleted");
    assert_eq!((world.told(one).await.len(), world.told(other).await.len()), (0, 3));
    assert_eq!(world.store.webhook(one, None).await, Ok(None));
    assert!(world.claim("a", now()).await.iter().all(|delivery| delivery.endpoint == other));
}
