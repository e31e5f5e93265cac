/** Hands a file to the browser, which puts it where the reader keeps downloads. */
export function saveFile(file: File): void {
  const address = URL.createObjectURL(file);
  Object.assign(document.createElement("a"), { href: address, download: file.name }).click();
  URL.revokeObjectURL(address);
}
