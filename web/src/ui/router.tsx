// A few addresses need no library: the path, a way to go elsewhere, and links that do not reload.
import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from 'react';

export type Route =
  | { page: 'login' }
  | { page: 'home' }
  | { page: 'meeting'; id: string }
  | { page: 'detail'; id: string }
  | { page: 'analytics'; id: string }
  | { page: 'chat'; roomId: string | null }
  | { page: 'admin'; part: AdminPart }
  | { page: 'unknown' };

export type AdminPart = 'system' | 'audit' | 'outbox' | 'webhooks';

/** Addresses with a part that is filled in. */
const PATTERNS: [RegExp, (part: string) => Route][] = [
  [/^\/m\/([^/]+)\/?$/, (id) => ({ page: 'meeting', id })],
  [/^\/meetings\/([^/]+)\/?$/, (id) => ({ page: 'detail', id })],
  [/^\/meetings\/([^/]+)\/analytics\/?$/, (id) => ({ page: 'analytics', id })],
  [/^\/chat\/([^/]+)\/?$/, (roomId) => ({ page: 'chat', roomId })],
  [/^\/admin\/(system|audit|outbox|webhooks)\/?$/, (part) => ({ page: 'admin', part: part as AdminPart })],
];

const listeners = new Set<() => void>();

export function routeOf(pathname: string): Route {
  if (pathname === '/') return { page: 'home' };
  if (pathname === '/login') return { page: 'login' };
  if (pathname === '/chat') return { page: 'chat', roomId: null };
  if (pathname === '/admin') return { page: 'admin', part: 'system' };
  for (const [pattern, route] of PATTERNS) {
    const part = pattern.exec(pathname)?.[1];
    if (part) return route(decodeURIComponent(part));
  }
  return { page: 'unknown' };
}

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  for (const listener of listeners) listener();
  scrollTo(0, 0);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('popstate', listener);
  };
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}

export function Link({ href, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const elsewhere = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0;
    if (event.defaultPrevented || elsewhere) return;
    event.preventDefault();
    navigate(href);
  };
  return <a href={href} onClick={follow} {...rest} />;
}
