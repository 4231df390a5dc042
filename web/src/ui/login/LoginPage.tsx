// Signing in.
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { readable } from '../../signaling/errors';
import { Button } from '../base/Button';
import { Field, FormError } from '../base/Field';
import { Logo } from '../base/Logo';
import { ThemeButton } from '../base/ThemeButton';
import { navigate } from '../router';
import { useServices } from '../services';
import { session } from '../session';
import { Assembly } from './Assembly';
import styles from './LoginPage.module.css';

/** Only addresses of our own may follow a login. */
function nextAddress(): string {
  const next = new URLSearchParams(location.search).get('next') ?? '/';
  return next.startsWith('/') && !next.startsWith('//') ? next : '/';
}

export function LoginPage() {
  const { rest } = useServices();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const passwordInput = useRef<HTMLDivElement>(null);

  useEffect(() => {
    document.title = 'Sign in · Plenum';
  }, []);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!email.trim() || !password) {
      setError(email.trim() ? 'Please enter your password.' : 'Please enter your e-mail address.');
      return;
    }
    setBusy(true);
    setError(null);
    try {
      const { token, user } = await rest.login(email.trim(), password);
      session.dispatch({ token, user });
      navigate(nextAddress(), { replace: true });
    } catch (failure) {
      setError(readable(failure));
      setBusy(false);
      passwordInput.current?.querySelector('input')?.focus();
    }
  };

  return (
    <main className={styles.page}>
      <section className={styles.side} aria-hidden="true">
        <Assembly />
        <p className={styles.claim}>
          Everyone
          <br />
          in one room.
        </p>
      </section>
      <section className={styles.main}>
        <div className={styles.theme}>
          <ThemeButton />
        </div>
        <form className={styles.form} onSubmit={submit} noValidate>
          <Logo size={34} />
          <div>
            <h1>Sign in</h1>
            <p className={styles.lead}>to meet, talk and share with your organisation.</p>
          </div>
          {error && <FormError>{error}</FormError>}
          <Field
            label="E-mail"
            name="email"
            type="email"
            autoComplete="username"
            autoFocus
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
          <div ref={passwordInput}>
            <Field
              label="Password"
              name="password"
              type="password"
              autoComplete="current-password"
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          </div>
          <Button type="submit" look="filled" wide busy={busy}>
            Sign in
          </Button>
          <p className={styles.note}>No account yet? Your administrator creates one for you.</p>
        </form>
      </section>
    </main>
  );
}
