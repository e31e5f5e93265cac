import { expect, test } from "vitest";

import { SourceError } from "../src/api/source";
import type { DataSource } from "../src/api/source";
import type { Host } from "../src/state/page/host";
import { HOME } from "../src/state/address/route";
import { Settings } from "../src/state/heatmaps/settings.svelte";

const MAP = { lookup: Array.from({ length: 768 }, () => 0), diverging: true };
const source = {
  colorMaps: () => Promise.resolve({ coldnhot: MAP, bwr: MAP }),
  colorMap: (definition: string) => (definition === "f00,0f0" ? Promise.resolve(MAP) : Promise.reject(new SourceError("x is no color."))),
} as unknown as DataSource;

async function asked(colorMap: string | null): Promise<Settings> {
  const settings = new Settings({ dark: { current: false } } as Host);
  settings.show({ ...HOME, colorMap });
  await settings.loadColorMaps(source);
  return settings;
}

test("a color map of an address is shown, by its name or its definition", async () => {
  for (const name of ["bwr", "f00,0f0"]) {
    const settings = await asked(name);
    await settings.loadAsked(source);
    expect(settings.colorMapName).toBe(name);
  }
});

test("one that is not there is told, with what is shown instead", async () => {
  await expect((await asked("viridiss")).loadAsked(source)).rejects.toThrow("The color map “viridiss” was not found; coldnhot is shown.");
  await expect((await asked("x,y")).loadAsked(source)).rejects.toThrow("The color map “x,y” cannot be read; coldnhot is shown. x is no color.");
});

test("without one in the address nothing is told", async () => {
  await expect((await asked(null)).loadAsked(source)).resolves.toBeUndefined();
});
