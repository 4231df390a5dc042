use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);

fn answer(status: u16) -> Heard {
    Heard::Answer { status, retry_after: None }
}

fn endpoint() -> Endpoint {
    Endpoint {
        id: WebhookId(ulid::Ulid::nil()),
        campus: None,
        url: "https://hooks.example.org/".to_owned(),
        description: String::new(),
        events: HookEvent::USUAL.to_vec(),
        secret: SigningSecret::new("one"),
        old_secret: None,
        is_configured: false,
        off: None,
        created_at: NOW,
    }
}

#[test]
fn c_60_five_tries_with_growing_pauses_and_then_no_more() {
    let whole = |attempts| pause(attempts, 1.0);
    assert_eq!(
        (1..=6).map(whole).collect::<Vec<_>>(),
        [
            Some(Duration::seconds(10)),
            Some(Duration::seconds(50)),
            Some(Duration::seconds(250)),
            Some(Duration::seconds(1250)),
            None,
            None,
        ]
    );
    for attempts in 1..TRIES_MAX {
        let (least, most) = (pause(attempts, 0.0).expect("again"), pause(attempts, 1.0).expect("again"));
        assert_eq!(least * 2, most, "chance has the second half");
        assert_eq!((pause(attempts, -7.0), pause(attempts, 7.0)), (Some(least), Some(most)));
    }
}

#[test]
fn c_60_what_is_heard_decides_what_follows() {
    for status in [200, 201, 204, 299] {
        assert_eq!(next(&answer(status), 1, 0.5), Next::Delivered(status));
    }
    assert_eq!(next(&answer(410), 1, 0.5), Next::Gone);
    // A redirect is not followed, so it is a try in vain like any other.
    for status in [100, 199, 300, 301, 302, 307, 308, 400, 401, 404, 408, 409, 411, 429, 500, 503] {
        assert_eq!(next(&answer(status), 1, 1.0), Next::Later(Duration::seconds(10)), "{status}");
        assert_eq!(next(&answer(status), TRIES_MAX, 1.0), Next::Dead, "{status}");
    }
    let silence = Heard::Nothing("no answer".to_owned());
    assert_eq!(next(&silence, 4, 1.0), Next::Later(Duration::seconds(1250)));
    assert_eq!(next(&silence, 5, 1.0), Next::Dead);
}

#[test]
fn c_60_a_receiver_that_is_busy_may_ask_for_a_longer_wait_within_a_bound() {
    let busy = |status, seconds| Heard::Answer { status, retry_after: Some(Duration::seconds(seconds)) };
    for status in [429, 503] {
        assert_eq!(next(&busy(status, 90), 1, 1.0), Next::Later(Duration::seconds(90)));
        assert_eq!(next(&busy(status, 1), 1, 1.0), Next::Later(Duration::seconds(10)), "no shorter one");
        assert_eq!(next(&busy(status, 999_999), 1, 1.0), Next::Later(Duration::HOUR));
        assert_eq!(next(&busy(status, 1), TRIES_MAX, 1.0), Next::Dead);
    }
    assert_eq!(next(&busy(500, 90), 1, 1.0), Next::Later(Duration::seconds(10)));
}

#[test]
fn retry_after_is_seconds_or_a_date_and_nonsense_is_nothing() {
    let read = |text| retry_after(text, NOW);
    assert_eq!(read("120"), Some(Duration::seconds(120)));
    assert_eq!(read(" 0 "), Some(Duration::ZERO));
    assert_eq!(read("99999999999999999999999"), Some(Duration::HOUR));
    assert_eq!(read("Fri, 20 Nov 2026 12:00:30 GMT"), Some(Duration::seconds(30)));
    assert_eq!(read("Fri, 20 Nov 2026 11:00:00 GMT"), Some(Duration::ZERO));
    assert_eq!(read("Fri, 20 Nov 2099 12:00:00 GMT"), Some(Duration::HOUR));
    for text in ["", "soon", "-1", "1.5", "+3", "20 Nov"] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn a_rotated_secret_signs_beside_the_new_one_for_a_day() {
    let mut endpoint = endpoint();
    let change = EndpointChange { secret: Some(SigningSecret::new("two")), ..EndpointChange::default() };
    endpoint.change(change, NOW).expect("changes");
    let texts = |at| -> Vec<String> {
        let secrets = signing(endpoint.secret.clone(), endpoint.old_secret.clone(), at);
        secrets.iter().map(|secret| secret.expose().to_owned()).collect()
    };
    assert_eq!(texts(NOW), ["two", "one"]);
    assert_eq!(texts(NOW + OLD_SECRET_FOR - Duration::SECOND), ["two", "one"]);
    assert_eq!(texts(NOW + OLD_SECRET_FOR), ["two"]);
    assert!(!format!("{endpoint:?}").contains("two"), "no secret is shown");
}

#[test]
fn switching_on_and_off_keeps_why() {
    let set = |endpoint: &mut Endpoint, enabled| {
        endpoint.change(EndpointChange { enabled: Some(enabled), ..EndpointChange::default() }, NOW)
    };
    let mut endpoint = endpoint();
    assert_eq!((set(&mut endpoint, false), endpoint.off), (Ok(()), Some(Off::Administrator)));
    assert_eq!((set(&mut endpoint, true), endpoint.off), (Ok(()), None));
    endpoint.off = Some(Off::Gone);
    assert_eq!((set(&mut endpoint, false), endpoint.off), (Ok(()), Some(Off::Gone)));
    assert_eq!((set(&mut endpoint, true), endpoint.off), (Ok(()), None));
    endpoint.off = Some(Off::Settings);
    assert!(set(&mut endpoint, true).is_err(), "only the settings bring it back");
}

#[test]
fn the_secret_of_the_settings_is_not_rotated_here() {
    let mut endpoint = Endpoint { is_configured: true, ..endpoint() };
    let change = EndpointChange { secret: Some(SigningSecret::new("two")), ..EndpointChange::default() };
    assert!(endpoint.change(change, NOW).is_err());
    assert_eq!(endpoint.secret.expose(), "one");
}

#[test]
fn events_are_some_each_once_and_descriptions_are_short_and_plain() {
    use HookEvent::{MeetingEnded, MeetingStarted};
    assert_eq!(
        asked(vec![MeetingEnded, MeetingStarted, MeetingEnded]),
        Ok(vec![MeetingStarted, MeetingEnded])
    );
    assert!(asked(Vec::new()).is_err());
    assert_eq!(HookEvent::parse("webhook.ping"), None, "nobody asks for a try-out of others");
    assert_eq!(described(" a\u{7}b\n "), Ok("ab".to_owned()));
    assert!(described(&"é".repeat(DESCRIPTION_CHARS_MAX)).is_ok());
    assert!(described(&"é".repeat(DESCRIPTION_CHARS_MAX + 1)).is_err());
}

#[test]
fn minutes_are_whole_and_never_negative() {
    let after = |seconds| minutes(NOW, NOW + Duration::seconds(seconds));
    assert_eq!([0, 29, 30, 3600, 3629, 3630, -90].map(after), [0, 0, 1, 60, 60, 61, 0]);
}
