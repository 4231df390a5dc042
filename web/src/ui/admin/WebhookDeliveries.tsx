// What one webhook was told, or is to be told; what was given up is sent again from here.
import { useState } from 'react';
import { readable } from '../../signaling/errors';
import type { Delivery, Webhook } from '../../signaling/webhooks';
import { Button } from '../base/Button';
import { FormError, Select } from '../base/Field';
import { clock, day } from '../home/when';
import { notify } from '../notices';
import { useServices } from '../services';
import { useLoaded } from '../useLoaded';
import styles from './AdminPage.module.css';
import { Pager } from './Pager';
import { DELIVERY_STATUS } from './webhookState';

const PAGE = 50;

export function WebhookDeliveries({ webhook, onBack }: { webhook: Webhook; onBack: () => void }) {
  const { rest } = useServices();
  const hooks = rest.admin.webhooks;
  const [status, setStatus] = useState('');
  const [offset, setOffset] = useState(0);
  const { value, error, reload } = useLoaded(
    () => hooks.deliveries(webhook.id, { status, limit: PAGE, offset }),
    [hooks, webhook.id, status, offset],
  );
  const again = async (what: () => Promise<string>) => {
    try {
      notify(await what());
    } catch (failure) {
      notify(readable(failure), 'error');
    }
    await reload();
  };
  const replay = (delivery: Delivery) =>
    again(async () => {
      await hooks.replay(webhook.id, delivery.id);
      return 'It is sent again.';
    });
  const replayDead = () =>
    again(async () => {
      const count = await hooks.replayDead(webhook.id);
      return count === 0 ? 'Nothing was given up.' : `Sent again: ${count}.`;
    });
  return (
    <>
      <div className={styles.foot}>
        <span className={styles.break}>{webhook.url}</span>
        <div>
          <Button onClick={replayDead}>Send again what was given up</Button>
          <Button onClick={onBack}>All webhooks</Button>
        </div>
      </div>
      <div className={styles.filters}>
        <Select
          label="State"
          value={status}
          options={[
            { value: '', label: 'All' },
            { value: 'pending', label: DELIVERY_STATUS.pending },
            { value: 'delivered', label: DELIVERY_STATUS.delivered },
            { value: 'dead', label: DELIVERY_STATUS.dead },
          ]}
          onChange={(wanted) => {
            setStatus(wanted);
            setOffset(0);
          }}
        />
      </div>
      {error && <FormError>{error}</FormError>}
      {value && (
        <>
          <div className={styles.table}>
            {value.deliveries.length === 0 ? (
              <p className={styles.none}>No deliveries.</p>
            ) : (
              <table>
                <thead>
                  <tr>
                    <th scope="col">When</th>
                    <th scope="col">What</th>
                    <th scope="col">Meeting</th>
                    <th scope="col">State</th>
                    <th scope="col">
                      <span className="visually-hidden">What to do</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {value.deliveries.map((delivery) => (
                    <Row key={delivery.id} delivery={delivery} onReplay={() => replay(delivery)} />
                  ))}
                </tbody>
              </table>
            )}
          </div>
          <Pager
            offset={offset}
            shown={value.deliveries.length}
            total={value.total}
            page={PAGE}
            onOffset={setOffset}
          />
        </>
      )}
    </>
  );
}

function Row({ delivery, onReplay }: { delivery: Delivery; onReplay: () => void }) {
  const at = Date.parse(delivery.happened_at);
  const good = delivery.status === 'pending' ? undefined : delivery.status === 'delivered';
  const tries = delivery.attempts > 1 ? `${delivery.attempts} tries` : null;
  return (
    <tr data-testid="delivery">
      <td>
        {day(at, Date.now())}, {clock(at)}
      </td>
      <td>
        {delivery.event}
        <div className={styles.soft}>{[tries, delivery.last_error].filter(Boolean).join(' · ')}</div>
      </td>
      <td className={`${styles.break} ${styles.soft}`}>{delivery.meeting_id ?? '–'}</td>
      <td>
        <span className={styles.state} data-good={good}>
          {DELIVERY_STATUS[delivery.status]}
        </span>
      </td>
      <td>
        {delivery.status !== 'pending' && (
          <Button look="plain" onClick={onReplay}>
            Send again
          </Button>
        )}
      </td>
    </tr>
  );
}
