// Closes something small that is open: a press elsewhere, or Escape.
import { type RefObject, useEffect, useRef } from 'react';

export function useDismiss(place: RefObject<HTMLElement | null>, open: boolean, close: () => void): void {
  const act = useRef(close);
  act.current = close;
  useEffect(() => {
    if (!open) return;
    const pressed = (event: PointerEvent) => {
      if (!place.current?.contains(event.target as Node)) act.current();
    };
    const key = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      // Whatever lies below must not close with it.
      event.stopPropagation();
      act.current();
      place.current?.querySelector<HTMLElement>('button')?.focus();
    };
    addEventListener('pointerdown', pressed);
    addEventListener('keydown', key, { capture: true });
    return () => {
      removeEventListener('pointerdown', pressed);
      removeEventListener('keydown', key, { capture: true });
    };
  }, [place, open]);
}
