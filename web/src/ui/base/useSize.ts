// The size of an element in CSS pixels, followed as it changes.
import { type RefObject, useLayoutEffect, useState } from 'react';
import type { Area } from '../../room/layout';

export function useSize(element: RefObject<HTMLElement | null>): Area | null {
  const [size, setSize] = useState<Area | null>(null);
  useLayoutEffect(() => {
    const target = element.current;
    if (!target) return;
    const measure = () => {
      const width = target.clientWidth;
      const height = target.clientHeight;
      setSize((before) => (before?.width === width && before.height === height ? before : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return size;
}
