//! What a letter says: subject, plain text and HTML, from templates that are part of the program.

use std::sync::Arc;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use super::calendar::moment;
use super::text::{beginning, one_line};
use crate::domain::mail::{Event, Letter, MailKind, Scope};

/// Longest meeting name in a subject, in characters: more does not show anywhere.
const SUBJECT_CHARS_MAX: usize = 120;
/// Longest name in a sentence.
const NAME_CHARS_MAX: usize = 200;
/// How much of a description is in the mail itself.
const DESCRIPTION_CHARS_MAX: usize = 2000;

/// The templates, read once.
#[derive(Clone)]
pub(super) struct Words {
    templates: Arc<Environment<'static>>,
    /// Without a slash at its end.
    frontend: Option<String>,
}

/// A letter in words.
pub(super) struct Worded {
    pub subject: String,
    pub text: String,
    pub html: String,
    pub link: Option<String>,
}

impl Words {
    pub(super) fn new(frontend: Option<String>) -> Self {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_auto_escape_callback(|name| {
            if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
        });
        for (name, source) in [
            ("letter.txt", include_str!("templates/letter.txt")),
            ("letter.html", include_str!("templates/letter.html")),
        ] {
            templates.add_template(name, source).expect("templates are part of the program and tested");
        }
        let frontend = frontend.map(|url| url.trim_end_matches('/').to_owned());
        Self { templates: Arc::new(templates), frontend }
    }

    pub(super) fn of(&self, letter: &Letter) -> Worded {
        let event = &letter.event;
        let name = one_line(&event.name, SUBJECT_CHARS_MAX);
        let by = one_line(&letter.by, NAME_CHARS_MAX);
        let occurrence = matches!(event.scope, Scope::Occurrence { .. });
        let (word, sentence) = match letter.kind {
            MailKind::Invitation => ("Invitation", format!("{by} invites you to a meeting.")),
            MailKind::Update if occurrence => {
                ("Updated", format!("{by} has changed one meeting of a series."))
            }
            MailKind::Update => ("Updated", format!("{by} has changed a meeting you are invited to.")),
            MailKind::Cancellation if occurrence => {
                ("Cancelled", format!("{by} has cancelled one meeting of a series. The others stay."))
            }
            MailKind::Cancellation => ("Cancelled", format!("{by} has cancelled this meeting.")),
            MailKind::Removal => ("Removed", "You are no longer invited to this meeting.".to_owned()),
        };
        let link = self.link(letter);
        let facts = context! {
            heading => word,
            sentence,
            name => one_line(&event.name, NAME_CHARS_MAX),
            description => beginning(&event.description, DESCRIPTION_CHARS_MAX),
            location => one_line(&event.location, NAME_CHARS_MAX),
            when => when(event),
            repeats => repeats(event),
            organizer => one_line(&letter.organizer.name, NAME_CHARS_MAX),
            message => letter.message.as_deref().map(|text| beginning(text, usize::MAX)),
            password => event.asks_password && !letter.kind.takes_out(),
            link => link.as_deref().filter(|_| !letter.kind.takes_out()),
        };
        let render = |template: &str| {
            let template = self.templates.get_template(template);
            template.and_then(|template| template.render(&facts)).unwrap_or_else(|error| {
                // A template that fails costs its mail the decoration, not the reader the news.
                tracing::error!(%error, "a mail template failed");
                sentence_only(&name)
            })
        };
        Worded {
            text: render("letter.txt"),
            html: render("letter.html"),
            subject: format!("{word}: {name}"),
            link,
        }
    }

    /// Where the reader joins: a meeting by itself, a series by whichever occurrence is next.
    fn link(&self, letter: &Letter) -> Option<String> {
        let frontend = self.frontend.as_deref()?;
        Some(match letter.event.scope {
            Scope::Series { .. } => format!("{frontend}/s/{}", letter.event.id),
            Scope::Single | Scope::Occurrence { .. } => format!("{frontend}/m/{}", letter.meeting),
        })
    }
}

fn sentence_only(name: &str) -> String {
    let plain = |c: &char| !matches!(c, '<' | '>' | '&');
    format!("There is news about the meeting {}.", name.chars().filter(plain).collect::<String>())
}

/// `Mon 23 Nov 2026, 10:00 to 11:00 (Europe/Berlin)`; two dates when it ends on another day.
fn when(event: &Event) -> String {
    let zone = match &event.scope {
        Scope::Single => chrono_tz::Tz::UTC,
        Scope::Series { recurrence, .. } | Scope::Occurrence { recurrence, .. } => recurrence.tz(),
    };
    let (from, to) =
        (moment(event.starts_at).with_timezone(&zone), moment(event.ends_at).with_timezone(&zone));
    let end = if from.date_naive() == to.date_naive() { "%H:%M" } else { "%a %-d %b %Y, %H:%M" };
    format!("{} to {} ({})", from.format("%a %-d %b %Y, %H:%M"), to.format(end), zone.name())
}

/// The usual rules in words; any other by its own.
fn repeats(event: &Event) -> Option<String> {
    let Scope::Series { recurrence, .. } = &event.scope else { return None };
    let all = recurrence.occurrences(event.starts_at).ok()?;
    let part = |name: &str| {
        recurrence
            .rule()
            .split(';')
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    };
    let unit = match part("FREQ")?.as_str() {
        "DAILY" => "day",
        "WEEKLY" => "week",
        "MONTHLY" => "month",
        _ => "year",
    };
    let every = match part("INTERVAL").as_deref() {
        None | Some("1") => format!("every {unit}"),
        Some(number) => format!("every {number} {unit}s"),
    };
    let last = moment(*all.last()?).with_timezone(&recurrence.tz());
    let on = ["BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS"];
    let by: Vec<_> = on.iter().filter_map(|name| part(name).map(|value| format!("{name}={value}"))).collect();
    let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
    Some(format!("{every}{by}, {} times, until {}", all.len(), last.format("%a %-d %b %Y")))
}

#[cfg(test)]
mod tests;
