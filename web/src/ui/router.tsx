// Four addresses need no library: the path, a way to go elsewhere, and links that do not reload.
import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from 'react';

export type Route =
  | { page: 'login' }
  | { page: 'home' }
  | { page: 'meeting'; id: string }
  | { page: 'unknown' };

const listeners = new Set<() => void>();

export function routeOf(pathname: string): Route {
  if (pathname === '/') return { page: 'home' };
  if (pathname === '/login') return { page: 'login' };
  const meeting = /^\/m\/([^/]+)\/?$/.exec(pathname)?.[1];
  return meeting ? { page: 'meeting', id: decodeURIComponent(meeting) } : { page: 'unknown' };
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
