// The top of every page outside of a meeting.
import type { User } from '../../signaling/meeting';
import { Avatar } from '../base/Avatar';
import { IconButton } from '../base/Button';
import { Logo } from '../base/Logo';
import { ThemeButton } from '../base/ThemeButton';
import { Link, navigate } from '../router';
import { logOut } from '../session';
import styles from './Header.module.css';

export function Header({ user }: { user: User }) {
  const leave = () => {
    logOut();
    navigate('/login');
  };
  return (
    <header className={styles.header}>
      <Link href="/" className={styles.home} aria-label="Plenum, your meetings">
        <Logo />
      </Link>
      <div className={styles.right}>
        <span className={styles.name}>{user.name}</span>
        <Avatar id={user.id} name={user.name} size={34} />
        <ThemeButton />
        <IconButton icon="logout" label="Sign out" onClick={leave} />
      </div>
    </header>
  );
}
