//! Series and their occurrences: changed together, and each occurrence made once however many processes try.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::columns::{json, micros, time, time_opt, to_json, word};
use super::refusal::StoreError;
use super::sql::{Row, Tx, args};
use super::{Store, meetings, outbox, roster, timed};
use crate::domain::error::DomainError;
use crate::domain::id::{CampusId, MeetingId, MeetingRoomId, RosterId, SeriesId, UserId};
use crate::domain::mail::Announcement;
use crate::domain::meeting::{EntryPolicy, Features, Meeting, RecordingConfig, Settings};
use crate::domain::password::PasswordHash;
use crate::domain::profile::Profile;
use crate::domain::recurrence::Recurrence;
use crate::domain::role::{PermissionOverrides, Role};
use crate::domain::roster::{Listing, RosterEntry};
use crate::domain::series::{AHEAD, Series};

const BY_ID: &str = "SELECT * FROM series WHERE id = $1";
const INSERT: &str = "INSERT INTO series (id, campus_id, creator_id, profile, rule, zone, starts_at, ends_at, template_json, \
     calendar_sequence, made_until, next_at, created_at, ended_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
const UPDATE: &str = "UPDATE series SET rule = $2, zone = $3, starts_at = $4, ends_at = $5, template_json = $6, \
     calendar_sequence = $7, made_until = $8, next_at = $9, ended_at = $10 WHERE id = $1";
/// Every occurrence says the rule of its series.
const SAY_RULE: &str = "UPDATE meetings SET recurrence = $2, recurrence_zone = $3 WHERE series_id = $1";
/// Occurrences of a series that have not begun, other than one.
const PLANNED: &str = "SELECT id FROM meetings WHERE series_id = $1 AND id <> $2 AND status = 'scheduled' AND deleted_at IS NULL \
     ORDER BY occurrence_at";
/// Whether a meeting, whatever became of it, has this place in a series; $3 is not asked about.
const TAKEN: &str = "SELECT id FROM meetings WHERE series_id = $1 AND occurrence_at = $2 AND id <> $3";
/// A meeting that is over, or was called off, gives up its place in a series for the meeting $3.
const VACATE: &str = "UPDATE meetings SET series_id = NULL, occurrence_at = NULL, recurrence = NULL, recurrence_zone = NULL \
     WHERE series_id = $1 AND occurrence_at = $2 AND id <> $3 AND status NOT IN ('scheduled', 'live')";
/// Occurrences that were called off one by one.
const CALLED_OFF: &str =
    "SELECT occurrence_at FROM meetings WHERE series_id = $1 AND status = 'cancelled' ORDER BY occurrence_at";
/// Whether an occurrence is not over: it runs, or its planned time has not passed.
const RUNNING_OR_PLANNED: &str = "SELECT id FROM meetings WHERE series_id = $1 AND occurrence_at = $2 \
     AND (status = 'live' OR (status = 'scheduled' AND ends_at > $3)) AND deleted_at IS NULL";
/// $1: starts up to here are near enough. Whose newest occurrence is over may have its next made at any time; whose
/// next is unknown has none.
const DUE: &str = "SELECT id FROM series WHERE ended_at IS NULL AND (next_at IS NULL OR next_at <= $1 OR NOT EXISTS (\
       SELECT 1 FROM meetings WHERE series_id = series.id AND occurrence_at = series.made_until \
       AND (status = 'live' OR (status = 'scheduled' AND ends_at > $2)) AND deleted_at IS NULL)) \
     ORDER BY next_at LIMIT $3";
/// The occurrence somebody who has the series' link means: the live one, else the next, else the last.
const CURRENT: &str = "SELECT id FROM meetings WHERE series_id = $1 AND deleted_at IS NULL ORDER BY \
     CASE WHEN status = 'live' THEN 0 WHEN status = 'scheduled' AND ends_at > $2 THEN 1 ELSE 2 END, \
     CASE WHEN status = 'scheduled' AND ends_at > $2 THEN starts_at ELSE -starts_at END LIMIT 1";

/// A meeting and the series it belongs to, to be changed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    pub meeting: Meeting,
    /// `None`: it is a meeting of its own so far.
    pub series: Option<Series>,
    /// Other occurrences that were made and have not begun, in order.
    pub planned: Vec<Meeting>,
    /// Starts, by the rule, of occurrences that were called off one by one.
    pub called_off: Vec<OffsetDateTime>,
}

/// What occurrences begin with, as stored.
#[derive(Serialize, Deserialize)]
struct Template {
    name: String,
    description: String,
    location: String,
    max_participants: u32,
    password_hash: Option<String>,
    require_password: bool,
    waiting_room_enabled: bool,
    require_host_approval: bool,
    allow_guests: bool,
    features: Features,
    recording: RecordingConfig,
    entry: EntryPolicy,
    people: Vec<Person>,
}

/// Somebody on the list of a series.
#[derive(Serialize, Deserialize)]
struct Person {
    user: Option<String>,
    email: Option<String>,
    name: String,
    phone: Option<String>,
    role: String,
    overrides: PermissionOverrides,
}

impl Store {
    /// A series.
    pub async fn series(&self, id: SeriesId) -> Result<Option<Series>, DomainError> {
        timed("series", async {
            let row = self.one(BY_ID, args![id.to_string()]).await?;
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// The occurrence that the link of a series leads to at this moment.
    pub async fn current_occurrence(
        &self,
        id: SeriesId,
        now: OffsetDateTime,
    ) -> Result<Option<MeetingId>, DomainError> {
        timed("series_current", async {
            let row = self.one(CURRENT, args![id.to_string(), micros(now)]).await?;
            row.map(|row| word(&row, "id", MeetingId::parse)).transpose()
        })
        .await
    }

    /// Up to `limit` series that may have an occurrence to be made, or are at their end.
    pub async fn series_due(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<SeriesId>, DomainError> {
        timed("series_due", async {
            let rows = self.all(DUE, args![micros(now + AHEAD), micros(now), limit]).await?;
            rows.iter().map(|row| word(row, "id", SeriesId::parse)).collect()
        })
        .await
    }

    /// Makes the next occurrence of a series if it is due, and closes a series that has none left. Of two that try at
    /// once the second finds it made.
    pub async fn make_occurrence(
        &self,
        id: SeriesId,
        now: OffsetDateTime,
    ) -> Result<Option<Meeting>, DomainError> {
        timed("occurrence_make", async {
            let mut tx = self.write().await?;
            let Some(mut series) = load_to_change(&mut tx, id).await? else { return Ok(None) };
            // A series that began anew may come by what was called off or held early before: that was made already.
            while let Some(next) = series.next(now) {
                if tx.one(TAKEN, args![id.to_string(), micros(next), ""]).await?.is_none() {
                    break;
                }
                series.made_until = next;
            }
            if series.next(now).is_none() {
                if series.ended_at.is_none() {
                    series.ended_at = Some(now);
                    update(&mut tx, &series, now).await?;
                    tx.commit().await?;
                }
                return Ok(None);
            }
            let newest = args![id.to_string(), micros(series.made_until), micros(now)];
            let over = tx.one(RUNNING_OR_PLANNED, newest).await?.is_none();
            let Some(at) = series.due(over, now) else {
                // What was next may have passed unmade; then the row says which one is now.
                update(&mut tx, &series, now).await?;
                tx.commit().await?;
                return Ok(None);
            };
            let (meeting, room) = (MeetingId::generate(), MeetingRoomId::generate());
            let made = series.occurrence(at, meeting, room, RosterId::generate, now);
            meetings::insert(&mut tx, &made).await?;
            roster::replace(&mut tx, &made).await?;
            series.made_until = at;
            update(&mut tx, &series, now).await?;
            tx.commit().await?;
            Ok(Some(made))
        })
        .await
    }

    /// Loads a meeting with its series, lets `change` decide and alter them, and stores the outcome with what is to be
    /// said about it. Says how many mails that makes. A planned occurrence that `change` takes away from its series
    /// must be deleted by it.
    pub async fn change_series<T>(
        &self,
        id: MeetingId,
        now: OffsetDateTime,
        change: impl FnOnce(&mut Whole) -> Result<(T, Vec<Announcement>), DomainError>,
    ) -> Result<(Whole, T, u32), DomainError> {
        timed("series_change", async {
            let mut tx = self.write().await?;
            // The series before its meetings, as everywhere: two that change it wait for each other in one order.
            let seen = meetings::load(&mut tx, id).await?.ok_or(DomainError::MeetingNotFound)?;
            let series = match &seen.occurrence {
                Some(place) => load_to_change(&mut tx, place.series).await?,
                None => None,
            };
            let meeting = meetings::load_to_change(&mut tx, id).await?.ok_or(DomainError::MeetingNotFound)?;
            let (planned, called_off) = match &series {
                Some(series) => {
                    (planned(&mut tx, series.id, id).await?, called_off(&mut tx, series.id).await?)
                }
                None => (Vec::new(), Vec::new()),
            };
            let mut whole = Whole { meeting, series, planned, called_off };
            let before = whole.clone();
            let (outcome, announcements) = change(&mut whole)?;
            match (&before.series, &whole.series) {
                (None, Some(series)) => insert(&mut tx, series, now).await?,
                (Some(before), Some(series)) if before != series => update(&mut tx, series, now).await?,
                _ => {}
            }
            // Those that go first: one that stays may take the place of one that goes.
            for (before, after) in before.planned.iter().zip(&whole.planned) {
                meetings::store(&mut tx, before, after, None).await?;
            }
            make_room(&mut tx, &before.meeting, &whole.meeting).await?;
            meetings::store(&mut tx, &before.meeting, &whole.meeting, None).await?;
            if let Some(series) = &whole.series {
                let rule = &series.recurrence;
                tx.execute(SAY_RULE, args![series.id.to_string(), rule.rule(), rule.zone()]).await?;
            }
            let queued = outbox::queue(&mut tx, &announcements, now).await?;
            tx.commit().await?;
            Ok((whole, outcome, queued))
        })
        .await
    }
}

/// Before an occurrence takes another place in its series. Refuses one that a meeting has which is still to be held.
async fn make_room(tx: &mut Tx, before: &Meeting, meeting: &Meeting) -> Result<(), StoreError> {
    let Some(place) = &meeting.occurrence else { return Ok(()) };
    if before.occurrence.as_ref().is_some_and(|was| was.at == place.at) {
        return Ok(());
    }
    let which = args![place.series.to_string(), micros(place.at), meeting.id.to_string()];
    tx.execute(VACATE, which.clone()).await?;
    match tx.one(TAKEN, which).await? {
        None => Ok(()),
        Some(_) => {
            let reason = "is that of another occurrence of the series";
            Err(DomainError::invalid("meeting_start_time", reason).into())
        }
    }
}

async fn load_to_change(tx: &mut Tx, id: SeriesId) -> Result<Option<Series>, StoreError> {
    let row = tx.one_to_change(BY_ID, args![id.to_string()]).await?;
    row.as_ref().map(read).transpose()
}

async fn planned(tx: &mut Tx, series: SeriesId, but: MeetingId) -> Result<Vec<Meeting>, StoreError> {
    let rows = tx.all(PLANNED, args![series.to_string(), but.to_string()]).await?;
    let mut planned = Vec::with_capacity(rows.len());
    for row in &rows {
        planned.extend(meetings::load_to_change(tx, word(row, "id", MeetingId::parse)?).await?);
    }
    Ok(planned)
}

async fn called_off(tx: &mut Tx, series: SeriesId) -> Result<Vec<OffsetDateTime>, StoreError> {
    let rows = tx.all(CALLED_OFF, args![series.to_string()]).await?;
    rows.iter().map(|row| time(row, "occurrence_at")).collect()
}

/// Adds a series.
pub(super) async fn insert(tx: &mut Tx, series: &Series, now: OffsetDateTime) -> Result<(), StoreError> {
    let values = args![
        series.id.to_string(),
        &series.campus.0,
        series.creator.to_string(),
        series.profile.as_str(),
        series.recurrence.rule(),
        series.recurrence.zone(),
        micros(series.settings.starts_at),
        micros(series.settings.ends_at),
        to_json(&template(series))?,
        series.calendar_sequence,
        micros(series.made_until),
        series.next(now).map(micros),
        micros(series.created_at),
        series.ended_at.map(micros),
    ];
    tx.execute(INSERT, values).await?;
    Ok(())
}

async fn update(tx: &mut Tx, series: &Series, now: OffsetDateTime) -> Result<(), StoreError> {
    let values = args![
        series.id.to_string(),
        series.recurrence.rule(),
        series.recurrence.zone(),
        micros(series.settings.starts_at),
        micros(series.settings.ends_at),
        to_json(&template(series))?,
        series.calendar_sequence,
        micros(series.made_until),
        series.next(now).map(micros),
        series.ended_at.map(micros),
    ];
    tx.execute(UPDATE, values).await?;
    Ok(())
}

fn template(series: &Series) -> Template {
    let settings = &series.settings;
    let people = series.roster.iter().map(|entry| Person {
        user: entry.user.map(|user| user.to_string()),
        email: entry.email.clone(),
        name: entry.name.clone(),
        phone: entry.phone.clone(),
        role: entry.role.as_str().to_owned(),
        overrides: entry.overrides,
    });
    Template {
        name: settings.name.clone(),
        description: settings.description.clone(),
        location: settings.location.clone(),
        max_participants: settings.max_participants,
        password_hash: settings.password.as_ref().map(|hash| hash.as_phc().to_owned()),
        require_password: settings.require_password,
        waiting_room_enabled: settings.waiting_room_enabled,
        require_host_approval: settings.require_host_approval,
        allow_guests: settings.allow_guests,
        features: settings.features,
        recording: settings.recording,
        entry: settings.entry.clone(),
        people: people.collect(),
    }
}

fn read(row: &Row) -> Result<Series, StoreError> {
    let template: Template = json(row, "template_json")?;
    let rule = Recurrence::parse(row.get("rule")?, Some(row.get("zone")?));
    let roster = template.people.into_iter().map(entry).collect::<Option<_>>();
    Ok(Series {
        id: word(row, "id", SeriesId::parse)?,
        campus: CampusId::new(row.get::<String>("campus_id")?),
        creator: word(row, "creator_id", UserId::parse)?,
        profile: word(row, "profile", Profile::parse)?,
        recurrence: rule.map_err(|_| StoreError::Corrupt("rule"))?,
        settings: Settings {
            name: template.name,
            description: template.description,
            location: template.location,
            starts_at: time(row, "starts_at")?,
            ends_at: time(row, "ends_at")?,
            max_participants: template.max_participants,
            password: template.password_hash.map(PasswordHash::from_phc),
            require_password: template.require_password,
            waiting_room_enabled: template.waiting_room_enabled,
            require_host_approval: template.require_host_approval,
            allow_guests: template.allow_guests,
            features: template.features,
            recording: template.recording,
            entry: template.entry,
        },
        roster: roster.ok_or(StoreError::Corrupt("template_json"))?,
        calendar_sequence: row.get("calendar_sequence")?,
        made_until: time(row, "made_until")?,
        created_at: time(row, "created_at")?,
        ended_at: time_opt(row, "ended_at")?,
    })
}

fn entry(person: Person) -> Option<RosterEntry> {
    Some(RosterEntry {
        // Each occurrence gives its own; nothing points at this one.
        id: RosterId::generate(),
        user: match person.user {
            Some(user) => Some(UserId::parse(&user)?),
            None => None,
        },
        email: person.email,
        name: person.name,
        phone: person.phone,
        role: Role::parse(&person.role)?,
        overrides: person.overrides,
        listing: Listing::Invited,
        joined_at: None,
        left_at: None,
    })
}
