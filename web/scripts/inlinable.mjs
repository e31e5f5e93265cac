/**
 * A Vite plug-in that writes `<!--` and `</script` in strings with an escape, so that the script may stand in HTML.
 * (Svelte's templates hold comments as anchors.)
 * @returns {import("vite").Plugin}
 */
export function inlinable() {
  return {
    name: "inlinable",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type === "chunk") chunk.code = chunk.code.replaceAll(/<(?=!--|\/script)/gi, "\\x3C");
      }
    },
  };
}
