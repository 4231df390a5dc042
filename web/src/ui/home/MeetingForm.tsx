// Creating a meeting, or changing one.
import { type FormEvent, useState } from 'react';
import { readable } from '../../signaling/errors';
import type { Meeting, MeetingDraft, MeetingFeatures, User } from '../../signaling/meeting';
import { Button } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { Field, FormError, Select, Switch } from '../base/Field';
import { useServices } from '../services';
import { type Draft, draftOf, emptyDraft, errorsOf, toWire } from './draft';
import { EmailChips } from './EmailChips';
import styles from './MeetingForm.module.css';
import { RecurrenceEditor } from './RecurrenceEditor';
import { fromRule, moved, zoneWords } from './recurrence';

interface FormProps {
  user: User;
  editing: Meeting | null;
  onSaved: (meeting: Meeting, isNew: boolean) => void;
  onClose: () => void;
}

export function MeetingForm({ user, editing, onSaved, onClose }: FormProps) {
  const { rest } = useServices();
  const [draft, setDraft] = useState<Draft>(() =>
    editing ? draftOf(editing, user) : emptyDraft(Date.now()),
  );
  const [tried, setTried] = useState(false);
  const [removePassword, setRemovePassword] = useState(false);
  const [series, setSeries] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<Draft>) => setDraft((before) => changed(before, part));
  const errors = tried ? errorsOf(draft, Date.now()) : {};

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (Object.keys(errorsOf(draft, Date.now())).length > 0) return;
    setBusy(true);
    setFailure(null);
    try {
      const wire: MeetingDraft = toWire(draft, user, Date.now());
      if (removePassword) wire.meeting_password = null;
      if (!editing) onSaved(await rest.create(wire), true);
      else onSaved(await rest.update(editing.id, editWire(editing, wire, series), series), false);
    } catch (error) {
      setFailure(readable(error));
      setBusy(false);
    }
  };

  return (
    <Dialog title={editing ? 'Edit meeting' : 'New meeting'} onClose={onClose}>
      <form className={styles.form} onSubmit={submit} noValidate>
        {failure && <FormError>{failure}</FormError>}
        <Field
          label="Name"
          placeholder="What is it about?"
          maxLength={200}
          data-autofocus
          value={draft.name}
          error={errors.name}
          onChange={(event) => change({ name: event.target.value })}
        />
        {editing?.series_id && (
          <Select
            label="Change"
            value={series ? 'series' : 'one'}
            options={[
              { value: 'one', label: 'Only this meeting' },
              { value: 'series', label: 'This and all later ones' },
            ]}
            onChange={(value) => setSeries(value === 'series')}
          />
        )}
        {!editing && <WhenChoice now={draft.now} onChange={(now) => change({ now })} />}
        {!draft.now && <Times draft={draft} error={errors.start} change={change} />}
        {!draft.now && mayRepeat(editing, series) && (
          <RecurrenceEditor
            value={draft.recurrence}
            start={new Date(Date.parse(draft.start))}
            error={errors.recurrence ?? null}
            onChange={(recurrence) => change({ recurrence })}
          />
        )}
        <EmailChips emails={draft.emails} onChange={(emails) => change({ emails })} />
        <Switch
          label="Anyone in my organisation with the link can join"
          hint={draft.anyoneWithLink ? undefined : 'Only the people you invite can join.'}
          checked={draft.anyoneWithLink}
          onChange={(anyoneWithLink) => change({ anyoneWithLink })}
        />
        <details
          className={styles.more}
          open={Boolean(errors.password || errors.maxParticipants) || undefined}
        >
          <summary>More options</summary>
          <div className={styles.options}>
            <Field
              label="Description"
              value={draft.description}
              maxLength={2000}
              onChange={(event) => change({ description: event.target.value })}
            />
            <div className={styles.pair}>
              <Field
                label="Password"
                type="password"
                autoComplete="new-password"
                placeholder={editing?.requires_password ? 'Unchanged' : 'None'}
                value={draft.password}
                error={errors.password}
                onChange={(event) => change({ password: event.target.value })}
              />
              <Field
                label="People at most"
                inputMode="numeric"
                value={draft.maxParticipants}
                error={errors.maxParticipants}
                onChange={(event) => change({ maxParticipants: event.target.value })}
              />
            </div>
            {editing?.requires_password && (
              <Switch label="Remove the password" checked={removePassword} onChange={setRemovePassword} />
            )}
            <Switch
              label="Waiting room"
              hint="You let everybody in one by one."
              checked={draft.waitingRoom}
              onChange={(waitingRoom) => change({ waitingRoom })}
            />
            <Features features={draft.features} onChange={(features) => change({ features })} />
          </div>
        </details>
        <div className={styles.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="filled" busy={busy}>
            {editing ? 'Save' : draft.now ? 'Create' : 'Schedule'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** A new start takes its weekday along. */
function changed(before: Draft, part: Partial<Draft>): Draft {
  const after = { ...before, ...part };
  if (part.start === undefined || !Date.parse(part.start) || !Date.parse(before.start)) return after;
  return { ...after, recurrence: moved(before.recurrence, new Date(before.start), new Date(part.start)) };
}

/** Whether the form may say how a meeting repeats: not of one occurrence alone, and not where it cannot show the rule. */
function mayRepeat(editing: Meeting | null, series: boolean): boolean {
  if (!editing?.series_id) return true;
  return series && fromRule(editing.recurrence ?? '') !== null;
}

/** What an update sends: the rule of a series changes only together with the series. */
function editWire(meeting: Meeting, wire: MeetingDraft, series: boolean): Partial<MeetingDraft> {
  const { recurrence, recurrence_timezone, meeting_type, ...rest } = wire;
  if (!mayRepeat(meeting, series)) return rest;
  if (recurrence) return { ...rest, meeting_type, recurrence, recurrence_timezone };
  return meeting.series_id ? { ...rest, recurrence: null } : rest;
}

const FEATURE_LABELS: [keyof MeetingFeatures, string][] = [
  ['audio_enabled', 'Microphones'],
  ['video_enabled', 'Cameras'],
  ['screen_sharing_enabled', 'Screen sharing'],
  ['chat_enabled', 'Chat'],
  ['hand_raise_enabled', 'Raising hands'],
  ['recording_enabled', 'Recording'],
];

interface FeaturesProps {
  features: MeetingFeatures;
  onChange: (features: MeetingFeatures) => void;
}

function Features({ features, onChange }: FeaturesProps) {
  return (
    <fieldset className={styles.features}>
      <legend>Allowed in this meeting</legend>
      {FEATURE_LABELS.map(([name, label]) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={features[name] ?? false}
            onChange={(event) => onChange({ ...features, [name]: event.target.checked })}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

function WhenChoice({ now, onChange }: { now: boolean; onChange: (now: boolean) => void }) {
  const option = (label: string, value: boolean) => (
    <label>
      <input type="radio" name="when" checked={now === value} onChange={() => onChange(value)} />
      <span>{label}</span>
    </label>
  );
  return (
    <fieldset className={styles.when}>
      <legend className="visually-hidden">When</legend>
      {option('Now', true)}
      {option('Later', false)}
    </fieldset>
  );
}

interface TimesProps {
  draft: Draft;
  error: string | undefined;
  change: (part: Partial<Draft>) => void;
}

const DURATIONS = [15, 30, 45, 60, 90, 120, 180, 240, 480];

function Times({ draft, error, change }: TimesProps) {
  const minutes = DURATIONS.includes(draft.durationMinutes)
    ? DURATIONS
    : [...DURATIONS, draft.durationMinutes].sort((a, b) => a - b);
  const options = minutes.map((value) => ({ value: String(value), label: duration(value) }));
  return (
    <div className={styles.pair}>
      <Field
        label="Starts"
        type="datetime-local"
        hint={zoneWords(new Date(Date.parse(draft.start) || Date.now()))}
        value={draft.start}
        error={error}
        onChange={(event) => change({ start: event.target.value })}
      />
      <Select
        label="Lasts"
        value={String(draft.durationMinutes)}
        options={options}
        onChange={(value) => change({ durationMinutes: Number(value) })}
      />
    </div>
  );
}

function duration(minutes: number): string {
  if (minutes < 60) return `${minutes} minutes`;
  const hours = minutes / 60;
  return `${Number.isInteger(hours) ? hours : hours.toFixed(1)} ${hours === 1 ? 'hour' : 'hours'}`;
}
