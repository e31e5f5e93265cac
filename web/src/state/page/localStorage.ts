/** Storage may be forbidden (private windows, embedded pages); then a choice is lost with the page. */
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(`whyset.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`whyset.${key}`, value);
  } catch {
    // not stored, see recall
  }
}
