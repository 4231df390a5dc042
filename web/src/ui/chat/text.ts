// Links in what people write. Pure; the result is rendered as text, never as HTML.

export interface Part {
  text: string;
  href: string | null;
  /** Where in the line the part begins. */
  at: number;
}

const LINK = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;

export function linked(line: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of line.matchAll(LINK)) {
    if (match.index > end) parts.push({ text: line.slice(end, match.index), href: null, at: end });
    parts.push({ text: match[0], href: match[0], at: match.index });
    end = match.index + match[0].length;
  }
  if (end < line.length) parts.push({ text: line.slice(end), href: null, at: end });
  return parts;
}
