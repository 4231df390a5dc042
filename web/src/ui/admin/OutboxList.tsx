// The mail that goes out, or is kept while no mail server is configured.
import { useState } from 'react';
import type { MailStatus, OutboxMail } from '../../signaling/admin';
import { readable } from '../../signaling/errors';
import { Button } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { FormError, Select } from '../base/Field';
import { clock, day } from '../home/when';
import { notify } from '../notices';
import { useServices } from '../services';
import { useLoaded } from '../useLoaded';
import styles from './AdminPage.module.css';
import { Pager } from './Pager';

const PAGE = 50;

const STATUS: Record<MailStatus, string> = { queued: 'Waiting', sent: 'Sent', failed: 'Failed' };

export function OutboxList() {
  const { rest } = useServices();
  const [status, setStatus] = useState('');
  const [offset, setOffset] = useState(0);
  const [open, setOpen] = useState<OutboxMail | null>(null);
  const { value, error, reload } = useLoaded(
    () => rest.admin.outbox({ status, limit: PAGE, offset }),
    [rest, status, offset],
  );
  const retry = async (mail: OutboxMail) => {
    try {
      await rest.admin.retry(mail.id);
      notify('The mail is sent again.');
      await reload();
    } catch (failure) {
      notify(readable(failure), 'error');
    }
  };
  return (
    <>
      {value && !value.delivery && (
        <p className={styles.note}>No mail server is configured: mail is kept here and goes nowhere.</p>
      )}
      <div className={styles.filters}>
        <Select
          label="State"
          value={status}
          options={[
            { value: '', label: 'All' },
            { value: 'queued', label: STATUS.queued },
            { value: 'sent', label: STATUS.sent },
            { value: 'failed', label: STATUS.failed },
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
            {value.mails.length === 0 && <p className={styles.none}>No mail.</p>}
            {value.mails.length > 0 && (
              <table>
                <thead>
                  <tr>
                    <th scope="col">When</th>
                    <th scope="col">To</th>
                    <th scope="col">Subject</th>
                    <th scope="col">Kind</th>
                    <th scope="col">State</th>
                    <th scope="col">
                      <span className="visually-hidden">What to do</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {value.mails.map((mail) => (
                    <Row key={mail.id} mail={mail} onOpen={() => setOpen(mail)} onRetry={() => retry(mail)} />
                  ))}
                </tbody>
              </table>
            )}
          </div>
          <Pager
            offset={offset}
            shown={value.mails.length}
            total={value.total}
            page={PAGE}
            onOffset={setOffset}
          />
        </>
      )}
      {open && <MailDialog mail={open} onClose={() => setOpen(null)} />}
    </>
  );
}

function Row({ mail, onOpen, onRetry }: { mail: OutboxMail; onOpen: () => void; onRetry: () => void }) {
  const at = Date.parse(mail.created_at);
  const failed = mail.status === 'failed';
  return (
    <tr data-testid="mail">
      <td>
        {day(at, Date.now())}, {clock(at)}
      </td>
      <td className={styles.break}>{mail.to.email}</td>
      <td className={styles.break}>
        {mail.subject}
        {mail.last_error && <div className={styles.soft}>{mail.last_error}</div>}
      </td>
      <td>{mail.kind}</td>
      <td>
        <span className={styles.state} data-good={mail.status === 'sent' ? true : failed ? false : undefined}>
          {STATUS[mail.status]}
        </span>
      </td>
      <td>
        <Button look="plain" onClick={onOpen}>
          Read
        </Button>
        {failed && (
          <Button look="plain" onClick={onRetry}>
            Try again
          </Button>
        )}
      </td>
    </tr>
  );
}

function MailDialog({ mail, onClose }: { mail: OutboxMail; onClose: () => void }) {
  const { rest } = useServices();
  const { value, error } = useLoaded(() => rest.admin.mail(mail.id), [rest, mail.id]);
  return (
    <Dialog title={mail.subject} onClose={onClose}>
      <div className={styles.mail}>
        <p className={styles.soft}>To {mail.to.name ? `${mail.to.name}, ${mail.to.email}` : mail.to.email}</p>
        {error && <FormError>{error}</FormError>}
        {value && <pre>{value.text}</pre>}
        {value?.calendar && <p className={styles.soft}>With a calendar entry.</p>}
      </div>
    </Dialog>
  );
}
