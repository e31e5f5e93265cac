/** One token of a text; padding extends texts to a common length. */
export interface Token {
  word: string;
  place: number;
  relevance: number;
  padding: boolean;
}

const PADDING = /^(\[pad\]|<pad>|<\|pad\|>|<\|endoftext\|>|<blank>|)$/i;

/** Words with their relevance; padding follows the last word, or consists of final tokens with that name. */
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

/** Number of padding tokens and their total relevance. */
export function paddingOf(tokens: readonly Token[]): { count: number; relevance: number } {
  const padding = tokens.filter((token) => token.padding);
  return { count: padding.length, relevance: padding.reduce((sum, token) => sum + (Number.isFinite(token.relevance) ? token.relevance : 0), 0) };
}

/** The first token of a small image, chosen so that the strongest token is visible. */
export function firstShown(tokens: readonly Token[], room: number): number {
  let strongest = 0;
  tokens.forEach((token, at) => {
    if (!token.padding && Math.abs(token.relevance) > Math.abs(tokens[strongest].relevance)) strongest = at;
  });
  return strongest < room ? 0 : Math.max(0, strongest - Math.floor(room / 2));
}
