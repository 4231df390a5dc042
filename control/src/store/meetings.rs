//! Meetings with their rosters: loaded whole, changed by a pure function within one write transaction.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::columns::{json, micros, time, time_opt, to_json, word, word_opt};
use super::refusal::StoreError;
use super::sql::{Row, Tx, args};
use super::{Store, outbox, roster, series, timed, webhook_deliveries};
use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::error::DomainError;
use crate::domain::id::{CampusId, MeetingId, MeetingRoomId, SeriesId, UserId};
use crate::domain::mail::Announcement;
use crate::domain::meeting::{Meeting, MeetingKind, MeetingStatus, Settings};
use crate::domain::page::{Page, Part};
use crate::domain::password::PasswordHash;
use crate::domain::profile::Profile;
use crate::domain::recurrence::Recurrence;
use crate::domain::series::{Occurrence, Series};
use crate::domain::webhook::{Happening, Message, minutes};

const BY_ID: &str = "SELECT * FROM meetings WHERE id = $1";
/// Meetings a person made or is listed in, by account or by an address that no other account has taken.
/// $3: the campus to stay in, or null for accounts that cross campuses.
macro_rules! of_person {
    ($columns:literal, $rest:literal) => {
        concat!("SELECT ", $columns, " FROM meetings WHERE deleted_at IS NULL AND ($3 IS NULL OR campus_id = $3) AND id IN (\
       SELECT id FROM meetings WHERE creator_id = $1 \
       UNION SELECT meeting_id FROM roster WHERE user_id = $1 AND listing <> 'withdrawn' \
       UNION SELECT meeting_id FROM roster WHERE user_id IS NULL AND email_key = $2 AND listing <> 'withdrawn') ", $rest)
    };
}
/// $4: how many, $5: after leaving out so many. Ids alone, which an index holds with all that is asked here: rows are wide,
/// and of thousands some ten are shown.
const PAGE_OF_PERSON: &str =
    of_person!("id, COUNT(*) OVER () AS total", "ORDER BY starts_at DESC, id DESC LIMIT $4 OFFSET $5");
const TOTAL_OF_PERSON: &str = of_person!("COUNT(*) AS total", "");
const THESE: &str =
    "SELECT * FROM meetings WHERE id IN (SELECT value FROM json_each($1)) ORDER BY starts_at DESC, id DESC";
const LIVE: &str = "SELECT * FROM meetings WHERE status = 'live' ORDER BY started_at, id";
const INSERT: &str = "INSERT INTO meetings (id, room_id, campus_id, creator_id, profile, kind, status, name, description, \
     location, starts_at, ends_at, max_participants, password_hash, require_password, waiting_room_enabled, \
     require_host_approval, allow_guests, features_json, recording_json, entry_json, created_at, started_at, ended_at, \
     archived_at, deleted_at, series_id, occurrence_at, recurrence, recurrence_zone, calendar_sequence) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, \
     $24, $25, $26, $27, $28, $29, $30, $31)";
const UPDATE: &str = "UPDATE meetings SET kind = $2, status = $3, name = $4, description = $5, location = $6, starts_at = $7, \
     ends_at = $8, max_participants = $9, password_hash = $10, require_password = $11, waiting_room_enabled = $12, \
     require_host_approval = $13, allow_guests = $14, features_json = $15, recording_json = $16, entry_json = $17, \
     started_at = $18, ended_at = $19, archived_at = $20, deleted_at = $21, series_id = $22, occurrence_at = $23, \
     recurrence = $24, recurrence_zone = $25, calendar_sequence = $26 WHERE id = $1";

impl Store {
    /// The meeting with this id, deleted ones included.
    pub async fn meeting(&self, id: MeetingId) -> Result<Option<Meeting>, DomainError> {
        timed("meeting", async {
            // One read transaction, so that the roster belongs to the row.
            let mut tx = self.read().await?;
            load(&mut tx, id).await
        })
        .await
    }

    /// The meeting as far as it concerns one person: of the roster only his own line. Deleted ones included.
    pub async fn meeting_for(&self, id: MeetingId, actor: &Actor) -> Result<Option<Meeting>, DomainError> {
        timed("meeting_for", async {
            let mut tx = self.read().await?;
            let Some(row) = tx.one(BY_ID, args![id.to_string()]).await? else { return Ok(None) };
            let mut meeting = read(&row)?;
            meeting.roster.extend(roster::of_actor(&mut tx, id, actor).await?.map(|(_, line)| line));
            Ok(Some(meeting))
        })
        .await
    }

    /// The meetings the account made or is listed in, the latest start first; deleted ones are left out. `campus`: stay
    /// within it.
    pub async fn meetings_of(
        &self,
        account: &Account,
        campus: Option<&CampusId>,
        page: Page,
    ) -> Result<Part<Meeting>, DomainError> {
        timed("meetings_of", async {
            let campus = campus.map(|campus| campus.0.as_str());
            let mut tx = self.read().await?;
            let values = args![account.id.to_string(), account.email_key(), campus, page.limit, page.offset];
            let listed = tx.all(PAGE_OF_PERSON, values).await?;
            let ids = listed.iter().map(|row| row.get::<String>("id")).collect::<Result<Vec<_>, _>>()?;
            let total = match listed.first() {
                Some(row) => row.get::<i64>("total")?,
                // Behind the end there is no row to say it.
                None if page.offset > 0 => {
                    let values = args![account.id.to_string(), account.email_key(), campus];
                    tx.one(TOTAL_OF_PERSON, values).await?.map_or(Ok(0), |row| row.get("total"))?
                }
                None => 0,
            };
            let rows = tx.all(THESE, args![to_json(&ids)?]).await?;
            Ok(Part { items: with_rosters(&mut tx, rows).await?, total: total.unsigned_abs() })
        })
        .await
    }

    /// Every meeting that is live, the oldest first: what a control process takes up again after a restart.
    pub async fn live_meetings(&self) -> Result<Vec<Meeting>, DomainError> {
        timed("meetings_live", async {
            let mut tx = self.read().await?;
            let rows = tx.all(LIVE, args![]).await?;
            with_rosters(&mut tx, rows).await
        })
        .await
    }

    /// Adds a meeting with its roster.
    pub async fn insert_meeting(&self, meeting: &Meeting) -> Result<(), DomainError> {
        timed("meeting_insert", async {
            let mut tx = self.write().await?;
            insert(&mut tx, meeting).await?;
            roster::replace(&mut tx, meeting).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    /// Adds a meeting with its roster, the series it is the first of, and what is to be said about it. Says how many
    /// mails that makes.
    pub async fn insert_meeting_with(
        &self,
        meeting: &Meeting,
        first_of: Option<&Series>,
        announcements: &[Announcement],
    ) -> Result<u32, DomainError> {
        timed("meeting_insert", async {
            let mut tx = self.write().await?;
            if let Some(series) = first_of {
                series::insert(&mut tx, series, meeting.created_at).await?;
            }
            insert(&mut tx, meeting).await?;
            roster::replace(&mut tx, meeting).await?;
            let queued = outbox::queue(&mut tx, announcements, meeting.created_at).await?;
            tx.commit().await?;
            Ok(queued)
        })
        .await
    }

    /// As [`Store::change_meeting`], with what is to be said about the change: kept together with it or not at all.
    /// Says how many mails that makes.
    pub async fn change_meeting_with<T>(
        &self,
        id: MeetingId,
        now: OffsetDateTime,
        change: impl FnOnce(&mut Meeting) -> Result<(T, Vec<Announcement>), DomainError>,
    ) -> Result<(Meeting, T, u32), DomainError> {
        timed("meeting_change", async {
            let mut tx = self.write().await?;
            let mut meeting = load_to_change(&mut tx, id).await?.ok_or(DomainError::MeetingNotFound)?;
            let before = meeting.clone();
            let (outcome, announcements) = change(&mut meeting)?;
            store(&mut tx, &before, &meeting, None).await?;
            let queued = outbox::queue(&mut tx, &announcements, now).await?;
            tx.commit().await?;
            Ok((meeting, outcome, queued))
        })
        .await
    }

    /// Loads the meeting, lets `change` decide and alter it, and stores the outcome, all under the write lock.
    /// A refusal changes nothing. `MeetingNotFound` when there is no such row.
    pub async fn change_meeting<T>(
        &self,
        id: MeetingId,
        change: impl FnOnce(&mut Meeting) -> Result<T, DomainError>,
    ) -> Result<(Meeting, T), DomainError> {
        self.change_status(id, None, change).await
    }

    /// As [`Store::change_meeting`], when the change may start or end the meeting: webhooks are told who did it.
    pub async fn change_status<T>(
        &self,
        id: MeetingId,
        by: Option<UserId>,
        change: impl FnOnce(&mut Meeting) -> Result<T, DomainError>,
    ) -> Result<(Meeting, T), DomainError> {
        timed("meeting_change", async {
            let mut tx = self.write().await?;
            let mut meeting = load_to_change(&mut tx, id).await?.ok_or(DomainError::MeetingNotFound)?;
            let before = meeting.clone();
            let outcome = change(&mut meeting)?;
            store(&mut tx, &before, &meeting, by).await?;
            tx.commit().await?;
            Ok((meeting, outcome))
        })
        .await
    }
}

/// Writes what of a meeting is no longer as it was. Whatever starts or ends a meeting comes by here, and is told.
pub(super) async fn store(
    tx: &mut Tx,
    before: &Meeting,
    meeting: &Meeting,
    by: Option<UserId>,
) -> Result<(), StoreError> {
    if meeting != before {
        update(tx, meeting).await?;
    }
    if meeting.roster != before.roster {
        roster::replace(tx, meeting).await?;
    }
    if meeting.status != before.status {
        tell_status(tx, meeting, by).await?;
    }
    Ok(())
}

/// Tells webhooks that a meeting is live, or over.
async fn tell_status(tx: &mut Tx, meeting: &Meeting, by: Option<UserId>) -> Result<(), StoreError> {
    let (happening, at) = match (meeting.status, meeting.started_at, meeting.ended_at) {
        (MeetingStatus::Live, Some(started), _) => (Happening::MeetingStarted { by }, started),
        (MeetingStatus::Ended, Some(started), Some(ended)) => {
            let duration_minutes = minutes(started, ended);
            let participants = roster::attended(tx, meeting.id).await?;
            (Happening::MeetingEnded { by, duration_minutes, participants }, ended)
        }
        _ => return Ok(()),
    };
    let message = Message { meeting: Some(meeting.id), happening, at };
    let event = message.happening.event();
    webhook_deliveries::tell(tx, &meeting.campus, event, &[message]).await
}

/// The meeting as it is at this moment; see [`load_to_change`].
pub(super) async fn load(tx: &mut Tx, id: MeetingId) -> Result<Option<Meeting>, StoreError> {
    let row = tx.one(BY_ID, args![id.to_string()]).await?;
    whole(tx, row).await
}

/// The meeting, which nobody else changes before this transaction is over. Its roster and sessions are changed under
/// the same lock.
pub(super) async fn load_to_change(tx: &mut Tx, id: MeetingId) -> Result<Option<Meeting>, StoreError> {
    let row = tx.one_to_change(BY_ID, args![id.to_string()]).await?;
    whole(tx, row).await
}

/// The meeting of this row, with its roster.
async fn whole(tx: &mut Tx, row: Option<Row>) -> Result<Option<Meeting>, StoreError> {
    let Some(row) = row else { return Ok(None) };
    let mut meeting = read(&row)?;
    meeting.roster = roster::of_meeting(tx, meeting.id).await?;
    Ok(Some(meeting))
}

async fn with_rosters(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<Meeting>, StoreError> {
    let mut meetings = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<_> = meetings.iter().map(|meeting| meeting.id).collect();
    let mut rosters: HashMap<_, _> = roster::of_meetings(tx, &ids).await?;
    for meeting in &mut meetings {
        meeting.roster = rosters.remove(&meeting.id).unwrap_or_default();
    }
    Ok(meetings)
}

pub(super) async fn insert(tx: &mut Tx, meeting: &Meeting) -> Result<(), StoreError> {
    let (settings, place) = (&meeting.settings, meeting.occurrence.as_ref());
    let values = args![
        meeting.id.to_string(),
        meeting.room.to_string(),
        &meeting.campus.0,
        meeting.creator.to_string(),
        meeting.profile.as_str(),
        meeting.kind.as_str(),
        meeting.status.as_str(),
        &settings.name,
        &settings.description,
        &settings.location,
        micros(settings.starts_at),
        micros(settings.ends_at),
        settings.max_participants,
        settings.password.as_ref().map(PasswordHash::as_phc),
        settings.require_password,
        settings.waiting_room_enabled,
        settings.require_host_approval,
        settings.allow_guests,
        to_json(&settings.features)?,
        to_json(&settings.recording)?,
        to_json(&settings.entry)?,
        micros(meeting.created_at),
        meeting.started_at.map(micros),
        meeting.ended_at.map(micros),
        meeting.archived_at.map(micros),
        meeting.deleted_at.map(micros),
        place.map(|place| place.series.to_string()),
        place.map(|place| micros(place.at)),
        place.map(|place| place.recurrence.rule()),
        place.map(|place| place.recurrence.zone()),
        meeting.calendar_sequence,
    ];
    tx.execute(INSERT, values).await?;
    // Some begin their lives live.
    tell_status(tx, meeting, Some(meeting.creator)).await
}

async fn update(tx: &mut Tx, meeting: &Meeting) -> Result<(), StoreError> {
    let (settings, place) = (&meeting.settings, meeting.occurrence.as_ref());
    let values = args![
        meeting.id.to_string(),
        meeting.kind.as_str(),
        meeting.status.as_str(),
        &settings.name,
        &settings.description,
        &settings.location,
        micros(settings.starts_at),
        micros(settings.ends_at),
        settings.max_participants,
        settings.password.as_ref().map(PasswordHash::as_phc),
        settings.require_password,
        settings.waiting_room_enabled,
        settings.require_host_approval,
        settings.allow_guests,
        to_json(&settings.features)?,
        to_json(&settings.recording)?,
        to_json(&settings.entry)?,
        meeting.started_at.map(micros),
        meeting.ended_at.map(micros),
        meeting.archived_at.map(micros),
        meeting.deleted_at.map(micros),
        place.map(|place| place.series.to_string()),
        place.map(|place| micros(place.at)),
        place.map(|place| place.recurrence.rule()),
        place.map(|place| place.recurrence.zone()),
        meeting.calendar_sequence,
    ];
    tx.execute(UPDATE, values).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Meeting, StoreError> {
    Ok(Meeting {
        id: word(row, "id", MeetingId::parse)?,
        room: word(row, "room_id", MeetingRoomId::parse)?,
        campus: CampusId::new(row.get::<String>("campus_id")?),
        creator: word(row, "creator_id", UserId::parse)?,
        profile: word(row, "profile", Profile::parse)?,
        kind: word(row, "kind", MeetingKind::parse)?,
        status: word(row, "status", MeetingStatus::parse)?,
        settings: read_settings(row)?,
        roster: Vec::new(),
        occurrence: read_occurrence(row)?,
        calendar_sequence: row.get("calendar_sequence")?,
        created_at: time(row, "created_at")?,
        started_at: time_opt(row, "started_at")?,
        ended_at: time_opt(row, "ended_at")?,
        archived_at: time_opt(row, "archived_at")?,
        deleted_at: time_opt(row, "deleted_at")?,
    })
}

fn read_occurrence(row: &Row) -> Result<Option<Occurrence>, StoreError> {
    let Some(series) = word_opt(row, "series_id", SeriesId::parse)? else { return Ok(None) };
    let rule = Recurrence::parse(row.get("recurrence")?, Some(row.get("recurrence_zone")?));
    let recurrence = rule.map_err(|_| StoreError::Corrupt("recurrence"))?;
    Ok(Some(Occurrence { series, at: time(row, "occurrence_at")?, recurrence }))
}

fn read_settings(row: &Row) -> Result<Settings, StoreError> {
    Ok(Settings {
        name: row.get("name")?,
        description: row.get("description")?,
        location: row.get("location")?,
        starts_at: time(row, "starts_at")?,
        ends_at: time(row, "ends_at")?,
        max_participants: row.get("max_participants")?,
        password: row.get::<Option<String>>("password_hash")?.map(PasswordHash::from_phc),
        require_password: row.get("require_password")?,
        waiting_room_enabled: row.get("waiting_room_enabled")?,
        require_host_approval: row.get("require_host_approval")?,
        allow_guests: row.get("allow_guests")?,
        features: json(row, "features_json")?,
        recording: json(row, "recording_json")?,
        entry: json(row, "entry_json")?,
    })
}
