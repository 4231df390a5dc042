// The reactions on offer, with the words a screen reader says.
export const EMOJI: readonly { emoji: string; name: string }[] = [
  { emoji: '👍', name: 'Thumbs up' },
  { emoji: '❤️', name: 'Heart' },
  { emoji: '👏', name: 'Applause' },
  { emoji: '😂', name: 'Laughing' },
  { emoji: '😮', name: 'Surprised' },
  { emoji: '🎉', name: 'Celebration' },
  { emoji: '🙌', name: 'Raised hands' },
  { emoji: '😢', name: 'Sad' },
  { emoji: '🔥', name: 'Fire' },
  { emoji: '👎', name: 'Thumbs down' },
];

/** What a reaction is called; an unknown one speaks for itself. */
export function emojiName(emoji: string): string {
  return EMOJI.find((known) => known.emoji === emoji)?.name ?? emoji;
}
