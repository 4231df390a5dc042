// Something asked of the server when a page opens, and again when it is told to.
import { type DependencyList, useCallback, useEffect, useState } from 'react';
import { isLostLogin, readable } from '../signaling/errors';
import { logOut } from './session';

export interface Loaded<Value> {
  /** Null until the first answer. */
  value: Value | null;
  error: string | null;
  reload: () => Promise<void>;
}

/** `dependencies` are those of `load`, as for `useCallback`. */
export function useLoaded<Value>(load: () => Promise<Value>, dependencies: DependencyList): Loaded<Value> {
  const [value, setValue] = useState<Value | null>(null);
  const [error, setError] = useState<string | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the caller names what `load` depends on
  const ask = useCallback(load, dependencies);
  const reload = useCallback(async () => {
    try {
      setValue(await ask());
      setError(null);
    } catch (failure) {
      if (isLostLogin(failure)) logOut();
      else setError(readable(failure));
    }
  }, [ask]);
  useEffect(() => void reload(), [reload]);
  return { value, error, reload };
}
