// Initials on a colour that belongs to the person.
import styles from './Avatar.module.css';

/** Hues that stay apart from the accent, from danger and from each other; white text is readable on all of them. */
const HUES = [12, 38, 92, 152, 196, 222, 258, 292, 330];

export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const picked = words.length > 1 ? [words[0], words.at(-1)] : words;
  return picked.map((word) => [...(word ?? '')][0]?.toLocaleUpperCase() ?? '').join('') || '?';
}

function hue(id: string): number {
  // FNV-1a: ids that differ in one letter get colours that differ.
  let hash = 0x811c9dc5;
  for (const letter of id) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  hash ^= hash >>> 15;
  return HUES[hash % HUES.length] ?? 196;
}

export function Avatar({ id, name, size }: { id: string; name: string; size: number }) {
  const style = { width: size, height: size, fontSize: size * 0.38, '--hue': hue(id) };
  return (
    <span className={styles.avatar} style={style} aria-hidden="true">
      {initials(name)}
    </span>
  );
}
