// Which page is shown.
import { lazy, Suspense, useEffect } from 'react';
import { Toasts } from './base/Toasts';
import { HomePage } from './home/HomePage';
import { LoginPage } from './login/LoginPage';
import { NotFound } from './NotFound';
import { navigate, routeOf, usePath } from './router';
import { session } from './session';
import { useStore } from './useStore';

const MeetingPage = lazy(() =>
  import('./meeting/MeetingPage').then((page) => ({ default: page.MeetingPage })),
);

export function App() {
  return (
    <>
      <Page />
      <Toasts />
    </>
  );
}

function Page() {
  const path = usePath();
  const user = useStore(session, ({ user }) => user);
  const route = routeOf(path);
  if (!user && route.page !== 'login') return <GoToLogin from={path} />;
  switch (route.page) {
    case 'login':
      return <LoginPage />;
    case 'home':
      return user && <HomePage user={user} />;
    case 'meeting':
      return (
        <Suspense fallback={null}>
          {user && <MeetingPage key={route.id} meetingId={route.id} user={user} />}
        </Suspense>
      );
    case 'unknown':
      return <NotFound />;
  }
}

function GoToLogin({ from }: { from: string }) {
  useEffect(() => {
    const next = from === '/' ? '' : `?next=${encodeURIComponent(from + location.search)}`;
    navigate(`/login${next}`, { replace: true });
  }, [from]);
  return null;
}
