//! Webhooks through the front door, told to a real receiver that is slow, failing or redirecting, and looked after by
//! administrators (C-60, HOOK-01 to HOOK-04, STAT-06).

use http::Method;
use plenum_control::domain::actor::Actor;
use plenum_control::domain::id::{MeetingId, ParticipantId};
use plenum_control::store::Entering;
use serde_json::{Value, json};
use time::Duration;

use crate::receiver::{Receiver, SECRET};
use crate::world::{Answer, PASSWORD, Who, World};

const HOOKS: &str = "/api/admin/webhooks";

/// A world whose settings name the receiver.
async fn configured(receiver: &Receiver) -> World {
    with(&[("WEBHOOK_URLS", &receiver.url()), ("WEBHOOK_SECRET", SECRET)]).await
}

/// A world that may tell receivers on this machine.
async fn with(more: &[(&str, &str)]) -> World {
    let settings =
        [("RATE_LIMITS", "off"), ("WEBHOOK_ALLOW_HTTP", "on"), ("WEBHOOK_ALLOW_PRIVATE", "127.0.0.1")];
    World::with(&[&settings[..], more].concat()).await
}

impl World {
    /// Sends everything that is due; says how many lines that were.
    async fn tell(&self) -> usize {
        self.app.services.webhooks.round().await.expect("the database works")
    }

    async fn start(&self, meeting: &str) {
        self.post(Who::Host, &format!("/api/meeting/{meeting}/start"), Value::Null).await.data();
    }

    async fn end(&self, meeting: &str) {
        self.post(Who::Host, &format!("/api/meeting/{meeting}/end"), Value::Null).await.data();
    }

    /// Somebody's session begins, as it does for every dialect.
    async fn enters(&self, who: Who, meeting: &str) {
        let (account, _) =
            self.store.credentials_by_email(who.email()).await.expect("reads").expect("exists");
        let actor = Actor::Account(account);
        let entering = Entering {
            session: ParticipantId::generate(),
            actor: &actor,
            display_name: "somebody",
            at: self.clock.now(),
            persons_inside: 1,
        };
        let meeting = MeetingId::parse(meeting).expect("an id");
        self.store.open_sessions(meeting, &[entering]).await.expect("enters");
    }

    /// Makes an endpoint at a receiver, which expects its secret from now on. Says its path.
    async fn hook(&self, receiver: &Receiver, more: Value) -> String {
        let mut body = json!({ "url": receiver.url() });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let made = self.post(Who::Admin, HOOKS, body).await;
        receiver.expect(made.data()["secret"].as_str().expect("a secret"));
        format!("{HOOKS}/{}", made.data()["id"].as_str().expect("an id"))
    }

    /// The deliveries of an endpoint as `event status attempts`, oldest first.
    async fn deliveries(&self, hook: &str) -> Vec<String> {
        let answer = self.get(Who::Admin, &format!("{hook}/deliveries")).await;
        let mut rows: Vec<_> = answer.data().as_array().expect("a list").iter().map(said).collect();
        rows.reverse();
        rows
    }

    /// Lets the longest pause between two tries pass.
    fn wait(&self) {
        self.clock.advance(Duration::seconds(1300));
    }

    /// A token of somebody who looks after a campus.
    async fn campus_admin(&self, campus: &str) -> String {
        let email = format!("{campus}@admin.test");
        let person = json!({
            "name": "C", "email": email, "password": PASSWORD, "user_type": "campus_admin", "campus_id": campus,
        });
        self.post(Who::Admin, "/api/admin/users", person).await.data();
        self.app.services.accounts.log_in(&email, PASSWORD).await.expect("logs in").token
    }
}

fn said(delivery: &Value) -> String {
    let word = |name: &str| delivery[name].as_str().expect("a word");
    format!("{} {} {}", word("event"), word("status"), delivery["attempts"])
}

fn times(event: &str, count: usize) -> Vec<String> {
    vec![event.to_owned(); count]
}

#[tokio::test]
async fn hook_01_hook_02_hook_03_hook_04_stat_06_a_configured_endpoint_is_told_signed_and_in_order() {
    let receiver = Receiver::start();
    let world = configured(&receiver).await;
    let meeting = world.meeting(json!({})).await;
    world.start(&meeting).await;
    world.clock.advance(Duration::minutes(5));
    for who in [Who::Host, Who::Member, Who::Member] {
        world.enters(who, &meeting).await;
    }
    world.clock.advance(Duration::minutes(55));
    world.end(&meeting).await;
    assert_eq!(world.tell().await, 1, "one line of messages");
    let requests = receiver.requests();
    assert!(requests.iter().all(|request| request.is_signed()), "{requests:?}");
    let (host, member) = (world.user_id(Who::Host).await, world.user_id(Who::Member).await);
    let time = |at: time::OffsetDateTime| {
        let millisecond = at.replace_millisecond(at.millisecond()).expect("is one");
        millisecond.format(&time::format_description::well_known::Rfc3339).expect("a time")
    };
    let end = world.clock.now();
    let (started, joined, ended) = (time(end - Duration::HOUR), time(end - Duration::minutes(55)), time(end));
    let person = |user: &String, role: &str| json!({ "user_id": user, "role": role, "joined_at": joined });
    let expected = [
        ("meeting.started", json!({ "started_by": host, "started_at": started }), &started),
        ("participant.joined", person(&host, "host"), &joined),
        ("participant.joined", person(&member, "attendee"), &joined),
        ("participant.joined", person(&member, "attendee"), &joined),
        (
            "meeting.ended",
            json!({ "ended_by": host, "ended_at": ended, "duration_minutes": 60, "participant_count": 2 }),
            &ended,
        ),
    ];
    let expected = expected.map(
        |(event, data, at)| json!({ "event": event, "meeting_id": meeting, "data": data, "timestamp": at }),
    );
    let said: Vec<_> = requests.iter().map(|request| same_times(&request.0["said"])).collect();
    assert_eq!(said, expected.each_ref().map(same_times));
    for request in &requests {
        assert_eq!(request.header("content-type"), "application/json");
        assert_eq!(request.header("webhook-timestamp"), end.unix_timestamp().to_string());
    }
    let mut ids: Vec<_> = requests.iter().map(|request| request.header("webhook-id")).collect();
    ids.dedup();
    assert_eq!(ids.len(), requests.len(), "each has an id of its own");
    assert_eq!(world.tell().await, 0, "everything is told once");
}

/// The same with every time in one spelling.
fn same_times(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), same_times(value))).collect()
        }
        Value::String(text) => {
            match time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339) {
                Ok(at) => json!(at.unix_timestamp_nanos() / 1_000_000),
                Err(_) => value.clone(),
            }
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn c_60_a_failing_receiver_holds_back_one_meeting_and_is_tried_five_times() {
    let receiver = Receiver::start();
    let world = with(&[]).await;
    let hook = world.hook(&receiver, json!({})).await;
    let (bad, good) = (world.meeting(json!({})).await, world.meeting(json!({})).await);
    receiver.rules(json!([{ "meeting": bad, "event": "meeting.started", "status": 500 }]));
    for meeting in [&bad, &good] {
        world.start(meeting).await;
        world.end(meeting).await;
    }
    world.tell().await;
    let mut heard = receiver.events();
    heard.sort();
    assert_eq!(heard, ["meeting.ended 204", "meeting.started 204", "meeting.started 500"]);
    for attempts in 1..5 {
        let answer = world.get(Who::Admin, &format!("{hook}/deliveries?status=pending")).await;
        assert_eq!(answer.body["total"], 2, "the end waits behind the start");
        let first = &answer.data()[1];
        assert_eq!((&first["attempts"], &first["last_status"]), (&json!(attempts), &json!(500)));
        assert_eq!(world.tell().await, 0, "not before its pause is over");
        world.wait();
        world.tell().await;
    }
    assert_eq!(
        world.deliveries(&hook).await,
        [
            "meeting.started dead 5",
            "meeting.ended pending 0",
            "meeting.started delivered 1",
            "meeting.ended delivered 1",
        ]
    );
    // Given up: what waited has its turn.
    world.tell().await;
    let last = receiver.requests().pop().expect("was told");
    assert_eq!((last.said("event"), last.said("meeting_id")), ("meeting.ended", &*bad));
    let tries: Vec<_> = receiver.requests();
    let tries: Vec<_> = tries.iter().filter(|one| one.0["status"] == 500).collect();
    assert_eq!(tries.len(), 5);
    for one in &tries {
        let first = tries[0];
        assert!(one.is_signed(), "{one:?}");
        assert_eq!((one.header("webhook-id"), &one.0["raw"]), (first.header("webhook-id"), &first.0["raw"]));
    }
    assert_ne!(tries[0].header("webhook-timestamp"), tries[4].header("webhook-timestamp"));
}

#[tokio::test]
async fn c_60_dead_letters_are_listed_and_replayed_one_or_all() {
    let receiver = Receiver::start();
    let world = with(&[]).await;
    let hook = world.hook(&receiver, json!({})).await;
    receiver.rules(json!([{ "status": 302, "headers": { "location": "/elsewhere" } }]));
    let meetings = [world.meeting(json!({})).await, world.meeting(json!({})).await];
    for meeting in &meetings {
        world.start(meeting).await;
    }
    for _ in 0..5 {
        world.tell().await;
        world.wait();
    }
    assert_eq!(world.deliveries(&hook).await, times("meeting.started dead 5", 2));
    let dead = world.get(Who::Admin, &format!("{hook}/deliveries?status=dead&limit=1")).await;
    assert_eq!((&dead.body["count"], &dead.body["total"]), (&json!(1), &json!(2)));
    let letter = &dead.data()[0];
    assert_eq!((&letter["last_status"], &letter["last_error"]), (&json!(302), &json!("the answer was 302")));
    assert_eq!(letter["next_attempt_at"], Value::Null);
    assert!(receiver.requests().iter().all(|one| one.0["followed"] != true), "nobody follows a redirect");

    receiver.rules(json!([]));
    let id = letter["id"].as_str().expect("an id");
    let again = format!("{hook}/deliveries/{id}/replay");
    let queued = world.post(Who::Admin, &again, Value::Null).await;
    assert_eq!(said(queued.data()), "meeting.started pending 0");
    world.post(Who::Admin, &again, Value::Null).await.refused(400, "status: the delivery is pending");
    world.tell().await;
    let told = receiver.requests().pop().expect("was told");
    assert_eq!((told.header("webhook-id"), told.is_signed()), (id, true));
    assert_eq!(world.post(Who::Admin, &format!("{hook}/replay"), Value::Null).await.data()["replayed"], 1);
    world.tell().await;
    assert_eq!(world.deliveries(&hook).await, times("meeting.started delivered 1", 2));
    assert_eq!(world.post(Who::Admin, &format!("{hook}/replay"), Value::Null).await.data()["replayed"], 0);
    for unknown in ["7", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "%FF"] {
        let path = format!("{hook}/deliveries/{unknown}/replay");
        let answer = world.post(Who::Admin, &path, Value::Null).await;
        assert_eq!(answer.status, 404, "{unknown}");
    }
}

#[tokio::test]
async fn c_60_a_slow_receiver_holds_up_no_other() {
    let (slow, quick) = (Receiver::start(), Receiver::start());
    let world = with(&[]).await;
    world.hook(&slow, json!({})).await;
    world.hook(&quick, json!({})).await;
    slow.rules(json!([{ "wait": true }]));
    let meeting = world.meeting(json!({})).await;
    world.start(&meeting).await;
    let webhooks = world.app.services.webhooks.clone();
    let round = tokio::spawn(async move { webhooks.round().await.expect("the database works") });
    slow.until(1).await;
    quick.until(1).await;
    world.end(&meeting).await;
    world.tell().await;
    assert_eq!(quick.events(), ["meeting.started 204", "meeting.ended 204"]);
    assert_eq!(slow.requests().len(), 1, "the end waits until the start is taken");
    slow.go();
    assert_eq!(round.await.expect("runs"), 2);
    // On a busy machine it may have been too slow; then it is told again.
    world.wait();
    world.tell().await;
    let mut heard = slow.events();
    heard.dedup();
    assert_eq!(heard, ["meeting.started 204", "meeting.ended 204"]);
}

#[tokio::test]
async fn c_60_whoever_answers_410_is_told_nothing_more_until_switched_on() {
    let receiver = Receiver::start();
    let world = with(&[]).await;
    let hook = world.hook(&receiver, json!({})).await;
    receiver.rules(json!([{ "status": 410 }]));
    let meeting = world.meeting(json!({})).await;
    world.start(&meeting).await;
    world.tell().await;
    world.end(&meeting).await;
    assert_eq!(world.tell().await, 0);
    assert_eq!(world.deliveries(&hook).await, ["meeting.started dead 1"]);
    let listed = world.get(Who::Admin, HOOKS).await;
    let shown = &listed.data()[0];
    assert_eq!((&shown["enabled"], &shown["disabled_reason"]), (&json!(false), &json!("gone")));
    let ping = format!("{hook}/ping");
    world.post(Who::Admin, &ping, Value::Null).await.refused(400, "enabled: the webhook is disabled");
    receiver.rules(json!([]));
    let on = world.call(Who::Admin, Method::PATCH, &hook, json!({ "enabled": true })).await;
    assert_eq!((&on.data()["enabled"], &on.data()["disabled_reason"]), (&json!(true), &Value::Null));
    world.post(Who::Admin, &ping, Value::Null).await.data();
    world.tell().await;
    let told = receiver.requests().pop().expect("was told");
    assert_eq!(told.said("event"), "webhook.ping");
    assert_eq!(told.0["said"]["meeting_id"], Value::Null);
    assert!(hook.ends_with(told.0["said"]["data"]["webhook_id"].as_str().expect("an id")));
}

#[tokio::test]
async fn c_60_what_was_stored_before_a_crash_is_told_after_it() {
    let receiver = Receiver::start();
    let world = configured(&receiver).await;
    let meeting = world.meeting(json!({})).await;
    world.start(&meeting).await;
    // Claimed by a process that dies before it sends.
    assert_eq!(world.app.services.webhooks.claim(9).await.expect("claims").len(), 1);
    let world = world.restarted().await;
    assert_eq!(world.tell().await, 0, "the claim holds for a while");
    world.clock.advance(Duration::seconds(61));
    assert_eq!(world.tell().await, 1);
    assert_eq!(receiver.events(), ["meeting.started 204"]);
}

#[tokio::test]
async fn c_60_nothing_leaves_for_an_address_that_is_not_public() {
    let receiver = Receiver::start();
    let world = World::with(&[("RATE_LIMITS", "off"), ("WEBHOOK_ALLOW_HTTP", "on")]).await;
    let refused = async |url: &str| {
        let answer = world.post(Who::Admin, HOOKS, json!({ "url": url })).await;
        answer.refused(400, "url: must lead to a public address");
    };
    refused(&receiver.url()).await;
    refused("http://169.254.169.254/latest/meta-data/").await;
    refused("https://[fd00:ec2::254]/").await;
    refused("https://[::ffff:10.0.0.1]/").await;
    // A name is looked up when something is sent.
    let url = format!("http://localhost:{}/", receiver.port);
    let made = world.post(Who::Admin, HOOKS, json!({ "url": url })).await;
    let hook = format!("{HOOKS}/{}", made.data()["id"].as_str().expect("an id"));
    world.post(Who::Admin, &format!("{hook}/ping"), Value::Null).await.data();
    world.tell().await;
    let answer = world.get(Who::Admin, &format!("{hook}/deliveries")).await;
    assert_eq!(answer.data()[0]["last_error"], "the name leads to no public address");
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn c_60_over_https_the_receivers_certificate_is_checked() {
    let folder = tempfile::tempdir().expect("a directory");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("a path").to_owned()
    };
    let (cert, key) =
        (file("cert.pem", &made.cert.pem()), file("key.pem", &made.signing_key.serialize_pem()));
    let receiver = Receiver::with(&["--tls", &cert, &key]);
    let url = format!("https://localhost:{}/hook", receiver.port);
    let private = ("WEBHOOK_ALLOW_PRIVATE", "127.0.0.1");
    let settings = [("RATE_LIMITS", "off"), ("WEBHOOK_URLS", &*url), ("WEBHOOK_SECRET", SECRET), private];
    let trusting = World::with(&[&settings[..], &[("WEBHOOK_CA", &*cert)]].concat()).await;
    let strange = World::with(&settings).await;
    for world in [&strange, &trusting] {
        world.live_meeting(json!({})).await;
        world.tell().await;
    }
    assert_eq!(receiver.events(), ["meeting.started 204"], "told by the one who knows the authority");
    let hook = strange.get(Who::Admin, HOOKS).await.data()[0]["id"].as_str().expect("an id").to_owned();
    let answer = strange.get(Who::Admin, &format!("{HOOKS}/{hook}/deliveries")).await;
    let problem = answer.data()[0]["last_error"].as_str().expect("a problem");
    assert!(problem.contains("certificate"), "{problem}");
}

#[tokio::test]
async fn add_32_add_33_an_administrator_makes_webhooks_and_sees_their_secret_once() {
    let receiver = Receiver::start();
    let world = with(&[]).await;
    let body = json!({
        "url": " https://Hooks.example.org:443/a?b=c ", "events": ["meeting.ended", "participant.left", "meeting.ended"],
        "campus": "other", "description": " The timetable ",
    });
    let made = world.post(Who::Admin, HOOKS, body).await;
    assert_eq!(made.status, 201);
    let secret = made.data()["secret"].as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
    let mut shown = made.data().clone();
    shown.as_object_mut().expect("an object").remove("secret");
    let (id, at) = (shown["id"].clone(), shown["created_at"].clone());
    let expected = json!({
        "id": id, "campus_id": "other", "url": "https://hooks.example.org/a?b=c", "description": "The timetable",
        "events": ["participant.left", "meeting.ended"], "enabled": true, "disabled_reason": null,
        "configured": false, "created_at": at,
    });
    assert_eq!(shown, expected);
    let listed = world.get(Who::Admin, HOOKS).await;
    assert_eq!((listed.data(), &listed.body["count"]), (&json!([shown]), &json!(1)));
    let usual = world.post(Who::Admin, HOOKS, json!({ "url": receiver.url() })).await;
    assert_eq!(usual.data()["campus_id"], Value::Null);
    let events = ["meeting.started", "participant.joined", "meeting.ended"];
    assert_eq!(usual.data()["events"], json!(events));
    for (body, message) in [
        (json!({}), "url is required"),
        (json!({ "url": "ftp://example.org/" }), "url: must begin with https://"),
        (json!({ "url": "https://u:p@example.org/" }), "url: must hold no user name or password"),
        (json!({ "url": "https://example.org/#x" }), "url: must not have a part after #"),
        (json!({ "url": "nonsense" }), "url: must be a URL such as https://example.org/hook"),
        (
            json!({ "url": format!("https://example.org/{}", "x".repeat(2048)) }),
            "url: must have at most 2048 bytes",
        ),
        (json!({ "url": "https://example.org/", "events": [] }), "events: must name at least one event"),
        (
            json!({ "url": "https://example.org/", "events": ["webhook.ping"] }),
            "events: must be some of meeting.started, participant.joined, participant.left, meeting.ended",
        ),
    ] {
        world.post(Who::Admin, HOOKS, body).await.refused(400, message);
    }
    // Without the setting nothing goes out in the clear.
    let strict = World::new().await;
    let plain = strict.post(Who::Admin, HOOKS, json!({ "url": "http://example.org/" })).await;
    plain.refused(400, "url: must begin with https://");
}

#[tokio::test]
async fn add_34_switched_off_tells_nothing_and_a_new_secret_signs_beside_the_old_for_a_day() {
    let receiver = Receiver::start();
    let world = with(&[]).await;
    let hook = world.hook(&receiver, json!({})).await;
    let change = async |body: Value| world.call(Who::Admin, Method::PATCH, &hook, body).await;
    let off = change(json!({ "enabled": false, "description": "Later" })).await;
    assert_eq!(
        (&off.data()["enabled"], &off.data()["disabled_reason"], &off.data()["description"]),
        (&json!(false), &json!("administrator"), &json!("Later"))
    );
    assert_eq!(off.data().get("secret"), None);
    world.live_meeting(json!({})).await;
    assert_eq!(world.deliveries(&hook).await, times("", 0), "what happens meanwhile is not kept");
    change(json!({ "enabled": true, "events": ["meeting.ended"] })).await.data();
    let rotated = change(json!({ "rotate_secret": true })).await;
    let newer = rotated.data()["secret"].as_str().expect("a secret").to_owned();
    let meeting = world.live_meeting(json!({})).await;
    world.end(&meeting).await;
    world.tell().await;
    let told = receiver.requests().pop().expect("was told");
    // The receiver knows the old secret only.
    assert_eq!((&told.0["standard"], &told.0["old"]), (&json!(true), &json!(false)));
    assert_eq!(told.header("webhook-signature").split(' ').count(), 2);
    assert_eq!(receiver.events(), ["meeting.ended 204"]);
    receiver.expect(&newer);
    world.clock.advance(Duration::hours(25));
    world.post(Who::Admin, &format!("{hook}/ping"), Value::Null).await.data();
    world.tell().await;
    let told = receiver.requests().pop().expect("was told");
    assert!(told.is_signed(), "{told:?}");
    assert_eq!(told.header("webhook-signature").split(' ').count(), 1);
}

#[tokio::test]
async fn add_35_a_deleted_webhook_is_gone_and_one_of_the_settings_stays() {
    let receiver = Receiver::start();
    let world = configured(&receiver).await;
    let hook = world.hook(&receiver, json!({})).await;
    assert_eq!(world.delete(Who::Admin, &hook).await.data(), &Value::Null);
    world.delete(Who::Admin, &hook).await.refused(404, "Webhook not found");
    let listed = world.get(Who::Admin, HOOKS).await;
    let [kept] = listed.data().as_array().expect("a list").as_slice() else { panic!("{}", listed.body) };
    assert_eq!((&kept["configured"], &kept["url"]), (&json!(true), &json!(receiver.url())));
    let path = format!("{HOOKS}/{}", kept["id"].as_str().expect("an id"));
    let stays = "webhook_id: is in WEBHOOK_URLS of the settings; disable it";
    world.delete(Who::Admin, &path).await.refused(400, stays);
    let rotate = world.call(Who::Admin, Method::PATCH, &path, json!({ "rotate_secret": true })).await;
    rotate.refused(400, "rotate_secret: the secret is WEBHOOK_SECRET of the settings");
    world.call(Who::Admin, Method::PATCH, &path, json!({ "enabled": false })).await.data();
    let world = world.restarted().await;
    let listed = world.get(Who::Admin, HOOKS).await;
    assert_eq!(listed.data()[0]["disabled_reason"], "administrator", "a restart switches nothing on");
}

#[tokio::test]
async fn add_36_add_37_add_38_add_39_campus_administrators_look_after_their_campus_alone() {
    let receiver = Receiver::start();
    let world = with(&[]).await;
    let everywhere = world.hook(&receiver, json!({})).await;
    let elsewhere = world.hook(&receiver, json!({ "campus": "other" })).await;
    let token = world.campus_admin("default").await;
    let call = async |method: Method, path: &str, body: Value| -> Answer {
        world.call_as(Some(&token), method, path, body).await
    };
    let made = call(Method::POST, HOOKS, json!({ "url": receiver.url(), "campus": "default" })).await;
    assert_eq!(made.data()["campus_id"], "default");
    let own = format!("{HOOKS}/{}", made.data()["id"].as_str().expect("an id"));
    let other = call(Method::POST, HOOKS, json!({ "url": receiver.url(), "campus": "other" })).await;
    other.refused(403, "Access denied");
    assert_eq!(call(Method::GET, HOOKS, Value::Null).await.body["count"], 1);
    for hook in [&everywhere, &elsewhere] {
        for (method, path) in [
            (Method::PATCH, hook.clone()),
            (Method::DELETE, hook.clone()),
            (Method::GET, format!("{hook}/deliveries")),
            (Method::POST, format!("{hook}/deliveries/01ARZ3NDEKTSV4RRFFQ69G5FAV/replay")),
            (Method::POST, format!("{hook}/replay")),
            (Method::POST, format!("{hook}/ping")),
        ] {
            call(method, &path, Value::Null).await.refused(404, "Webhook not found");
        }
    }
    // What happens in his campus is told his endpoint and that of all, and not the other campus'.
    let meeting = world.live_meeting(json!({})).await;
    assert_eq!(world.deliveries(&everywhere).await, ["meeting.started pending 0"]);
    assert_eq!(world.deliveries(&elsewhere).await, times("", 0));
    let listed = call(Method::GET, &format!("{own}/deliveries"), Value::Null).await;
    assert_eq!(listed.data()[0]["meeting_id"], meeting.as_str());
    assert_eq!(call(Method::POST, &format!("{own}/ping"), Value::Null).await.status, 201);
    assert_eq!(call(Method::POST, &format!("{own}/replay"), Value::Null).await.data()["replayed"], 0);
    call(Method::DELETE, &own, Value::Null).await.data();
}

#[tokio::test]
async fn sec_01_what_is_done_to_webhooks_and_refused_leaves_a_line_in_the_trail() {
    let receiver = Receiver::start();
    let world = with(&[]).await;
    let hook = world.hook(&receiver, json!({})).await;
    world.call(Who::Admin, Method::PATCH, &hook, json!({ "rotate_secret": true })).await.data();
    world.post(Who::Admin, &format!("{hook}/ping"), Value::Null).await.data();
    world.post(Who::Admin, &format!("{hook}/replay"), Value::Null).await.data();
    world.delete(Who::Admin, &hook).await.data();
    world.post(Who::Host, HOOKS, json!({ "url": receiver.url() })).await.refused(403, "Access denied");
    world.delete(Who::Host, &hook).await.refused(403, "Access denied");
    let trail = world.get(Who::Admin, "/api/admin/audit").await;
    let lines = trail.data().as_array().expect("a list").iter();
    let lines: Vec<_> = lines
        .filter(|line| line["action"].as_str().is_some_and(|action| action.starts_with("webhook.")))
        .map(|line| {
            let word = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", word("action"), word("outcome"), word("detail")).trim_end().to_owned()
        })
        .collect();
    assert_eq!(
        lines,
        [
            "webhook.delete forbidden",
            "webhook.create forbidden",
            "webhook.delete granted",
            "webhook.replay granted 0",
            "webhook.ping granted",
            "webhook.change granted secret",
            "webhook.create granted",
        ]
    );
    assert!(!trail.body.to_string().contains("whsec_"));
}
