/**
 * Names the chunk of modules that the page loads at first: those that the entry imports, directly or through others,
 * but not on demand. Otherwise modules that are shared with parts on demand are in many small files, which compress
 * worse.
 */
export function firstChunk(entry) {
  const known = new Map();
  function isFirst(id, info) {
    if (known.has(id)) return known.get(id);
    known.set(id, false); // modules may import each other
    const first = id.endsWith(entry) || (info(id)?.importers ?? []).some((importer) => isFirst(importer, info));
    known.set(id, first);
    return first;
  }
  return (id, context) => (isFirst(id, (other) => context.getModuleInfo(other)) ? "page" : null);
}
