//! A letter as one MIME message: text, HTML and calendar side by side, the calendar once more as a file.

use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailbox, Message, MultiPart, SinglePart};
use lettre::{Address, message::MessageBuilder};

use super::calendar;
use super::text::one_line;
use crate::domain::mail::{Correspondent, Letter};
use crate::service::mail::Parts;

/// Longest name in a header, in characters.
const NAME_CHARS_MAX: usize = 120;

/// Who our mail is from.
#[derive(Clone)]
pub(super) struct Sender {
    from: Mailbox,
}

impl Sender {
    pub(super) fn new(from: Mailbox) -> Self {
        Self { from }
    }

    /// The same for every attempt to send a letter, so that whoever gets it twice sees it once.
    pub(super) fn message_id(&self, letter: &Letter) -> String {
        format!("<{}@{}>", letter.id.to_string().to_lowercase(), self.from.email.domain())
    }

    /// The whole message; the error says which address cannot be written to.
    pub(super) fn message(&self, letter: &Letter, parts: Parts) -> Result<Message, String> {
        let method = calendar::method(letter);
        let typed = |text: &str| ContentType::parse(text).map_err(|error| error.to_string());
        let plain = SinglePart::plain(parts.text);
        let html = SinglePart::html(parts.html);
        let in_place = SinglePart::builder()
            .header(typed(&format!("text/calendar; charset=utf-8; method={method}"))?)
            .body(base64(parts.calendar.clone())?);
        let file = Attachment::new("invite.ics".to_owned()).body(
            base64(parts.calendar)?,
            typed(&format!("application/ics; name=invite.ics; method={method}"))?,
        );
        let alternatives = MultiPart::alternative().singlepart(plain).singlepart(html).singlepart(in_place);
        let whole = MultiPart::mixed().multipart(alternatives).singlepart(file);
        let builder = Message::builder()
            .from(self.from.clone())
            .to(mailbox(&letter.to)?)
            .subject(parts.subject)
            .message_id(Some(parts.message_id))
            .date(date(letter));
        let builder = automatic(builder);
        // An organizer whose address a mail program would not take cannot be answered; the reader still is told.
        let builder = match mailbox(&letter.organizer) {
            Ok(organizer) => builder.reply_to(organizer),
            Err(_) => builder,
        };
        builder.multipart(whole).map_err(|error| error.to_string())
    }
}

/// Whatever is in a calendar survives every server in base64.
fn base64(calendar: String) -> Result<Body, String> {
    Body::new_with_encoding(calendar.into_bytes(), ContentTransferEncoding::Base64)
        .map_err(|_| "the calendar part cannot be encoded".to_owned())
}

/// No absence notes in return (RFC 3834).
fn automatic(builder: MessageBuilder) -> MessageBuilder {
    let value =
        HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    builder.raw_header(value)
}

fn mailbox(who: &Correspondent) -> Result<Mailbox, String> {
    let address: Address =
        who.email.parse().map_err(|error| format!("the address cannot be written to: {error}"))?;
    let name = one_line(&who.name, NAME_CHARS_MAX);
    Ok(Mailbox::new((!name.is_empty()).then_some(name), address))
}

fn date(letter: &Letter) -> SystemTime {
    let seconds = u64::try_from(letter.written_at.unix_timestamp()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
