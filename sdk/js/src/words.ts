/** The spelling of names: `camelCase` on this side, `snake_case` on the wire. Texts and ids are never touched, only keys. */

type CamelWord<Word extends string> = Word extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelWord<Tail>>}`
  : Word;

/** A type of the wire with its keys spelled our way, all the way down. */
export type Camel<Wire> = Wire extends readonly (infer Item)[]
  ? Camel<Item>[]
  : Wire extends object
    ? { [Key in keyof Wire as Key extends string ? CamelWord<Key> : Key]: Camel<Wire[Key]> }
    : Wire;

const camelWord = (word: string) => word.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
const snakeWord = (word: string) => word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** From the wire. */
export function camel<Wire>(value: Wire): Camel<Wire> {
  return spelled(value, camelWord) as Camel<Wire>;
}

/** To the wire. Names that are in `snake_case` already stay as they are. */
export function snake(value: unknown): unknown {
  return spelled(value, snakeWord);
}

function spelled(value: unknown, spell: (word: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => spelled(item, spell));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [spell(key), spelled(inner, spell)]));
}
