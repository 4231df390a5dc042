// An address that leads nowhere.
import { Mark } from './base/Logo';
import styles from './NotFound.module.css';
import { Link } from './router';

export function NotFound() {
  return (
    <main className={styles.page}>
      <Mark size={56} />
      <h1>Nothing here</h1>
      <p>This address does not lead to a page.</p>
      <Link href="/">Go to your meetings</Link>
    </main>
  );
}
