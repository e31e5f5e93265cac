const PLACE = "__WHYSET_STYLES__";

/**
 * A Vite plug-in that puts the style sheet into the script, as the text that stands for `__WHYSET_STYLES__` there:
 * a widget adds it to its own shadow root and to nothing else.
 * @returns {import("vite").Plugin}
 */
export function stylesInScript() {
  return {
    name: "styles-in-script",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      const sheets = Object.values(bundle).filter((file) => file.fileName.endsWith(".css"));
      const text = sheets.map((sheet) => ("source" in sheet ? String(sheet.source) : "")).join("\n");
      for (const sheet of sheets) delete bundle[sheet.fileName];
      const places = Object.values(bundle).filter((file) => file.type === "chunk" && file.code.includes(PLACE));
      if (text === "" || places.length !== 1) throw new Error(`One chunk must hold ${PLACE}, and styles must be there.`);
      for (const chunk of places) {
        if (chunk.type === "chunk") chunk.code = chunk.code.replace(new RegExp(`["'\`]${PLACE}["'\`]`), () => JSON.stringify(text));
      }
    },
  };
}
