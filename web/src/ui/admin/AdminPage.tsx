// For administrators: the system in numbers, the audit trail, the mail, the webhooks.
import { useEffect } from 'react';
import type { User } from '../../signaling/meeting';
import { FormError } from '../base/Field';
import { Header } from '../home/Header';
import { type AdminPart, Link } from '../router';
import styles from './AdminPage.module.css';
import { Audit } from './Audit';
import { isAdmin } from './isAdmin';
import { OutboxList } from './OutboxList';
import { SystemNumbers } from './SystemNumbers';
import { Webhooks } from './Webhooks';

const PARTS: [AdminPart, string][] = [
  ['system', 'System'],
  ['audit', 'Audit trail'],
  ['outbox', 'Mail'],
  ['webhooks', 'Webhooks'],
];

export function AdminPage({ part, user }: { part: AdminPart; user: User }) {
  useEffect(() => {
    document.title = 'Administration · Plenum';
  }, []);
  return (
    <>
      <Header user={user} />
      <main className={styles.page}>
        <h1>Administration</h1>
        {isAdmin(user) ? (
          <>
            <nav className={styles.tabs} aria-label="Administration">
              {PARTS.map(([name, label]) => (
                <Link key={name} href={`/admin/${name}`} aria-current={name === part ? 'page' : undefined}>
                  {label}
                </Link>
              ))}
            </nav>
            {part === 'system' && <SystemNumbers />}
            {part === 'audit' && <Audit />}
            {part === 'outbox' && <OutboxList />}
            {part === 'webhooks' && <Webhooks />}
          </>
        ) : (
          <FormError>These pages are for administrators.</FormError>
        )}
      </main>
    </>
  );
}
