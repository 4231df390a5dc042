//! The store against real databases, migrated from empty.
#![allow(clippy::panic, reason = "the helpers of a test fail by panicking")]

mod faults;
#[path = "../support/mod.rs"]
mod support;

use std::collections::HashSet;

use plenum_control::domain::account::{Account, UserType};
use plenum_control::domain::actor::Actor;
use plenum_control::domain::audit::{AuditAction, AuditEntry, AuditFilter};
use plenum_control::domain::directory::{Category, Search};
use plenum_control::domain::error::DomainError;
use plenum_control::domain::id::{CampusId, MeetingId, MeetingRoomId, ParticipantId, RosterId, UserId};
use plenum_control::domain::meeting::{
    EntryPolicy, Features, Invitation, Level, Meeting, MeetingKind, MeetingStatus, RecordingConfig, Settings,
};
use plenum_control::domain::page::Page;
use plenum_control::domain::password::PasswordHash;
use plenum_control::domain::profile::Profile;
use plenum_control::domain::role::{PermissionOverrides, Role};
use plenum_control::domain::roster::Listing;
use plenum_control::domain::session::LeaveReason;
use plenum_control::store::{Entering, Store};
use support::postgres::Database;
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

/// Each of these is told on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($case:ident),* $(,)?) => {
        $(
            mod $case {
                #[tokio::test]
                async fn on_sqlite() {
                    super::$case(super::World::sqlite().await).await;
                }

                #[tokio::test]
                async fn on_postgres() {
                    super::$case(super::World::postgres().await).await;
                }
            }
        )*
    };
}

mod breakouts;
mod chat;
mod outbox;

on_both![
    an_account_comes_back_as_it_went_in_and_its_address_is_its_own,
    a_password_changes_once_per_version,
    first_accounts_are_only_for_an_empty_installation,
    a_meeting_comes_back_as_it_went_in,
    lists_stay_within_the_campus_except_for_accounts_that_cross,
    a_refused_change_leaves_the_row_alone_and_a_granted_one_is_whole,
    changes_at_the_same_time_are_put_in_order,
    entering_writes_the_line_the_session_and_the_peak,
    who_enters_together_is_recorded_together_or_not_at_all,
    an_address_on_the_roster_becomes_the_account_that_enters_with_it,
    c_07_sessions_left_open_are_closed_once_at_the_next_start,
    final_stats_count_time_people_and_messages_and_need_an_end,
    the_trail_keeps_its_order,
    add_16_the_trail_is_filtered_and_read_backwards,
    kcs_14_a_search_ranks_counts_and_leaves_out,
];

mod statistics;
mod webhooks;

struct World {
    store: Store,
    place: Place,
}

/// Where the database is, for as long as the test looks at it.
enum Place {
    File(TempDir),
    Server(Database),
}

impl Place {
    async fn open(&self) -> Store {
        match self {
            Self::File(dir) => Store::open_file(&dir.path().join("test.db")).await,
            Self::Server(database) => Store::open(&database.url).await,
        }
        .expect("opens")
    }
}

impl World {
    async fn sqlite() -> Self {
        let place = Place::File(tempfile::tempdir().expect("a directory"));
        Self { store: place.open().await, place }
    }

    async fn postgres() -> Self {
        let place = Place::Server(Database::new().await);
        Self { store: place.open().await, place }
    }

    async fn account(&self, name: &str) -> Account {
        let account = account(name);
        self.store.insert_account(&account, &hash()).await.expect("inserted");
        account
    }

    /// A live meeting of `creator`'s with nobody else on the roster.
    async fn meeting(&self, creator: &Account) -> Meeting {
        let mut meeting = meeting(creator);
        meeting.invite(vec![invitation(Some(creator), None, Some(Role::Host))], RosterId::generate);
        self.store.insert_meeting(&meeting).await.expect("inserted");
        meeting
    }

    async fn enter(
        &self,
        meeting: MeetingId,
        who: &Account,
        at: OffsetDateTime,
        inside: u32,
    ) -> ParticipantId {
        let session = ParticipantId::generate();
        let actor = Actor::Account(who.clone());
        let entering = Entering { session, actor: &actor, display_name: "shown", at, persons_inside: inside };
        self.store.open_sessions(meeting, &[entering]).await.expect("enters");
        session
    }

    /// The meetings that the account sees in its list.
    async fn list(&self, account: &Account) -> Vec<Meeting> {
        let campus = (!account.crosses_campuses()).then_some(&account.campus);
        let page = Page { limit: 10, offset: 0 };
        let part = self.store.meetings_of(account, campus, page).await.expect("reads");
        assert_eq!(part.total, part.items.len() as u64);
        part.items
    }

    async fn load(&self, id: MeetingId) -> Meeting {
        self.store.meeting(id).await.expect("reads").expect("is there")
    }
}

fn now() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(20_000)
}

fn hash() -> PasswordHash {
    PasswordHash::from_phc("$argon2id$of-a-test".into())
}

fn account(name: &str) -> Account {
    Account {
        id: UserId::generate(),
        name: name.into(),
        email: format!("{name}@Example.org"),
        user_type: UserType::Staff,
        campus: CampusId::new("default"),
        cross_campus: false,
        department: Some("Physics".into()),
        profile_picture: None,
        password_version: 1,
        created_at: now(),
    }
}

fn invitation(user: Option<&Account>, email: Option<&str>, role: Option<Role>) -> Invitation {
    Invitation {
        user: user.map(|account| account.id),
        email: user.map(|account| account.email.clone()).or(email.map(str::to_owned)),
        name: user.map_or("Somebody".into(), |account| account.name.clone()),
        phone: None,
        role,
    }
}

fn meeting(creator: &Account) -> Meeting {
    Meeting {
        id: MeetingId::generate(),
        room: MeetingRoomId::generate(),
        campus: creator.campus.clone(),
        creator: creator.id,
        profile: Profile::Classroom,
        kind: MeetingKind::Recurring,
        status: MeetingStatus::Live,
        settings: Settings {
            name: "Name with 'quotes' and ünïcode".into(),
            description: String::new(),
            location: "here".into(),
            starts_at: now(),
            ends_at: now() + Duration::microseconds(3_600_000_001),
            max_participants: 50,
            password: Some(hash()),
            require_password: false,
            waiting_room_enabled: true,
            require_host_approval: true,
            allow_guests: true,
            features: Features { chat_enabled: false, whiteboard_enabled: true, ..Features::default() },
            recording: RecordingConfig { retention_days: 3, ..RecordingConfig::default() },
            entry: EntryPolicy {
                locked: true,
                allowed_domains: vec!["example.org".into()],
                blocked_users: vec![UserId::generate()],
                mute_on_entry: true,
                disable_camera: true,
                recording_permissions: Some(Level::Host),
                screen_share_permissions: Level::Host,
                chat_permissions: Level::Host,
            },
        },
        roster: Vec::new(),
        occurrence: None,
        calendar_sequence: 0,
        created_at: now(),
        started_at: Some(now()),
        ended_at: None,
        archived_at: Some(now()),
        deleted_at: None,
    }
}

async fn an_account_comes_back_as_it_went_in_and_its_address_is_its_own(world: World) {
    let ada = world.account("ada").await;
    assert_eq!(world.store.account(ada.id).await, Ok(Some(ada.clone())));
    let (found, kept) =
        world.store.credentials_by_email(" ADA@example.ORG").await.expect("reads").expect("is there");
    assert_eq!((found, kept), (ada.clone(), hash()));
    let twin = Account { email: "ADA@EXAMPLE.org".into(), ..account("twin") };
    assert_eq!(world.store.insert_account(&twin, &hash()).await, Err(DomainError::EmailTaken));
    assert_eq!(world.store.account(twin.id).await, Ok(None));
}

async fn a_password_changes_once_per_version(world: World) {
    let ada = world.account("ada").await;
    let new = PasswordHash::from_phc("$argon2id$another".into());
    assert_eq!(world.store.change_password(ada.id, 1, &new).await, Ok(true));
    assert_eq!(world.store.change_password(ada.id, 1, &hash()).await, Ok(false));
    let (after, kept) = world.store.credentials(ada.id).await.expect("reads").expect("is there");
    assert_eq!((after.password_version, kept), (2, new));
}

async fn first_accounts_are_only_for_an_empty_installation(world: World) {
    let first = [(account("ada"), hash()), (account("bob"), hash())];
    assert_eq!(world.store.insert_first_accounts(&first).await, Ok(true));
    let second = [(account("eve"), hash())];
    assert_eq!(world.store.insert_first_accounts(&second).await, Ok(false));
    assert_eq!(world.store.credentials_by_email("eve@example.org").await, Ok(None));
}

async fn a_meeting_comes_back_as_it_went_in(world: World) {
    let (ada, bob) = (world.account("ada").await, world.account("bob").await);
    let mut meeting = meeting(&ada);
    let people = vec![
        invitation(Some(&ada), None, Some(Role::Host)),
        invitation(Some(&bob), None, Some(Role::CoHost)),
        invitation(None, Some("Later@example.org"), None),
    ];
    meeting.invite(people, RosterId::generate);
    meeting.roster[1].overrides =
        PermissionOverrides { can_record: Some(false), ..PermissionOverrides::default() };
    world.store.insert_meeting(&meeting).await.expect("inserted");
    assert_eq!(world.load(meeting.id).await, meeting);
    assert_eq!(world.list(&bob).await, vec![meeting.clone()]);
    let later = Account { email: "LATER@example.org".into(), ..account("later") };
    assert_eq!(world.list(&later).await, vec![meeting.clone()]);
    assert_eq!(world.store.live_meetings().await, Ok(vec![meeting]));
    assert_eq!(world.store.meeting(MeetingId::generate()).await, Ok(None));
}

async fn lists_stay_within_the_campus_except_for_accounts_that_cross(world: World) {
    let ada = world.account("ada").await;
    let mut meeting = meeting(&ada);
    let far = Account { campus: CampusId::new("other"), ..account("far") };
    world.store.insert_account(&far, &hash()).await.expect("inserted");
    meeting.invite(vec![invitation(Some(&far), None, None)], RosterId::generate);
    world.store.insert_meeting(&meeting).await.expect("inserted");
    assert_eq!(world.list(&far).await, vec![]);
    let crossing = Account { cross_campus: true, ..far };
    assert_eq!(world.list(&crossing).await, vec![meeting]);
}

async fn a_refused_change_leaves_the_row_alone_and_a_granted_one_is_whole(world: World) {
    let ada = world.account("ada").await;
    let meeting = world.meeting(&ada).await;
    let refused = world
        .store
        .change_meeting(meeting.id, |meeting| {
            meeting.settings.name = "half".into();
            Err::<(), _>(DomainError::Forbidden)
        })
        .await;
    assert_eq!(refused, Err(DomainError::Forbidden));
    assert_eq!(world.load(meeting.id).await, meeting);
    let (changed, ()) = world
        .store
        .change_meeting(meeting.id, |meeting| meeting.end(now() + Duration::hours(1)))
        .await
        .expect("ends");
    assert_eq!(changed.status, MeetingStatus::Ended);
    assert_eq!(world.load(meeting.id).await, changed);
    let nowhere = world.store.change_meeting(MeetingId::generate(), |_| Ok(())).await;
    assert_eq!(nowhere, Err(DomainError::MeetingNotFound));
}

async fn changes_at_the_same_time_are_put_in_order(world: World) {
    let ada = world.account("ada").await;
    let meeting = world.meeting(&ada).await;
    let raise = |store: Store, id| async move {
        store
            .change_meeting(id, |meeting| {
                meeting.settings.max_participants += 1;
                Ok(())
            })
            .await
    };
    let tasks: Vec<_> = (0..20).map(|_| tokio::spawn(raise(world.store.clone(), meeting.id))).collect();
    for task in tasks {
        task.await.expect("no panic").expect("no refusal");
    }
    assert_eq!(world.load(meeting.id).await.settings.max_participants, 70);
}

async fn who_enters_together_is_recorded_together_or_not_at_all(world: World) {
    let creator = world.account("creator").await;
    let meeting = world.meeting(&creator).await;
    let guests = [world.account("ben").await, world.account("cleo").await];
    let [ben, cleo] = guests.clone().map(Actor::Account);
    let entering = |actor, persons_inside| Entering {
        session: ParticipantId::generate(),
        actor,
        display_name: "shown",
        at: now(),
        persons_inside,
    };
    let refused =
        world.store.open_sessions(meeting.id, &[entering(&ben, 1), entering(&Actor::System, 2)]).await;
    assert_eq!(refused, Err(DomainError::Forbidden));
    assert!(world.store.sessions_of(meeting.id).await.expect("reads").is_empty());
    let lines = world.store.open_sessions(meeting.id, &[entering(&ben, 1), entering(&cleo, 2)]).await;
    let users: Vec<_> = lines.expect("both enter").iter().filter_map(|line| line.user).collect();
    assert_eq!(users, guests.map(|guest| guest.id));
    assert_eq!(world.store.sessions_of(meeting.id).await.expect("reads").len(), 2);
}

async fn entering_writes_the_line_the_session_and_the_peak(world: World) {
    let (ada, bob) = (world.account("ada").await, world.account("bob").await);
    let meeting = world.meeting(&ada).await;
    let first = world.enter(meeting.id, &bob, now(), 1).await;
    let second = world.enter(meeting.id, &bob, now() + Duration::minutes(1), 2).await;
    assert_ne!(first, second);
    let line = world.load(meeting.id).await.entry_of_user(bob.id).cloned().expect("a line");
    assert_eq!(
        (line.listing, line.role, line.joined_at, line.left_at),
        (Listing::CameIn, Role::Attendee, Some(now()), None)
    );
    let leaving = now() + Duration::minutes(5);
    world.store.close_session(first, leaving, LeaveReason::Left).await.expect("closes");
    let still = world.load(meeting.id).await.entry_of_user(bob.id).cloned().expect("a line");
    assert_eq!(still.left_at, None, "his second session goes on");
    world.store.close_session(second, leaving, LeaveReason::Disconnected).await.expect("closes");
    world.store.close_session(second, leaving + Duration::hours(1), LeaveReason::Left).await.expect("again");
    let gone = world.load(meeting.id).await.entry_of_user(bob.id).cloned().expect("a line");
    assert_eq!(gone.left_at, Some(leaving));
    let sessions = world.store.sessions_of(meeting.id).await.expect("reads");
    let ends: Vec<_> = sessions.iter().map(|s| (s.id, s.left_at, s.reason)).collect();
    assert_eq!(
        ends,
        [
            (first, Some(leaving), Some(LeaveReason::Left)),
            (second, Some(leaving), Some(LeaveReason::Disconnected)),
        ]
    );
}

async fn an_address_on_the_roster_becomes_the_account_that_enters_with_it(world: World) {
    let ada = world.account("ada").await;
    let mut meeting = meeting(&ada);
    meeting
        .invite(vec![invitation(None, Some("BOB@example.org"), Some(Role::Presenter))], RosterId::generate);
    world.store.insert_meeting(&meeting).await.expect("inserted");
    let bob = world.account("bob").await;
    world.enter(meeting.id, &bob, now(), 1).await;
    let after = world.load(meeting.id).await;
    assert_eq!(after.roster.len(), 1);
    assert_eq!((after.roster[0].user, after.roster[0].role), (Some(bob.id), Role::Presenter));
}

async fn c_07_sessions_left_open_are_closed_once_at_the_next_start(world: World) {
    let ada = world.account("ada").await;
    let meeting = world.meeting(&ada).await;
    world.enter(meeting.id, &ada, now(), 1).await;
    world.store.close().await;
    let store = world.place.open().await;
    assert_eq!(store.close_all_sessions(now(), LeaveReason::Disconnected).await, Ok(1));
    assert_eq!(store.close_all_sessions(now(), LeaveReason::Disconnected).await, Ok(0));
    let sessions = store.sessions_of(meeting.id).await.expect("reads");
    assert_eq!(sessions[0].reason, Some(LeaveReason::Disconnected));
}

#[tokio::test]
async fn closing_writes_the_log_back_into_one_file() {
    let world = World::sqlite().await;
    world.account("ada").await;
    world.store.close().await;
    let Place::File(dir) = &world.place else { unreachable!("SQLite is a file") };
    let files: HashSet<_> = std::fs::read_dir(dir.path())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    assert_eq!(files, HashSet::from(["test.db".to_owned()]));
    assert!(world.store.trouble().await.is_some());
}

async fn final_stats_count_time_people_and_messages_and_need_an_end(world: World) {
    let ada = world.account("ada").await;
    let meeting = world.meeting(&ada).await;
    assert_eq!(world.store.keep_final_stats(meeting.id).await, Err(DomainError::MeetingNotActive));
    world.enter(meeting.id, &ada, now(), 7).await;
    world.enter(meeting.id, &ada, now(), 3).await;
    let end = now() + Duration::seconds(100);
    world.store.change_meeting(meeting.id, |meeting| meeting.end(end)).await.expect("ends");
    world.store.close_sessions_of(meeting.id, end, LeaveReason::Ended).await.expect("closes");
    let stats = world.store.keep_final_stats(meeting.id).await.expect("kept");
    assert_eq!((stats.duration_minutes, stats.participants_peak, stats.chat_messages), (1.7, 7, 0));
    let open =
        world.store.sessions_of(meeting.id).await.expect("reads").into_iter().filter(|s| s.left_at.is_none());
    assert_eq!(open.count(), 0);
}

async fn the_trail_keeps_its_order(world: World) {
    let ada = world.account("ada").await;
    let id = MeetingId::generate();
    for action in [AuditAction::MeetingCreate, AuditAction::MeetingStart, AuditAction::MeetingEnd] {
        let entry = AuditEntry::granted(action, Some(ada.id)).in_meeting(id, ada.campus.clone());
        world.store.audit(now(), &entry).await.expect("written");
    }
    let lines = world.store.audit_of(id).await.expect("reads");
    let actions: Vec<_> = lines.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(actions, ["meeting.create", "meeting.start", "meeting.end"]);
    assert!(lines.iter().all(|line| line.actor == Some(ada.id.to_string()) && line.outcome == "granted"));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("test.db");
    std::fs::write(&path, "this is a letter, not a database, and long enough to be looked at")
        .expect("written");
    let error = Store::open_file(&path).await.err().expect("refused");
    assert!(error.to_string().starts_with("cannot "), "{error}");
}

async fn add_16_the_trail_is_filtered_and_read_backwards(world: World) {
    let creator = world.account("creator").await;
    let meeting = world.meeting(&creator).await;
    let (campus, other) = (meeting.campus.clone(), CampusId::new("elsewhere"));
    let refused = AuditEntry::refused(AuditAction::MeetingView, None, &DomainError::NotMember);
    let lines = [
        AuditEntry::granted(AuditAction::MeetingCreate, Some(creator.id))
            .in_meeting(meeting.id, campus.clone()),
        refused.in_meeting(meeting.id, campus.clone()).remarking("a\u{0}b"),
        AuditEntry::granted(AuditAction::Login, Some(creator.id))
            .in_campus(Some(other.clone()))
            .to("somebody"),
    ];
    for (minute, line) in (0..).zip(&lines) {
        world.store.audit(now() + Duration::minutes(minute), line).await.expect("kept");
    }
    let all = AuditFilter { limit: 10, ..AuditFilter::default() };
    let read = async |filter: AuditFilter| {
        let lines = world.store.audit_lines(&filter).await.expect("reads");
        lines.into_iter().map(|line| line.action).collect::<Vec<_>>()
    };
    let (created, viewed, login) = ("meeting.create", "meeting.view", "auth.login");
    assert_eq!(read(all.clone()).await, [login, viewed, created]);
    assert_eq!(read(AuditFilter { meeting: Some(meeting.id), ..all.clone() }).await, [viewed, created]);
    assert_eq!(read(AuditFilter { actor: Some(creator.id), ..all.clone() }).await, [login, created]);
    assert_eq!(read(AuditFilter { campus: Some(other), ..all.clone() }).await, [login]);
    assert_eq!(read(AuditFilter { action: Some(viewed.into()), ..all.clone() }).await, [viewed]);
    assert_eq!(read(AuditFilter { outcome: Some("refused".into()), ..all.clone() }).await, [viewed]);
    assert_eq!(read(AuditFilter { from: Some(now() + Duration::minutes(2)), ..all.clone() }).await, [login]);
    assert_eq!(read(AuditFilter { to: Some(now()), ..all.clone() }).await, [created]);
    let both = AuditFilter {
        meeting: Some(meeting.id),
        actor: Some(creator.id),
        campus: Some(campus),
        ..all.clone()
    };
    assert_eq!(read(both).await, [created]);
    let newest = world.store.audit_lines(&AuditFilter { limit: 1, ..all.clone() }).await.expect("reads");
    assert_eq!((newest[0].target.as_deref(), newest.len()), (Some("somebody"), 1));
    assert_eq!(read(AuditFilter { before: Some(newest[0].number), ..all }).await, [viewed, created]);
}

async fn kcs_14_a_search_ranks_counts_and_leaves_out(world: World) {
    let creator = world.account("creator").await;
    let mut people = Vec::new();
    for (name, email) in [
        ("Ünal", "zz@example.org"),
        ("ünal Öz", "a_b@example.org"),
        ("Der Ünal", "axb@example.org"),
        ("Listed ünal", "listed@example.org"),
    ] {
        let mut person = account(name);
        (person.name, person.email) = (name.into(), email.into());
        world.store.insert_account(&person, &hash()).await.expect("inserted");
        people.push(person);
    }
    let meeting = world.meeting(&creator).await;
    let listed = invitation(Some(&people[3]), None, None);
    let invite = |meeting: &mut Meeting| {
        meeting.invite(vec![listed], RosterId::generate);
        Ok(())
    };
    world.store.change_meeting(meeting.id, invite).await.expect("invites");
    let find = async |query: &str, change: fn(&mut Search)| {
        let mut search = Search { query: query.into(), skip_listed: true, limit: 10, categories: Vec::new() };
        change(&mut search);
        let key = search.key().expect("a text");
        let found = world.store.search_directory(&meeting.campus, meeting.id, &key, &search).await;
        let found = found.expect("searches");
        (found.accounts.into_iter().map(|account| account.name).collect::<Vec<_>>(), found.total)
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(find("ÜNAL", |_| ()).await, (names(&["Ünal", "ünal Öz", "Der Ünal"]), 3));
    assert_eq!(find("ünal", |s| s.limit = 1).await, (names(&["Ünal"]), 3));
    assert_eq!(find("ünal", |s| s.skip_listed = false).await.1, 4);
    assert_eq!(find("a_b", |_| ()).await, (names(&["ünal Öz"]), 1), "an underscore is itself");
    assert_eq!(find("zz", |_| ()).await.0, names(&["Ünal"]), "a user name");
    assert_eq!(find("ünal", |s| s.categories = vec![Category::Students]).await, (names(&[]), 0));
}
