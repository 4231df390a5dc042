// Reading a store from React: a component renders again only when what it selects has changed.
import { useSyncExternalStore } from 'react';
import type { Store } from '../store';

export function useStore<State, Action, Selected>(
  store: Store<State, Action>,
  select: (state: State) => Selected,
): Selected {
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}
