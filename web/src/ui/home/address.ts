// Meeting addresses: making one, and reading one from whatever was pasted. Pure.

export function meetingPath(id: string): string {
  return `/m/${encodeURIComponent(id)}`;
}

/** Everything about a meeting, without going in. */
export function detailPath(id: string): string {
  return `/meetings/${encodeURIComponent(id)}`;
}

/** What a meeting was, in numbers. */
export function analyticsPath(id: string): string {
  return `${detailPath(id)}/analytics`;
}

/** A meeting id from a link or from the bare id; null when there is none in it. */
export function meetingIdFrom(text: string): string | null {
  const trimmed = text.trim();
  const inLink = /\/m\/([^/?#\s]+)/.exec(trimmed)?.[1];
  if (inLink) return decodeURIComponent(inLink);
  return /^[A-Za-z0-9_-]{6,64}$/.test(trimmed) ? trimmed : null;
}
