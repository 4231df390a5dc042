// Who is told of meetings from outside: endpoints to be added, switched off, tried out and looked into.
import { useState } from 'react';
import { readable } from '../../signaling/errors';
import type { Webhook, WebhookWithSecret } from '../../signaling/webhooks';
import { Button } from '../base/Button';
import { CopyButton } from '../base/CopyButton';
import { Dialog } from '../base/Dialog';
import { FormError } from '../base/Field';
import { notify } from '../notices';
import { useServices } from '../services';
import { useLoaded } from '../useLoaded';
import { AddWebhook } from './AddWebhook';
import styles from './AdminPage.module.css';
import { WebhookDeliveries } from './WebhookDeliveries';
import { webhookState } from './webhookState';

export function Webhooks() {
  const { rest } = useServices();
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState<WebhookWithSecret | null>(null);
  const [open, setOpen] = useState<string | null>(null);
  const [removing, setRemoving] = useState<Webhook | null>(null);
  const { value, error, reload } = useLoaded(() => rest.admin.webhooks.list(), [rest]);
  const shown = value?.find(({ id }) => id === open);

  /** Does something, says how that went, and shows what is now. */
  const act = async (what: () => Promise<unknown>, done: string) => {
    try {
      await what();
      notify(done);
    } catch (failure) {
      notify(readable(failure), 'error');
    }
    await reload();
  };
  const hooks = rest.admin.webhooks;
  const made = async (webhook: WebhookWithSecret) => {
    setAdding(false);
    setSecret(webhook);
    await reload();
  };

  if (shown) return <WebhookDeliveries webhook={shown} onBack={() => setOpen(null)} />;
  return (
    <>
      <div className={styles.foot}>
        <span>Other programs that are told when meetings start and end, and who joins.</span>
        <Button look="filled" onClick={() => setAdding(true)}>
          Add a webhook
        </Button>
      </div>
      {error && <FormError>{error}</FormError>}
      {value && (
        <div className={styles.table}>
          {value.length === 0 ? (
            <p className={styles.none}>No webhooks: nobody outside is told anything.</p>
          ) : (
            <table>
              <thead>
                <tr>
                  <th scope="col">Address</th>
                  <th scope="col">Told of</th>
                  <th scope="col">State</th>
                  <th scope="col">
                    <span className="visually-hidden">What to do</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {value.map((webhook) => (
                  <Row
                    key={webhook.id}
                    webhook={webhook}
                    onOpen={() => setOpen(webhook.id)}
                    onPing={() => act(() => hooks.ping(webhook.id), 'A try-out is on its way.')}
                    onSwitch={() =>
                      act(
                        () => hooks.setEnabled(webhook.id, !webhook.enabled),
                        webhook.enabled ? 'Switched off.' : 'Switched on.',
                      )
                    }
                    onRemove={() => setRemoving(webhook)}
                    onSecret={() =>
                      act(
                        async () => setSecret(await hooks.rotateSecret(webhook.id)),
                        'There is a new secret.',
                      )
                    }
                  />
                ))}
              </tbody>
            </table>
          )}
        </div>
      )}
      {adding && <AddWebhook onClose={() => setAdding(false)} onMade={made} />}
      {removing && (
        <RemoveDialog
          webhook={removing}
          onClose={() => setRemoving(null)}
          onRemove={() => {
            setRemoving(null);
            return act(() => hooks.remove(removing.id), 'Removed.');
          }}
        />
      )}
      {secret?.secret && <SecretDialog webhook={secret} onClose={() => setSecret(null)} />}
    </>
  );
}

interface RowProps {
  webhook: Webhook;
  onOpen: () => void;
  onPing: () => void;
  onSwitch: () => void;
  onSecret: () => void;
  onRemove: () => void;
}

function Row({ webhook, onOpen, onPing, onSwitch, onSecret, onRemove }: RowProps) {
  const state = webhookState(webhook);
  return (
    <tr data-testid="webhook">
      <td className={styles.address}>
        {webhook.url}
        <div className={styles.soft}>
          {[
            webhook.description,
            webhook.campus_id ? `Campus ${webhook.campus_id}` : 'Every campus',
            webhook.configured && 'from the settings',
          ]
            .filter(Boolean)
            .join(' · ')}
        </div>
      </td>
      <td className={styles.soft}>{webhook.events.join(', ')}</td>
      <td>
        <span className={styles.state} data-good={webhook.enabled}>
          {state}
        </span>
      </td>
      <td className={styles.actions}>
        <Button look="plain" onClick={onOpen}>
          Deliveries
        </Button>
        {webhook.enabled && (
          <Button look="plain" onClick={onPing}>
            Try out
          </Button>
        )}
        {webhook.disabled_reason !== 'settings' && (
          <Button look="plain" onClick={onSwitch}>
            {webhook.enabled ? 'Switch off' : 'Switch on'}
          </Button>
        )}
        {!webhook.configured && (
          <>
            <Button look="plain" onClick={onSecret}>
              New secret
            </Button>
            <Button look="plain" onClick={onRemove}>
              Remove
            </Button>
          </>
        )}
      </td>
    </tr>
  );
}

interface RemoveDialogProps {
  webhook: Webhook;
  onClose: () => void;
  onRemove: () => void;
}

function RemoveDialog({ webhook, onClose, onRemove }: RemoveDialogProps) {
  return (
    <Dialog title="Remove this webhook?" onClose={onClose} narrow>
      <div className={styles.mail}>
        <p>{webhook.url} is told nothing more, and what still waits for it is dropped.</p>
        <Button look="danger" data-autofocus onClick={onRemove}>
          Remove
        </Button>
      </div>
    </Dialog>
  );
}

function SecretDialog({ webhook, onClose }: { webhook: WebhookWithSecret; onClose: () => void }) {
  return (
    <Dialog title="The secret" onClose={onClose} narrow>
      <div className={styles.mail}>
        <p>Messages to {webhook.url} are signed with this. It is shown once.</p>
        <pre data-testid="webhook-secret">{webhook.secret}</pre>
        <div>
          <CopyButton text={webhook.secret ?? ''} label="Copy secret" />
        </div>
      </div>
    </Dialog>
  );
}
