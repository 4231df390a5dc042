// Light, dark, or whatever the system says.
import { useSyncExternalStore } from 'react';

export type Theme = 'system' | 'light' | 'dark';

const MEMORY = 'plenum.theme';
const listeners = new Set<() => void>();

function remembered(): Theme {
  const value = localStorage.getItem(MEMORY);
  return value === 'light' || value === 'dark' ? value : 'system';
}

export function applyTheme(theme: Theme = remembered()): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function systemIsDark(): boolean {
  return matchMedia('(prefers-color-scheme: dark)').matches;
}

/** The theme in effect, and a switch to the other one. Choosing what the system has anyway forgets the choice. */
export function useTheme(): { dark: boolean; toggle: () => void } {
  const dark = useSyncExternalStore(subscribe, isDark);
  return { dark, toggle };
}

function isDark(): boolean {
  const theme = remembered();
  return theme === 'system' ? systemIsDark() : theme === 'dark';
}

function toggle(): void {
  const wanted: Theme = isDark() ? 'light' : 'dark';
  if ((wanted === 'dark') === systemIsDark()) localStorage.removeItem(MEMORY);
  else localStorage.setItem(MEMORY, wanted);
  applyTheme();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  const query = matchMedia('(prefers-color-scheme: dark)');
  listeners.add(listener);
  query.addEventListener('change', listener);
  return () => {
    listeners.delete(listener);
    query.removeEventListener('change', listener);
  };
}
