//! Mail: what is said to whom, and how it gets to a real SMTP server (C-64, LIFE-17).

use plenum_control::service::mail::Round;
use serde_json::{Value, json};
use time::Duration;
use tokio_util::sync::CancellationToken;

use crate::smtp::Server;
use crate::world::{Who, World};

const INVITED: [&str; 2] = ["member@demo.test", "guest@elsewhere.test"];

async fn world(url: &str, more: &[(&str, &str)]) -> World {
    let settings = [
        ("RATE_LIMITS", "off"),
        ("SMTP_URL", url),
        ("MAIL_FROM", "Plenum <meet@example.org>"),
        ("FRONTEND_URL", "https://meet.example.org"),
    ];
    World::with(&[&settings[..], more].concat()).await
}

impl World {
    /// One round of sending.
    async fn round(&self) -> Round {
        self.app.services.mail.round(&CancellationToken::new()).await.expect("the database works")
    }

    /// The outbox as an administrator sees it, oldest first, as `kind status address`.
    async fn outbox(&self) -> Vec<String> {
        let answer = self.get(Who::Admin, "/api/admin/outbox").await;
        let mut mails: Vec<_> = answer.data().as_array().expect("a list").clone();
        mails.reverse();
        let said = |mail: &Value| {
            let word = |name: &str| mail[name].as_str().expect("a word").to_owned();
            format!(
                "{} {} {}",
                word("kind"),
                word("status"),
                mail["to"]["email"].as_str().expect("an address")
            )
        };
        let mut said: Vec<_> = mails.iter().map(said).collect();
        said.sort();
        said
    }

    async fn two_invited(&self) -> String {
        self.meeting(json!({ "participants": INVITED })).await
    }
}

#[tokio::test]
async fn life_17_every_participant_but_the_creator_gets_an_invitation_that_calendars_understand() {
    let server = Server::start();
    let world = world(&server.url(), &[]).await;
    let people =
        json!(["member@demo.test", { "email": "guest@elsewhere.test", "name": "Gïna 会" }, "HOST@demo.test"]);
    let meeting = world
        .meeting(json!({ "participants": people, "meeting_name": "Déjà vu", "meeting_password": "sesame-1" }))
        .await;
    assert_eq!(world.round().await, Round::Tried(2));
    assert_eq!(server.readers(), ["Gïna 会 <guest@elsewhere.test>", "Milan Member <member@demo.test>"]);
    for mail in server.mails() {
        assert_eq!(mail.0["defects"], json!([]));
        assert_eq!(mail.header("subject"), "Invitation: Déjà vu");
        assert_eq!(mail.header("from"), "Plenum <meet@example.org>");
        assert_eq!(mail.header("reply-to"), "Hanna Host <host@demo.test>");
        assert_eq!(mail.header("auto-submitted"), "auto-generated");
        assert_eq!(
            mail.parts(),
            [
                ("text/plain", ""),
                ("text/html", ""),
                ("text/calendar", "REQUEST"),
                ("application/ics", "REQUEST")
            ]
        );
        assert!(mail.text(0).contains(&format!("https://meet.example.org/m/{meeting}")), "{}", mail.text(0));
        assert_eq!(
            (mail.method(), mail.event("SEQUENCE"), mail.event("SUMMARY")),
            ("REQUEST", &json!("0"), &json!("Déjà vu"))
        );
        assert_eq!(mail.event("DTSTART"), "20980101T100000Z");
        assert!(!mail.0.to_string().contains("sesame-1"), "no password leaves");
    }
    assert_eq!(world.round().await, Round::Idle, "everything is sent once");
}

#[tokio::test]
async fn kcs_05_an_update_is_mailed_when_it_matters_to_a_calendar_and_says_the_same_uid() {
    let server = Server::start();
    let world = world(&server.url(), &[]).await;
    let path = format!("/api/meeting/{}", world.two_invited().await);
    world
        .put(Who::Host, &path, json!({ "max_participants": 7, "features": { "chat_enabled": false } }))
        .await
        .data();
    world.put(Who::Host, &path, json!({ "meeting_start_time": "2098-01-01T09:00:00Z" })).await.data();
    assert_eq!(world.round().await, Round::Tried(4));
    let mails = server.mails();
    let update = mails.iter().find(|mail| mail.header("subject") == "Updated: Weekly").expect("an update");
    assert_eq!((update.method(), update.event("SEQUENCE")), ("REQUEST", &json!("1")));
    assert_eq!(update.event("UID"), mails[0].event("UID"));
    assert_eq!(update.event("DTSTART"), "20980101T090000Z");
}

#[tokio::test]
async fn kcs_05_a_new_list_invites_and_removes_by_mail() {
    let world = World::new().await;
    let id = world.two_invited().await;
    let people = json!({ "participants": ["member@demo.test", "second@demo.test"] });
    world.put(Who::Host, &format!("/api/meeting/{id}"), people).await.data();
    assert_eq!(
        world.outbox().await,
        [
            "invitation queued guest@elsewhere.test",
            "invitation queued member@demo.test",
            "invitation queued second@demo.test",
            "removal queued guest@elsewhere.test",
        ]
    );
}

#[tokio::test]
async fn kcs_11_whoever_is_added_is_mailed_with_the_message_and_kcs_12_whoever_is_removed_too() {
    let server = Server::start();
    let world = world(&server.url(), &[]).await;
    let path = format!("/api/meeting/{}/participants", world.meeting(json!({})).await);
    let people =
        json!([{ "user_id": world.user_id(Who::Second).await }, { "email": "guest@elsewhere.test" }]);
    let body = json!({ "participants": people, "invitation_message": "Bring <cake>" });
    let added = world.post(Who::Host, &path, body).await;
    assert_eq!(added.data()["invitations_sent"], 2);
    let quiet = json!({ "participants": [{ "email": "quiet@elsewhere.test" }], "send_invitation": false });
    assert_eq!(world.post(Who::Host, &path, quiet).await.data()["invitations_sent"], 0);
    let gone = json!({ "participant_ids": [world.user_id(Who::Second).await], "reason": "Another time" });
    world.call(Who::Host, http::Method::DELETE, &path, gone).await.data();
    assert_eq!(world.round().await, Round::Tried(4));
    let mails = server.mails();
    let with =
        |subject: &str| mails.iter().filter(|mail| mail.header("subject") == subject).collect::<Vec<_>>();
    let cake = with("Invitation: Weekly").iter().filter(|mail| mail.text(0).contains("Bring <cake>")).count();
    assert_eq!(cake, 2, "the first invitation had no message");
    let [removal] = with("Removed: Weekly")[..] else { panic!("one removal") };
    assert_eq!((removal.header("to"), removal.method()), ("Sofia Second <second@demo.test>", "CANCEL"));
    assert!(removal.text(0).contains("Another time"), "{}", removal.text(0));
    let again = json!({ "participants": [{ "user_id": world.user_id(Who::Second).await }] });
    assert_eq!(world.post(Who::Host, &path, again).await.data()["invitations_sent"], 1, "invited anew");
}

#[tokio::test]
async fn kcs_06_a_cancellation_takes_the_meeting_out_of_calendars() {
    let server = Server::start();
    let world = world(&server.url(), &[]).await;
    let path = format!("/api/meeting/{}", world.two_invited().await);
    world.round().await;
    world.delete(Who::Host, &path).await.data();
    assert_eq!(world.round().await, Round::Tried(2));
    let mails = server.mails();
    for mail in &mails[2..] {
        assert_eq!((mail.header("subject"), mail.method()), ("Cancelled: Weekly", "CANCEL"));
        assert_eq!((mail.event("STATUS"), mail.event("SEQUENCE")), (&json!("CANCELLED"), &json!("1")));
        assert_eq!(mail.event("UID"), mails[0].event("UID"));
    }
}

#[tokio::test]
async fn c_64_a_refused_change_leaves_no_mail() {
    let world = World::new().await;
    let id = world.two_invited().await;
    let before = world.outbox().await;
    let path = format!("/api/meeting/{id}");
    let reversed = json!({ "meeting_name": "New", "meeting_end_time": "2097-01-01T10:00:00Z" });
    world.put(Who::Host, &path, reversed).await.refused(400, "Meeting end time must be after start time");
    world.delete(Who::Member, &path).await.refused(403, "Access denied");
    assert_eq!(world.outbox().await, before);
}

#[tokio::test]
async fn c_64_mail_waits_for_a_server_that_is_down_and_leaves_when_it_is_back() {
    let port = {
        let gone = Server::start();
        gone.port
    };
    let world = world(&format!("smtp://127.0.0.1:{port}"), &[]).await;
    world.two_invited().await;
    for _ in 0..3 {
        assert!(matches!(world.round().await, Round::NoServer(_)));
    }
    assert_eq!(
        world.outbox().await,
        ["invitation queued guest@elsewhere.test", "invitation queued member@demo.test"]
    );
    let listed = world.get(Who::Admin, "/api/admin/outbox").await;
    assert_eq!(listed.data()[0]["attempts"], 0, "the server's absence is nobody's failed attempt");
    let server = Server::with(&["--port", &port.to_string()]);
    assert_eq!(world.round().await, Round::Tried(2));
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn c_64_a_temporary_refusal_is_tried_again_after_a_pause() {
    let server = Server::start();
    let world = world(&server.url(), &[]).await;
    world.two_invited().await;
    server.say(Some("451 4.7.1 greylisted, try again"));
    assert_eq!(world.round().await, Round::Tried(2));
    assert_eq!(world.round().await, Round::Idle, "not before the pause is over");
    let listed = world.get(Who::Admin, "/api/admin/outbox").await;
    let mail = &listed.data()[0];
    assert_eq!((&mail["status"], &mail["attempts"]), (&json!("queued"), &json!(1)));
    assert!(mail["last_error"].as_str().expect("a reason").contains("greylisted"), "{mail}");
    server.say(None);
    world.clock.advance(Duration::seconds(31));
    assert_eq!(world.round().await, Round::Tried(2));
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn c_64_a_mail_that_nobody_takes_is_given_up() {
    let server = Server::start();
    let world = world(&server.url(), &[]).await;
    world.two_invited().await;
    server.say(Some("451 later"));
    world.round().await;
    world.clock.advance(Duration::hours(49));
    assert_eq!(world.round().await, Round::Idle);
    assert_eq!(
        world.outbox().await,
        ["invitation failed guest@elsewhere.test", "invitation failed member@demo.test"]
    );
}

#[tokio::test]
async fn c_64_a_server_that_is_fed_up_after_one_refusal_does_not_refuse_the_other_mails() {
    let server = Server::with(&["--fed-up"]);
    let world = world(&server.url(), &[]).await;
    world.two_invited().await;
    server.say(Some("550 5.1.1 no such mailbox"));
    assert!(
        matches!(world.round().await, Round::NoServer(problem) if problem.contains("no service for you"))
    );
    let mut states = world.outbox().await;
    states.iter_mut().for_each(|line| *line = line.split(' ').nth(1).expect("a state").to_owned());
    states.sort();
    assert_eq!(states, ["failed", "queued"]);
}

#[tokio::test]
async fn add_22_a_mail_refused_for_good_is_sent_again_when_an_administrator_says_so() {
    let server = Server::start();
    let world = world(&server.url(), &[]).await;
    world.meeting(json!({})).await;
    server.say(Some("550 5.1.1 no such mailbox"));
    assert_eq!(world.round().await, Round::Tried(1));
    world.clock.advance(Duration::hours(3));
    assert_eq!(world.round().await, Round::Idle, "refused for good");
    let failed = world.get(Who::Admin, "/api/admin/outbox?status=failed").await;
    let mail = &failed.data()[0];
    assert!(mail["last_error"].as_str().expect("a reason").contains("no such mailbox"), "{mail}");
    let path = format!("/api/admin/outbox/{}/retry", mail["id"].as_str().expect("an id"));
    world.post(Who::Host, &path, Value::Null).await.refused(403, "Access denied");
    server.say(None);
    assert_eq!(world.post(Who::Admin, &path, Value::Null).await.data()["status"], "queued");
    world.post(Who::Admin, &path, Value::Null).await.refused(400, "status: only failed mail is sent again");
    let trail = world.get(Who::Admin, "/api/admin/audit?action=mail.retry").await;
    assert_eq!((trail.data().as_array().map(Vec::len), &trail.data()[0]["detail"]), (Some(1), &mail["id"]));
    assert_eq!(world.round().await, Round::Tried(1));
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn c_64_mail_goes_through_starttls_with_a_login() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a directory");
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let (cert, key) = (cert.to_string_lossy(), key.to_string_lossy());
    let server = Server::with(&["--tls", &cert, &key, "--auth", "plenum", "pa:ss/word"]);
    let port = server.port;
    let good = format!("smtp://plenum:pa%3Ass%2Fword@localhost:{port}");
    let world = world(&good, &[("SMTP_CA", &cert)]).await;
    world.meeting(json!({})).await;
    assert_eq!(world.round().await, Round::Tried(1));
    assert_eq!(server.mails().len(), 1);
    // Neither a certificate nobody vouches for nor a wrong password gives up a mail.
    for (url, more) in
        [(good.as_str(), None), (&format!("smtp://plenum:wrong@localhost:{port}"), Some(&cert))]
    {
        let more: Vec<(&str, &str)> = more.iter().map(|cert| ("SMTP_CA", &***cert)).collect();
        let other = self::world(url, &more).await;
        other.meeting(json!({})).await;
        let Round::NoServer(problem) = other.round().await else { panic!("sent") };
        assert!(!problem.contains("wrong@") && !problem.contains("pa:ss"), "{problem}");
        assert_eq!(other.outbox().await, ["invitation queued member@demo.test"]);
    }
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn c_64_a_mail_stored_before_the_process_died_is_sent_once_by_the_next() {
    let server = Server::start();
    let world = world(&server.url(), &[]).await;
    world.meeting(json!({})).await;
    // Killed after taking the mail and before sending it.
    let now = world.clock.now();
    let claimed = world.store.claim_mails("a process that died", now, now + Duration::minutes(5), 9).await;
    assert_eq!(claimed.expect("claims").len(), 1);
    let world = world.restarted().await;
    assert_eq!(world.round().await, Round::Idle, "nobody knows yet that it died");
    world.clock.advance(Duration::minutes(6));
    assert_eq!(world.round().await, Round::Tried(1));
    assert_eq!(world.round().await, Round::Idle);
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn c_64_a_mail_whose_sending_was_never_noted_is_sent_again_under_its_message_id() {
    let server = Server::start();
    let world = world(&server.url(), &[]).await;
    world.meeting(json!({})).await;
    world.round().await;
    // As if the process had been killed between the server's yes and the note of it.
    let id =
        world.get(Who::Admin, "/api/admin/outbox").await.data()[0]["id"].as_str().expect("an id").to_owned();
    world.unsend(&id).await;
    world.clock.advance(Duration::minutes(6));
    assert_eq!(world.round().await, Round::Tried(1));
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].header("message-id"), mails[1].header("message-id"));
}

#[tokio::test]
async fn c_64_two_senders_at_once_send_each_mail_once() {
    let server = Server::start();
    let world = world(&server.url(), &[]).await;
    let people: Vec<_> = (0..40).map(|number| format!("p{number}@elsewhere.test")).collect();
    world.meeting(json!({ "participants": people })).await;
    let (a, b) = (world.app.services.mail.clone(), world.app.services.mail.clone());
    let stop = CancellationToken::new();
    let (one, two) = tokio::join!(a.round(&stop), b.round(&stop));
    let tried: u32 = [one, two]
        .into_iter()
        .map(|round| match round.expect("works") {
            Round::Tried(mails) => mails,
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(tried, 40);
    let mut readers = server.readers();
    readers.dedup();
    assert_eq!((readers.len(), server.mails().len()), (40, 40));
}

#[tokio::test]
async fn c_64_stopping_between_two_mails_gives_the_rest_back() {
    let server = Server::start();
    let world = world(&server.url(), &[]).await;
    world.two_invited().await;
    let stop = CancellationToken::new();
    stop.cancel();
    assert_eq!(world.app.services.mail.round(&stop).await, Ok(Round::Tried(0)));
    assert_eq!(world.round().await, Round::Tried(2), "at once, without waiting for a lease to end");
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn c_64_a_name_cannot_add_headers_or_lines() {
    let server = Server::start();
    let world = world(&server.url(), &[]).await;
    let evil = "Eve\r\nBcc: everybody@example.org\r\n\r\nHello\u{202e}";
    let people = json!([{ "email": "eve@elsewhere.test", "name": evil }]);
    world.meeting(json!({ "participants": people, "meeting_name": evil, "meeting_location": evil })).await;
    assert_eq!(world.round().await, Round::Tried(1));
    let mail = server.mails().remove(0);
    assert_eq!(mail.header("subject"), "Invitation: Eve Bcc: everybody@example.org Hello");
    assert!(mail.0["headers"]["bcc"].is_null() && mail.parts().len() == 4, "{:?}", mail.0);
    assert_eq!(mail.event("SUMMARY"), "Eve Bcc: everybody@example.org Hello");
}

#[tokio::test]
async fn add_20_the_outbox_is_paged_filtered_and_for_administrators_of_its_campus() {
    let world = World::new().await;
    let first = world.two_invited().await;
    world.meeting(json!({})).await;
    let all = world.get(Who::Admin, "/api/admin/outbox").await;
    assert_eq!(
        (&all.body["count"], &all.body["total"], &all.body["delivery"]),
        (&json!(3), &json!(3), &json!(false))
    );
    let page = world.get(Who::Admin, "/api/admin/outbox?limit=2&offset=2").await;
    assert_eq!((&page.body["count"], &page.body["total"]), (&json!(1), &json!(3)));
    assert_eq!(page.data()[0], all.data()[2]);
    let of_one = world.get(Who::Admin, &format!("/api/admin/outbox?meeting_id={first}&status=queued")).await;
    assert_eq!(of_one.body["total"], 2);
    assert_eq!(world.get(Who::Admin, "/api/admin/outbox?status=sent").await.body["total"], 0);
    for (query, message) in [
        ("status=lost", "status: must be one of queued, sent, failed"),
        ("limit=0", "limit: must be a whole number between 1 and 200"),
        ("offset=-1", "offset: must be a whole number between 0 and 4294967295"),
    ] {
        world.get(Who::Admin, &format!("/api/admin/outbox?{query}")).await.refused(400, message);
    }
    world.get(Who::Host, "/api/admin/outbox").await.refused(403, "Access denied");
    world.get(Who::Nobody, "/api/admin/outbox").await.refused(401, "Authentication token missing");
    for (campus, seen) in [("default", 3), ("other", 0)] {
        let email = format!("{campus}@demo.test");
        let person = json!({
            "name": "Cam", "email": email, "password": "secret-1", "user_type": "campus_admin", "campus_id": campus,
        });
        world.post(Who::Admin, "/api/admin/users", person).await.data();
        let token =
            world.log_in(&email, "secret-1").await.data()["token"].as_str().expect("a token").to_owned();
        let list = world.call_as(Some(&token), http::Method::GET, "/api/admin/outbox", Value::Null).await;
        assert_eq!(list.body["total"], seen, "{campus}");
        let path = format!("/api/admin/outbox/{}", all.data()[0]["id"].as_str().expect("an id"));
        let one = world.call_as(Some(&token), http::Method::GET, &path, Value::Null).await;
        assert_eq!(one.status.as_u16(), if seen == 0 { 404 } else { 200 }, "{campus}");
    }
}

#[tokio::test]
async fn add_21_one_mail_is_shown_with_its_parts_and_no_password() {
    let world = World::new().await;
    world.meeting(json!({ "meeting_password": "sesame-1" })).await;
    let list = world.get(Who::Admin, "/api/admin/outbox").await;
    let id = list.data()[0]["id"].as_str().expect("an id").to_owned();
    let whole = world.get(Who::Admin, &format!("/api/admin/outbox/{id}")).await;
    let mail = whole.data();
    assert_eq!(
        (&mail["subject"], &mail["reply_to"]["email"]),
        (&json!("Invitation: Weekly"), &json!("host@demo.test"))
    );
    assert!(mail["text"].as_str().expect("a text").contains("You will be asked for the meeting's password"));
    assert!(mail["html"].as_str().expect("a text").contains("<!doctype html>"));
    assert!(mail["calendar"].as_str().expect("a text").starts_with("BEGIN:VCALENDAR\r\n"));
    assert!(!whole.body.to_string().contains("sesame-1"));
    for unknown in ["7", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "%FF"] {
        world.get(Who::Admin, &format!("/api/admin/outbox/{unknown}")).await.refused(404, "Mail not found");
    }
    world.get(Who::Member, &format!("/api/admin/outbox/{id}")).await.refused(403, "Access denied");
}

#[tokio::test]
async fn c_64_old_mail_that_waits_for_nothing_is_dropped() {
    let world = World::new().await;
    world.meeting(json!({})).await;
    world.clock.advance(Duration::days(31));
    assert_eq!(world.app.services.mail.tidy().await, Ok(1));
    assert!(world.outbox().await.is_empty());
}
