/** One token of a text; padding fills texts up to a common length. */
export interface Token {
  word: string;
  place: number;
  relevance: number;
  padding: boolean;
}

const PADDING = /^(\[pad\]|<pad>|<\|pad\|>|<\|endoftext\|>|<blank>|)$/i;

/** Words with their relevance; behind the last word, and at its end where it is called so, is padding. */
export function tokensOf(words: readonly string[], relevance: ArrayLike<number>): Token[] {
  let end = words.length;
  while (end > 0 && PADDING.test(words[end - 1])) end--;
  return Array.from({ length: Math.max(words.length, relevance.length) }, (_, place) => ({
    word: words[place] ?? "",
    place,
    relevance: relevance[place] ?? NaN,
    padding: place >= end || PADDING.test(words[place] ?? ""),
  }));
}

/** What padding sums up to: how many tokens, and how much relevance lies there. */
export function paddingOf(tokens: readonly Token[]): { count: number; relevance: number } {
  const padding = tokens.filter((token) => token.padding);
  return { count: padding.length, relevance: padding.reduce((sum, token) => sum + (Number.isFinite(token.relevance) ? token.relevance : 0), 0) };
}

/** The part of a text to begin a small picture with, so that its strongest token is in it. */
export function firstShown(tokens: readonly Token[], room: number): number {
  let strongest = 0;
  tokens.forEach((token, at) => {
    if (!token.padding && Math.abs(token.relevance) > Math.abs(tokens[strongest].relevance)) strongest = at;
  });
  return strongest < room ? 0 : Math.max(0, strongest - Math.floor(room / 2));
}
