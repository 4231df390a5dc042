//! Unit of work: one admission. By itself the decision; with the facts it rests on, out of SQLite, and its line in the audit
//! trail; and a whole join, until everybody could hear of it, with the leave that makes room for the next.

use criterion::{Criterion, criterion_group, criterion_main};
use plenum_bench::allocations::{self, Counting};
use plenum_control::{
    app::{App, Parts},
    config::Config,
    domain::{
        account::{Account, UserType},
        actor::Actor,
        admission::{Door, Occupancy},
        id::{CampusId, MeetingId, MeetingRoomId, RosterId, UserId},
        meeting::{
            EntryPolicy, Features, Invitation, Meeting, MeetingKind, MeetingStatus, RecordingConfig, Settings,
        },
        participant::ConnectionId,
        password::PasswordHash,
        profile::Profile,
        role::Role,
    },
    live::Place,
    service::{join::JoinRequest, passwords::HashCost},
};
use std::hint::black_box;
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// People on the roster of the meeting.
const INVITED: usize = 40;
/// Whose place is free each time.
const CONNECTION: ConnectionId = ConnectionId(u64::MAX);

/// A control plane with a live meeting, and somebody who is invited.
struct World {
    runtime: Runtime,
    app: App,
    meeting: Meeting,
    actor: Actor,
    _directory: TempDir,
}

impl World {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let directory = tempfile::tempdir().expect("a directory");
        let data_dir = directory.path().to_string_lossy().into_owned();
        let settings = |name: &str| match name {
            "DATA_DIR" => Some(data_dir.clone()),
            "RATE_LIMITS" => Some("off".to_owned()),
            _ => None,
        };
        let config = Config::read(settings).expect("settings");
        let parts = Parts { hash_cost: HashCost::Least, supervise: false, ..Parts::default() };
        let (app, meeting, actor) = runtime.block_on(async {
            let app = App::build(&config, parts).await.expect("builds");
            let people: Vec<Account> = (0..INVITED).map(account).collect();
            let hash = PasswordHash::from_phc("none".to_owned());
            for person in &people {
                app.store.insert_account(person, &hash).await.expect("inserted");
            }
            let meeting = meeting(&people);
            app.store.insert_meeting(&meeting).await.expect("inserted");
            (app, meeting, Actor::Account(people[INVITED / 2].clone()))
        });
        Self { runtime, app, meeting, actor, _directory: directory }
    }

    fn admit(&self) {
        let admissions = &self.app.services.admissions;
        self.runtime.block_on(async {
            let id = self.meeting.id.to_string();
            let attempt = admissions.attempt(&self.actor, &id, None, Door::Enter).await.expect("reached");
            let admission = attempt.decide(&self.actor, &attempt.meeting, Occupancy::default());
            admissions.note(&self.actor, Some(&attempt.meeting), admission.as_ref().err()).await;
            black_box(admission.expect("let in"));
        });
    }

    fn join_and_leave(&self) {
        self.runtime.block_on(async {
            let meeting = self.meeting.id.to_string();
            let request = JoinRequest { meeting: meeting.clone(), ..JoinRequest::default() };
            let place = self.app.services.joins.join(&self.actor, CONNECTION, request, None).await;
            assert!(matches!(place, Ok(Place::Inside(_))), "let in");
            self.app.services.participants.leave(CONNECTION, &meeting).await.expect("left");
        });
    }
}

fn account(number: usize) -> Account {
    Account {
        id: UserId::generate(),
        name: format!("Person {number}"),
        email: format!("person-{number}@example.org"),
        user_type: UserType::Staff,
        campus: CampusId::new("default"),
        cross_campus: false,
        department: None,
        profile_picture: None,
        password_version: 1,
        created_at: OffsetDateTime::UNIX_EPOCH,
    }
}

fn meeting(people: &[Account]) -> Meeting {
    let begun = OffsetDateTime::now_utc();
    let mut meeting = Meeting {
        id: MeetingId::generate(),
        room: MeetingRoomId::generate(),
        campus: people[0].campus.clone(),
        creator: people[0].id,
        profile: Profile::Classroom,
        kind: MeetingKind::Instant,
        status: MeetingStatus::Live,
        settings: Settings {
            name: "Analysis".into(),
            description: String::new(),
            location: "virtual".into(),
            starts_at: begun,
            ends_at: begun + Duration::hours(1),
            max_participants: 50,
            password: None,
            require_password: false,
            waiting_room_enabled: false,
            require_host_approval: false,
            allow_guests: true,
            features: Features::default(),
            recording: RecordingConfig::default(),
            entry: EntryPolicy::default(),
        },
        roster: Vec::new(),
        occurrence: None,
        calendar_sequence: 0,
        created_at: begun,
        started_at: Some(begun),
        ended_at: None,
        archived_at: None,
        deleted_at: None,
    };
    let invitation = |(number, person): (usize, &Account)| Invitation {
        user: Some(person.id),
        email: Some(person.email.clone()),
        name: person.name.clone(),
        phone: None,
        role: (number == 0).then_some(Role::Host),
    };
    meeting.invite(people.iter().enumerate().map(invitation).collect(), RosterId::generate);
    meeting
}

fn admission(criterion: &mut Criterion) {
    let world = World::new();
    let attempt = world.runtime.block_on(world.app.services.admissions.attempt(
        &world.actor,
        &world.meeting.id.to_string(),
        None,
        Door::Enter,
    ));
    let attempt = attempt.expect("reached");
    let decide = || {
        let decided = attempt.decide(black_box(&world.actor), &attempt.meeting, Occupancy::default());
        black_box(decided.expect("let in"));
    };
    let admit = || world.admit();
    let join = || world.join_and_leave();
    let cases: [(&str, &dyn Fn()); 3] = [
        ("admission/the decision", &decide),
        ("admission/with its facts and its audit line", &admit),
        ("admission/a join and a leave", &join),
    ];
    for (name, work) in cases {
        allocations::report(name, work);
        criterion.bench_function(name, |bencher| bencher.iter(work));
    }
}

criterion_group!(benches, admission);
criterion_main!(benches);
