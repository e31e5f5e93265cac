const MISSING = "–";

/** Three significant digits: 0.0312, 5.1, 412. */
export function number(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toExponential(digits - 1);
  if (value === 0) return "0";
  return value.toLocaleString("en", { minimumSignificantDigits: digits, maximumSignificantDigits: digits });
}

/** A number with these decimals, as in the report: 0 and ±1 only if exact, ">0.99" for 0.9993. */
export function fixed(value: number | null | undefined, decimals: number): string {
  return value === null || value === undefined || !Number.isFinite(value) ? MISSING : rounded(value, decimals, 1);
}

/** Rounds to decimals; values that only round to 0 or `whole`, on either side of 0, become bounds. */
function rounded(value: number, decimals: number, whole: number): string {
  const written = value.toFixed(decimals);
  const edge = [0, whole, -whole].find((one) => Number(written) === one);
  if (edge !== undefined && Math.abs(value - edge) > 1e-9 && Math.abs(value) < whole) {
    const inner = value > edge ? edge + 10 ** -decimals : edge - 10 ** -decimals;
    return `${value < inner ? "<" : ">"}${inner.toFixed(decimals)}`;
  }
  return Number(written) === 0 ? written.replace("-", "") : written;
}

/** A p- or q-value as in the report: three decimals, or a bound if they would all be zero. */
export function probability(value: number | null | undefined): string {
  return value !== null && value !== undefined && value < 0.001 ? "<0.001" : fixed(value, 3);
}

/** "p = 0.042", "p < 0.001" or "p unknown". */
export function withP(value: number | null | undefined, letter = "p"): string {
  const written = probability(value);
  if (written === MISSING) return `${letter} unknown`;
  return written.startsWith("<") ? `${letter} < ${written.slice(1)}` : `${letter} = ${written}`;
}

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? MISSING : value.toLocaleString("en");
}

/** A share in percent; 0 % and 100 % only if exact. */
export function percent(value: number | null | undefined, decimals = 1): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  return `${rounded(value * 100, value === 1 || value === 0 ? 0 : decimals, 100)} %`;
}

/** A share without decimals. */
export function wholePercent(value: number): string {
  return percent(value, 0);
}

/** "90 explanations of 30 samples" if the counts differ, otherwise "30 samples". */
export function counted(explanations: number, samples: number | null | undefined): string {
  if (samples === explanations) return plural(samples, "sample");
  const written = plural(explanations, "explanation");
  return samples === null || samples === undefined ? written : `${written} of ${plural(samples, "sample")}`;
}

/** A name of the stored configuration in words: weights_hash is "weights hash". */
export function words(name: string): string {
  return name.replaceAll("_", " ").toLowerCase();
}

/** The name of a stored part (JSON with a name and its fields), otherwise the text itself. */
export function storedName(text: string): string {
  return /^\{"name": "([^"]+)"/.exec(text)?.[1] ?? text;
}

/** An eigengap as in the report: ~ marks one that is not the largest. */
export function eigengap(value: number | null | undefined, clear: boolean | null | undefined): string {
  return `${clear === false ? "~" : ""}${fixed(value, 3)}`;
}

/** "Samples" of "samples". */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function plural(n: number, word: string, words = `${word}s`): string {
  return `${count(n)} ${n === 1 ? word : words}`;
}

/** A path as one argument of a command, quoted as Python's `shlex.quote` does; one that begins with a dash is no option. */
export function shellArgument(path: string): string {
  const text = path.startsWith("-") ? `./${path}` : path;
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}
