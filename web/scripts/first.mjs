/**
 * Names the chunk of modules that the page loads at first: those that the entry imports, directly or through others,
 * but not on demand. Otherwise modules that are shared with parts on demand are in many small files, which compress
 * worse.
 * @param {string} entry the end of the path of the entry
 */
export function firstChunk(entry) {
  /** @type {Map<string, boolean>} */
  const known = new Map();
  /** @type {(id: string, info: (id: string) => { importers: string[] } | null) => boolean} */
  function isFirst(id, info) {
    const found = known.get(id);
    if (found !== undefined) return found;
    known.set(id, false); // modules may import each other
    const first = id.endsWith(entry) || (info(id)?.importers ?? []).some((importer) => isFirst(importer, info));
    known.set(id, first);
    return first;
  }
  /** @type {(id: string, context: { getModuleInfo: (id: string) => { importers: string[] } | null }) => string | null} */
  return (id, context) => (isFirst(id, (other) => context.getModuleInfo(other)) ? "page" : null);
}
