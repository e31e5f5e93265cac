import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * The folder and package.json of the package that a module of node_modules belongs to.
 * @param {string} module
 */
function packageOf(module) {
  let folder = dirname(module);
  while (folder.includes("node_modules")) {
    const file = join(folder, "package.json");
    if (existsSync(file)) {
      const description = JSON.parse(readFileSync(file, "utf8"));
      if (description.name && description.version) return { folder, description };
    }
    folder = dirname(folder);
  }
  throw new Error(`No package.json above ${module}: its license is unknown.`);
}

/** @param {string} folder */
function licenseText(folder) {
  const name = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
  if (!name) throw new Error(`${folder} carries no license file, so it must not be bundled.`);
  return readFileSync(join(folder, name), "utf8").replaceAll("\r\n", "\n").trim();
}

/**
 * A Vite plug-in that writes the licenses of exactly those packages whose code is in the bundle.
 * @param {string} fileName
 * @returns {import("vite").Plugin}
 */
export function thirdPartyLicenses(fileName) {
  return {
    name: "third-party-licenses",
    apply: "build",
    generateBundle(_options, bundle) {
      /** @type {Map<string, string>} */
      const found = new Map();
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== "chunk") continue;
        for (const [id, module] of Object.entries(chunk.modules)) {
          if (!id.includes("node_modules") || module.renderedLength === 0) continue;
          const { folder, description } = packageOf(id.replace(/^\0/, "").split("?")[0] ?? id);
          found.set(`${description.name} ${description.version} (${description.license})`, licenseText(folder));
        }
      }
      const sections = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([title, text]) => `${title}\n\n${text}\n`);
      const source = `The viewer's bundle contains code of these packages.\n\n${sections.join(`\n${"-".repeat(80)}\n\n`)}`;
      this.emitFile({ type: "asset", fileName, source });
    },
  };
}
