//! Meetings that repeat (C-39): made, gone through, changed and called off through the front door.

use http::Method;
use serde_json::{Value, json};
use time::Duration;
use time::macros::datetime;

use crate::world::{Who, World, bad, check, meeting_body};

/// A series that meets daily at ten, five times, from the first of January 2098.
const DAILY: &str = "FREQ=DAILY;COUNT=5";

impl World {
    async fn series(&self, more: Value) -> Value {
        let mut body = json!({ "recurrence": DAILY });
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        self.post(Who::Host, "/api/meeting", meeting_body(body)).await.data().clone()
    }

    /// The meetings of the host that are to be seen, oldest start first.
    async fn seen(&self) -> Vec<Value> {
        let mut meetings =
            self.get(Who::Host, "/api/meeting").await.data().as_array().expect("a list").clone();
        meetings.sort_by_key(|meeting| meeting["meeting_start_time"].as_str().map(str::to_owned));
        meetings
    }

    async fn starts(&self) -> Vec<String> {
        let start =
            |meeting: &Value| meeting["meeting_start_time"].as_str().expect("a time")[5..16].to_owned();
        self.seen().await.iter().map(start).collect()
    }

    /// What the job does every minute.
    async fn make_due(&self) -> u32 {
        self.app.services.meetings.make_due_occurrences().await.expect("the database works")
    }

    fn set_time(&self, at: time::OffsetDateTime) {
        // The clock goes by whole seconds: a little after rather than a little before.
        self.clock.advance(at - self.clock.now() + Duration::SECOND);
    }

    /// Start and end a meeting.
    async fn hold(&self, id: &str) {
        self.post(Who::Host, &format!("/api/meeting/{id}/start"), Value::Null).await.data();
        self.post(Who::Host, &format!("/api/meeting/{id}/end"), Value::Null).await.data();
    }

    /// Kind, recurrence id and rule of every mail to the member, oldest first.
    async fn calendar(&self) -> Vec<(String, Option<String>, Option<String>)> {
        let list = self.get(Who::Admin, "/api/admin/outbox").await;
        let mut found = Vec::new();
        for mail in list.data().as_array().expect("a list") {
            if mail["to"]["email"] != "member@demo.test" {
                continue;
            }
            let id = mail["id"].as_str().expect("an id");
            let whole = self.get(Who::Admin, &format!("/api/admin/outbox/{id}")).await;
            let lines = whole.data()["calendar"].as_str().expect("a text").replace("\r\n ", "");
            let line = |name: &str| {
                lines.lines().find_map(|line| line.strip_prefix(name)).map(|rest| rest[1..].to_owned())
            };
            let sequence: u32 = line("SEQUENCE").expect("there").parse().expect("a number");
            let kind = mail["kind"].as_str().expect("a word").to_owned();
            found.push((sequence, (kind, line("RECURRENCE-ID"), line("RRULE"))));
        }
        found.sort();
        found.into_iter().map(|(_, said)| said).collect()
    }
}

fn id(meeting: &Value) -> String {
    meeting["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn c_39_a_rule_makes_a_series_whose_first_occurrence_is_the_meeting() {
    let world = World::new().await;
    let berlin =
        json!({ "recurrence": "RRULE:freq=weekly;until=20980301", "recurrence_timezone": "Europe/Berlin" });
    let made = world.series(berlin).await;
    assert_eq!(made["meeting_type"], "recurring");
    assert_eq!(made["recurrence"], "FREQ=WEEKLY;UNTIL=20980301T225959Z");
    assert_eq!(made["recurrence_timezone"], "Europe/Berlin");
    assert_eq!(
        (&made["recurrence_id"], &made["series_id"]),
        (&json!("2098-01-01T10:00:00.000Z"), &made["id"])
    );
    let single =
        world.post(Who::Host, "/api/meeting", meeting_body(json!({ "meeting_type": "recurring" }))).await;
    for field in ["series_id", "recurrence", "recurrence_timezone", "recurrence_id"] {
        assert_eq!(single.data()[field], Value::Null, "{field}");
    }
    assert_eq!(world.make_due().await, 0, "the next is due when this one is over or a day before");
}

#[tokio::test]
async fn c_39_rules_out_of_bounds_are_refused_by_their_field() {
    let world = World::new().await;
    let with = |rule: Value| meeting_body(json!({ "recurrence": rule }));
    let h = Who::Host;
    let unreadable = "recurrence: must be an RFC 5545 rule such as FREQ=WEEKLY;BYDAY=MO;COUNT=10";
    check(
        &world,
        Method::POST,
        "/api/meeting",
        vec![
            bad("no rule", h, with(json!("weekly")), 400, unreadable),
            bad("a kind", h, with(json!(7)), 400, "recurrence: must be a string"),
            bad(
                "hourly",
                h,
                with(json!("FREQ=HOURLY;COUNT=2")),
                400,
                "recurrence: must not be finer than a day",
            ),
            bad(
                "endless",
                h,
                with(json!("FREQ=DAILY")),
                400,
                "recurrence: must end, by COUNT or UNTIL, after at most 366 occurrences",
            ),
            bad(
                "too many",
                h,
                with(json!("FREQ=DAILY;COUNT=367")),
                400,
                "recurrence: must not have more than 366 occurrences",
            ),
            bad(
                "another day",
                h,
                with(json!("FREQ=WEEKLY;BYDAY=MO;COUNT=3")),
                400,
                "recurrence: meeting_start_time must be one of the times the rule names",
            ),
            bad(
                "a zone",
                h,
                meeting_body(json!({ "recurrence": DAILY, "recurrence_timezone": "Mars/Base" })),
                400,
                "recurrence_timezone: must be an IANA name such as Europe/Berlin",
            ),
            bad(
                "a zone alone",
                h,
                meeting_body(json!({ "recurrence_timezone": "Europe/Berlin" })),
                400,
                "recurrence_timezone: needs a recurrence",
            ),
        ],
    )
    .await;
    assert!(world.seen().await.is_empty(), "a refused series leaves nothing behind");
}

#[tokio::test]
async fn c_39_the_next_occurrence_comes_when_the_last_ends_or_a_day_ahead_and_once() {
    let world = World::new().await;
    let first = world.series(json!({ "max_participants": 7 })).await;
    world.set_time(datetime!(2098-01-01 09:59 UTC));
    assert_eq!((world.make_due().await, world.starts().await.len()), (0, 1));
    world.set_time(datetime!(2098-01-01 10:00 UTC));
    assert_eq!((world.make_due().await, world.make_due().await), (1, 0));
    let second = world.seen().await.remove(1);
    assert_eq!(
        (&second["meeting_start_time"], &second["meeting_end_time"], &second["max_participants"]),
        (&json!("2098-01-02T10:00:00.000Z"), &json!("2098-01-02T11:00:00.000Z"), &json!(7))
    );
    assert_eq!((&second["series_id"], &second["meeting_status"]), (&first["series_id"], &json!("scheduled")));
    assert_ne!(second["meeting_room_id"], first["meeting_room_id"]);
    let people = |meeting: &Value| {
        let people = meeting["participants"].as_array().expect("a list").iter();
        people.map(|person| person["email"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(people(&second), people(&first));
    // Ended early: the one after comes at once, more than a day ahead.
    world.hold(&id(&first)).await;
    world.hold(&id(&second)).await;
    assert_eq!(world.starts().await, ["01-01T10:00", "01-02T10:00", "01-03T10:00"]);
    assert_eq!(world.calendar().await.len(), 1, "one invitation for the series, not one a day");
}

#[tokio::test]
async fn c_39_a_server_that_slept_leaves_out_what_was_missed_and_ends_with_the_last() {
    let world = World::new().await;
    world.series(json!({})).await;
    world.set_time(datetime!(2098-01-04 10:30 UTC));
    assert_eq!(world.make_due().await, 2, "the one that runs by now, and the one within a day");
    assert_eq!(world.starts().await, ["01-01T10:00", "01-04T10:00", "01-05T10:00"]);
    world.set_time(datetime!(2098-02-01 10:30 UTC));
    assert_eq!((world.make_due().await, world.starts().await.len()), (0, 3));
}

#[tokio::test]
async fn c_39_two_processes_make_an_occurrence_once() {
    let world = World::new().await;
    world.series(json!({})).await;
    world.set_time(datetime!(2098-01-01 10:00 UTC));
    let (a, b) = (world.app.services.meetings.clone(), world.app.services.meetings.clone());
    let (one, two) = tokio::join!(a.make_due_occurrences(), b.make_due_occurrences());
    assert_eq!((one.expect("works") + two.expect("works"), world.starts().await.len()), (1, 2));
}

#[tokio::test]
async fn kcs_05_a_change_of_one_occurrence_stays_there_and_one_of_the_series_goes_on() {
    let world = World::new().await;
    let first = world.series(json!({})).await;
    world.set_time(datetime!(2098-01-01 10:00 UTC));
    world.make_due().await;
    let path = format!("/api/meeting/{}", id(&world.seen().await[1]));
    let moved =
        json!({ "meeting_start_time": "2098-01-02T12:00:00Z", "meeting_end_time": "2098-01-02T13:00:00Z" });
    let one = world.put(Who::Host, &path, moved).await;
    assert_eq!(one.data()["recurrence_id"], "2098-01-02T10:00:00.000Z", "what the rule says stays");
    world.set_time(datetime!(2098-01-02 10:00 UTC));
    world.make_due().await;
    assert_eq!(world.starts().await, ["01-01T10:00", "01-02T12:00", "01-03T10:00"]);

    let renamed = json!({ "meeting_name": "Daily", "max_participants": 9 });
    world.put(Who::Host, &format!("{path}?series=true"), renamed).await.data();
    let seen = world.seen().await;
    let names: Vec<_> =
        seen.iter().map(|meeting| meeting["meeting_name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["Weekly", "Daily", "Daily"], "what was before stays as it was");
    assert_eq!((&seen[2]["max_participants"], &seen[2]["recurrence"]), (&json!(9), &json!(DAILY)));
    world.set_time(datetime!(2098-01-03 10:00 UTC));
    world.make_due().await;
    assert_eq!(world.seen().await[3]["meeting_name"], "Daily");
    assert_eq!(
        world.calendar().await,
        [
            ("invitation".into(), None, Some(DAILY.into())),
            ("update".into(), Some("20980102T100000Z".into()), None),
            ("update".into(), None, Some(DAILY.into())),
        ]
    );
    assert_eq!(first["recurrence"], DAILY);
}

#[tokio::test]
async fn kcs_05_new_times_or_a_new_rule_of_a_series_hold_from_that_occurrence_on() {
    let world = World::new().await;
    world.series(json!({})).await;
    world.set_time(datetime!(2098-01-02 10:00 UTC));
    world.make_due().await;
    assert_eq!(world.starts().await, ["01-01T10:00", "01-02T10:00", "01-03T10:00"]);
    let path = format!("/api/meeting/{}", id(&world.seen().await[1]));
    let later =
        json!({ "meeting_start_time": "2098-01-02T15:00:00Z", "meeting_end_time": "2098-01-02T16:00:00Z" });
    let changed = world.put(Who::Host, &format!("{path}?series=true"), later).await;
    assert_eq!(changed.data()["recurrence"], "FREQ=DAILY;COUNT=4", "one of the five is over");
    assert_eq!(changed.data()["recurrence_id"], "2098-01-02T15:00:00.000Z");
    assert_eq!(
        world.starts().await,
        ["01-01T10:00", "01-02T15:00"],
        "made again by the new times, a day ahead"
    );
    world.set_time(datetime!(2098-01-02 15:00 UTC));
    world.make_due().await;
    assert_eq!(world.starts().await, ["01-01T10:00", "01-02T15:00", "01-03T15:00"]);

    let weekly = json!({ "recurrence": "FREQ=WEEKLY;COUNT=2" });
    let alone = "recurrence: is that of the whole series: send it with series=true";
    world.put(Who::Host, &path, weekly.clone()).await.refused(400, alone);
    world.put(Who::Host, &path, json!({ "recurrence": null })).await.refused(400, alone);
    let same = json!({ "recurrence": "FREQ=DAILY;COUNT=4", "recurrence_timezone": "UTC" });
    world.put(Who::Host, &path, same).await.data();
    world.put(Who::Host, &format!("{path}?series=true"), weekly).await.data();
    assert_eq!(world.starts().await, ["01-01T10:00", "01-02T15:00"]);
    world.set_time(datetime!(2098-01-08 15:00 UTC));
    world.make_due().await;
    assert_eq!(world.starts().await, ["01-01T10:00", "01-02T15:00", "01-09T15:00"]);
    world
        .put(Who::Host, &format!("{path}?series=maybe"), json!({}))
        .await
        .refused(400, "series: must be true or false");
}

#[tokio::test]
async fn kcs_05_a_rule_turns_a_meeting_into_a_series_and_null_ends_it() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    let path = format!("/api/meeting/{meeting}");
    let turned = world.put(Who::Host, &path, json!({ "recurrence": DAILY })).await;
    assert_eq!((&turned.data()["series_id"], &turned.data()["recurrence"]), (&json!(meeting), &json!(DAILY)));
    let ended = world.put(Who::Host, &format!("{path}?series=true"), json!({ "recurrence": null })).await;
    assert_eq!(ended.data()["recurrence"], "FREQ=DAILY;UNTIL=20980101T100000Z");
    world.set_time(datetime!(2098-01-01 10:00 UTC));
    assert_eq!((world.make_due().await, world.starts().await.len()), (0, 1));
    assert_eq!(
        world.calendar().await,
        [
            ("invitation".into(), None, None),
            ("update".into(), None, Some(DAILY.into())),
            ("update".into(), None, Some("FREQ=DAILY;UNTIL=20980101T100000Z".into())),
        ]
    );
}

#[tokio::test]
async fn kcs_06_one_occurrence_is_called_off_and_the_series_goes_on() {
    let world = World::new().await;
    let first = world.series(json!({})).await;
    world.delete(Who::Host, &format!("/api/meeting/{}", id(&first))).await.data();
    assert_eq!(world.starts().await, ["01-02T10:00"], "the next took its place");
    let rename = json!({ "meeting_name": "Daily" });
    let path = format!("/api/meeting/{}?series=true", id(&world.seen().await[0]));
    world.put(Who::Host, &path, rename).await.data();
    let said = world.calendar().await;
    assert_eq!(said[1], ("cancellation".into(), Some("20980101T100000Z".into()), None));
    // The entry of the series is renewed without the occurrence that was called off.
    let newest =
        world.get(Who::Admin, "/api/admin/outbox").await.data()[0]["id"].as_str().expect("an id").to_owned();
    let whole = world.get(Who::Admin, &format!("/api/admin/outbox/{newest}")).await;
    assert!(
        whole.data()["calendar"].as_str().expect("a text").contains("EXDATE:20980101T100000Z"),
        "{}",
        whole.body
    );
}

#[tokio::test]
async fn c_39_a_series_that_begins_anew_leaves_out_what_was_called_off() {
    let world = World::new().await;
    let first = world.series(json!({})).await;
    world.set_time(datetime!(2098-01-01 10:00 UTC));
    world.make_due().await;
    world.delete(Who::Host, &format!("/api/meeting/{}", id(&world.seen().await[1]))).await.data();
    assert_eq!(world.starts().await, ["01-01T10:00", "01-03T10:00"]);
    let path = format!("/api/meeting/{}?series=true", id(&first));
    world.put(Who::Host, &path, json!({ "recurrence": "FREQ=DAILY;COUNT=4" })).await.data();
    world.set_time(datetime!(2098-01-03 10:00 UTC));
    world.make_due().await;
    assert_eq!(world.starts().await, ["01-01T10:00", "01-03T10:00", "01-04T10:00"]);
}

#[tokio::test]
async fn kcs_05_an_occurrence_moves_to_the_time_of_one_that_was_called_off_and_of_no_other() {
    let world = World::new().await;
    let first = world.series(json!({})).await;
    world.delete(Who::Host, &format!("/api/meeting/{}", id(&first))).await.data();
    let times =
        json!({ "meeting_start_time": "2098-01-01T10:00:00Z", "meeting_end_time": "2098-01-01T11:00:00Z" });
    let path = format!("/api/meeting/{}?series=true", id(&world.seen().await[0]));
    world.put(Who::Host, &path, times.clone()).await.data();
    world.set_time(datetime!(2098-01-01 09:30 UTC));
    world.make_due().await;
    world.set_time(datetime!(2098-01-01 10:00 UTC));
    world.make_due().await;
    assert_eq!(world.starts().await, ["01-01T10:00", "01-02T10:00"]);
    let path = format!("/api/meeting/{}?series=true", id(&world.seen().await[1]));
    world.set_time(datetime!(2098-01-01 09:00 UTC));
    let taken = "meeting_start_time: is that of another occurrence of the series";
    world.put(Who::Host, &path, times).await.refused(400, taken);
}

#[tokio::test]
async fn kcs_06_a_whole_series_is_called_off_with_what_was_made() {
    let world = World::new().await;
    let first = world.series(json!({})).await;
    world.hold(&id(&first)).await;
    let second = id(&world.seen().await[1]);
    world
        .delete(Who::Member, &format!("/api/meeting/{second}?series=true"))
        .await
        .refused(403, "Access denied");
    world.delete(Who::Host, &format!("/api/meeting/{second}?series=true")).await.data();
    assert_eq!(world.starts().await, ["01-01T10:00"], "what was held stays");
    world.set_time(datetime!(2098-01-03 10:00 UTC));
    assert_eq!(world.make_due().await, 0);
    assert_eq!(world.calendar().await[1], ("cancellation".into(), None, Some(DAILY.into())));
}

#[tokio::test]
async fn c_39_the_link_of_a_series_leads_to_the_live_occurrence_else_to_the_next() {
    let world = World::new().await;
    let first = world.series(json!({})).await;
    let lead = async || {
        let answer = world.get(Who::Nobody, &format!("/s/{}", id(&first))).await;
        assert_eq!(answer.status, 303);
        answer.header("location").expect("a place").to_owned()
    };
    assert_eq!(lead().await, format!("/m/{}", id(&first)));
    world.hold(&id(&first)).await;
    let second = id(&world.seen().await[1]);
    assert_eq!(lead().await, format!("/m/{second}"));
    assert_eq!(world.get(Who::Nobody, "/s/nothing").await.header("location"), Some("/"));
}
