// Somebody new to be told of meetings.
import { type FormEvent, useState } from 'react';
import { readable } from '../../signaling/errors';
import { WEBHOOK_EVENTS, type WebhookEvent, type WebhookWithSecret } from '../../signaling/webhooks';
import { Button } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { Field, FormError, Switch } from '../base/Field';
import { useServices } from '../services';
import styles from './AdminPage.module.css';

const WORDS: Record<WebhookEvent, string> = {
  'meeting.started': 'A meeting starts',
  'participant.joined': 'Somebody joins',
  'participant.left': 'Somebody leaves',
  'meeting.ended': 'A meeting ends',
};

interface AddWebhookProps {
  onClose: () => void;
  onMade: (webhook: WebhookWithSecret) => void;
}

export function AddWebhook({ onClose, onMade }: AddWebhookProps) {
  const { rest } = useServices();
  const [url, setUrl] = useState('');
  const [description, setDescription] = useState('');
  const [events, setEvents] = useState<WebhookEvent[]>([
    'meeting.started',
    'participant.joined',
    'meeting.ended',
  ]);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const toggle = (event: WebhookEvent, on: boolean) =>
    setEvents(WEBHOOK_EVENTS.filter((one) => (one === event ? on : events.includes(one))));
  const submit = async (form: FormEvent) => {
    form.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      onMade(await rest.admin.webhooks.add({ url: url.trim(), description: description.trim(), events }));
    } catch (failure) {
      setProblem(readable(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title="Add a webhook" onClose={onClose} narrow>
      <form className={styles.form} onSubmit={submit}>
        <Field
          label="Address"
          hint="Messages are sent there by POST, signed."
          type="url"
          placeholder="https://example.org/hook"
          required
          maxLength={2048}
          data-autofocus
          value={url}
          onChange={(event) => setUrl(event.target.value)}
        />
        <Field
          label="Description"
          maxLength={200}
          value={description}
          onChange={(event) => setDescription(event.target.value)}
        />
        {WEBHOOK_EVENTS.map((event) => (
          <Switch
            key={event}
            label={WORDS[event]}
            checked={events.includes(event)}
            onChange={(on) => toggle(event, on)}
          />
        ))}
        {problem && <FormError>{problem}</FormError>}
        <Button type="submit" look="filled" busy={busy} disabled={events.length === 0}>
          Add
        </Button>
      </form>
    </Dialog>
  );
}
