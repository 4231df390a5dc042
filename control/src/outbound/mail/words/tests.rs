use super::super::letters::{letter, weekly};
use super::*;

fn words(kind: MailKind, scope: Scope) -> Worded {
    Words::new(Some("https://meet.example.org/".into())).of(&letter(kind, scope))
}

#[test]
fn an_invitation_says_what_when_who_and_where_to_join() {
    let words = words(MailKind::Invitation, Scope::Single);
    assert!(words.subject.starts_with("Invitation: Weekly; with, commas"), "{}", words.subject);
    for text in [words.text, words.html.replace("&#x2f;", "/")] {
        for part in [
            "Hanna invites you to a meeting.",
            "Mon 23 Nov 2026, 09:00 to 10:00 (UTC)",
            "Please come",
            "https://meet.example.org/m/01JDAVNTZ6MG8F0Q5W0R7YH3KC",
            "You will be asked for the meeting's password",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
}

#[test]
fn html_is_escaped_has_both_colour_schemes_and_loads_nothing() {
    let html = words(MailKind::Invitation, Scope::Single).html;
    assert!(html.contains("Second &lt;b&gt;line&lt;&#x2f;b&gt; &amp; more"), "{html}");
    assert!(
        html.contains("prefers-color-scheme: dark") && html.contains("color-scheme\" content=\"light dark\"")
    );
    assert!(
        !html.contains("<img")
            && !html.contains("url(")
            && !html.contains("<script")
            && !html.contains("<link")
    );
}

#[test]
fn a_series_says_how_it_repeats_and_its_link_leads_to_whichever_is_next() {
    let series = words(MailKind::Invitation, Scope::Series { recurrence: weekly(), without: Vec::new() });
    assert!(series.text.contains("Repeats every week, 30 times, until Mon 14 Jun 2027"), "{}", series.text);
    assert!(series.text.contains("10:00 to 11:00 (Europe/Berlin)"), "{}", series.text);
    assert_eq!(series.link.as_deref(), Some("https://meet.example.org/s/01JDAVNTZ6MG8F0Q5W0R7YH3KC"));
}

#[test]
fn whoever_is_out_is_given_no_link() {
    for kind in [MailKind::Cancellation, MailKind::Removal] {
        let words = words(kind, Scope::Single);
        assert!(!words.text.contains("https://") && !words.html.contains("https://"), "{}", words.text);
    }
}

#[test]
fn without_an_address_of_the_web_client_a_mail_holds_no_link() {
    let words = Words::new(None).of(&letter(MailKind::Invitation, Scope::Single));
    assert!(words.link.is_none() && !words.text.contains("Join"), "{}", words.text);
}
