/** Hands a file to the browser, which saves it as its reader has set it up. */
export function saveFile(file: File): void {
  const address = URL.createObjectURL(file);
  Object.assign(document.createElement("a"), { href: address, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000); // some browsers begin to read it later
}

/** A name that every file system takes. */
export function fileNameOf(parts: readonly (string | number)[], ending: string): string {
  const name = parts.map(String).join("-").replace(/[^\p{L}\p{N}_.]+/gu, "-").replace(/^[-.]+|-+$/g, "");
  return `${name.slice(0, 120) || "figure"}.${ending}`;
}
