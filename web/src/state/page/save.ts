/** Passes a file to the browser, which saves it according to its settings. */
export function saveFile(file: File): void {
  const address = URL.createObjectURL(file);
  Object.assign(document.createElement("a"), { href: address, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000); // some browsers start reading later
}

/** A name that is valid on every file system. */
export function fileNameOf(parts: readonly (string | number)[], ending: string): string {
  const name = parts.map(String).join("-").replace(/[^\p{L}\p{N}_.]+/gu, "-").replace(/^[-.]+|-+$/g, "");
  return `${name.slice(0, 120) || "figure"}.${ending}`;
}
