// Which page is shown.
import { lazy, Suspense, useEffect } from 'react';
import type { User } from '../signaling/meeting';
import { Toasts } from './base/Toasts';
import { HomePage } from './home/HomePage';
import { LoginPage } from './login/LoginPage';
import { NotFound } from './NotFound';
import { navigate, type Route, routeOf, usePath } from './router';
import { session } from './session';
import { useStore } from './useStore';

// The way in is loaded at once; everything else when it is gone to.
const MeetingPage = lazy(() =>
  import('./meeting/MeetingPage').then((page) => ({ default: page.MeetingPage })),
);
const DetailPage = lazy(() => import('./detail/DetailPage').then((page) => ({ default: page.DetailPage })));
const AnalyticsPage = lazy(() =>
  import('./analytics/AnalyticsPage').then((page) => ({ default: page.AnalyticsPage })),
);
const RoomsPage = lazy(() => import('./rooms/RoomsPage').then((page) => ({ default: page.RoomsPage })));
const AdminPage = lazy(() => import('./admin/AdminPage').then((page) => ({ default: page.AdminPage })));

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
  if (route.page === 'login') return <LoginPage />;
  if (!user) return <GoToLogin from={path} />;
  return <Suspense fallback={null}>{pageOf(route, user)}</Suspense>;
}

function pageOf(route: Exclude<Route, { page: 'login' }>, user: User) {
  switch (route.page) {
    case 'home':
      return <HomePage user={user} />;
    case 'meeting':
      return <MeetingPage key={route.id} meetingId={route.id} user={user} />;
    case 'detail':
      return <DetailPage key={route.id} meetingId={route.id} user={user} />;
    case 'analytics':
      return <AnalyticsPage key={route.id} meetingId={route.id} user={user} />;
    case 'chat':
      return <RoomsPage roomId={route.roomId} user={user} />;
    case 'admin':
      return <AdminPage part={route.part} user={user} />;
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
