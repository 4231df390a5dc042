// The top of every page outside of a meeting.
import type { User } from '../../signaling/meeting';
import { isAdmin } from '../admin/isAdmin';
import { Avatar } from '../base/Avatar';
import { IconButton } from '../base/Button';
import { Icon, type IconName } from '../base/Icon';
import { Logo } from '../base/Logo';
import { ThemeButton } from '../base/ThemeButton';
import { Link, navigate, usePath } from '../router';
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
      <nav className={styles.nav} aria-label="Main">
        <NavLink href="/" icon="calendar" label="Meetings" />
        <NavLink href="/chat" icon="chat" label="Chat" />
        {isAdmin(user) && <NavLink href="/admin" icon="shield" label="Administration" />}
      </nav>
      <div className={styles.right}>
        <span className={styles.name}>{user.name}</span>
        <span className={styles.face}>
          <Avatar id={user.id} name={user.name} size={34} />
        </span>
        <ThemeButton />
        <IconButton icon="logout" label="Sign out" onClick={leave} />
      </div>
    </header>
  );
}

function NavLink({ href, icon, label }: { href: string; icon: IconName; label: string }) {
  const path = usePath();
  const here = href === '/' ? path === '/' || path.startsWith('/meetings/') : path.startsWith(href);
  return (
    <Link href={href} aria-current={here ? 'page' : undefined} aria-label={label} title={label}>
      <Icon name={icon} size={19} />
      <span>{label}</span>
    </Link>
  );
}
