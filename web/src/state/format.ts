const MISSING = "–";

/** Three significant digits, without the noise of more: 0.0312, 5.1, 412. */
export function number(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toExponential(digits - 1);
  if (value === 0) return "0";
  return value.toLocaleString("en", { minimumSignificantDigits: digits, maximumSignificantDigits: digits });
}

export function fixed(value: number | null | undefined, decimals: number): string {
  return value === null || value === undefined || !Number.isFinite(value) ? MISSING : value.toFixed(decimals);
}

/** A p-value with the digits that its surrogates can resolve. */
export function probability(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  return value < 0.01 ? number(value, 1) : value.toFixed(2);
}

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? MISSING : value.toLocaleString("en");
}

export function percent(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  return `${(value * 100).toFixed(value === 1 || value === 0 ? 0 : 1)} %`;
}

/** A name of the stored configuration as it is read: weights_hash is "weights hash". */
export function words(name: string): string {
  return name.replaceAll("_", " ").toLowerCase();
}

/** Of a stored part (JSON with a name and its fields) the name, otherwise the text itself. */
export function storedName(text: string): string {
  return /^\{"name": "([^"]+)"/.exec(text)?.[1] ?? text;
}

/** An eigengap as the report writes it: ~ marks one that is not the largest. */
export function eigengap(value: number | null | undefined, clear: boolean | null | undefined): string {
  return `${clear === false ? "~" : ""}${fixed(value, 3)}`;
}

export function plural(n: number, word: string, words = `${word}s`): string {
  return `${count(n)} ${n === 1 ? word : words}`;
}
