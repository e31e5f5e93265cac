import type { DataSource } from "../../api/source";
import type { ColorMap, ColorMaps } from "../../api/types";
import { codeColors } from "../../color/lookup";
import { PICTURE_MODES } from "../../color/picture";
import type { PictureMode, SingleMode } from "../../color/picture";
import type { Theme } from "../../color/palette";
import type { Look } from "../../color/shades";
import { PLAIN, appearanceTexts, readAppearance } from "./appearance";
import type { Appearance, AppearanceTexts } from "./appearance";
import type { Host } from "../page/host";
import { recall, remember } from "../page/localStorage";
import type { Route } from "../address/route";

export type ThemeChoice = "system" | Theme;
export const THEMES: readonly ThemeChoice[] = ["system", "light", "dark"];
const FALLBACK: ColorMap = { lookup: Array.from({ length: 768 }, (_, at) => Math.floor(at / 3)), diverging: true };
const KEPT_DEFINITIONS = 8;
export const TILE = { least: 40, most: 256, usual: 66 };

/** Display preferences, stored by the browser if it allows that. */
export class Settings {
  readonly #dark: Host["dark"];
  #theme = $state<ThemeChoice>(THEMES.find((theme) => theme === recall("theme")) ?? "system");
  #letterKeys = $state(recall("letter-keys") !== "off");
  #colorMap = $state(recall("color-map") ?? "");
  /** The color map of an address. */
  #asked: string | null = null;
  #appearance = $state.raw<Appearance>(readAppearance(recalled()));
  #tile = $state(tileSide(recall("tile")));
  /** The server's color maps and custom ones. */
  #named = $state.raw<ColorMaps>({});
  #defined = $state.raw<ColorMaps>({});
  /** Definitions in the color-map language, the last used first; the browser stores them. */
  definitions = $state.raw<readonly string[]>(texts(recall("color-maps")));

  /** Diverging ones first, as only they show the sign. */
  colorMaps = $derived<ColorMaps>({ ...sorted(this.#named), ...this.#defined });
  colorMapNames = $derived(Object.keys(this.colorMaps));
  colorMapName = $derived(Object.hasOwn(this.colorMaps, this.#colorMap) ? this.#colorMap : (this.colorMapNames[0] ?? ""));
  colors = $derived(codeColors(this.colorMaps[this.colorMapName] ?? FALLBACK));
  look = $derived<Look>({ colors: this.colors, gamma: this.gamma, opacity: this.opacity });
  theme = $derived.by<Theme>(() => (this.#theme === "system" ? (this.#dark.current ? "dark" : "light") : this.#theme));

  constructor(host: Host) {
    this.#dark = host.dark;
  }

  get themeChoice(): ThemeChoice {
    return this.#theme;
  }

  set themeChoice(theme: ThemeChoice) {
    this.#theme = theme;
    remember("theme", theme);
  }

  /** Applies the theme of a file without storing it as a preference. */
  showTheme(theme: ThemeChoice): void {
    this.#theme = theme;
  }

  get letterKeys(): boolean {
    return this.#letterKeys;
  }

  set letterKeys(on: boolean) {
    this.#letterKeys = on;
    remember("letter-keys", on ? "on" : "off");
  }

  /** Minimum width of a tile in the list of samples, in pixels. */
  get tile(): number {
    return this.#tile;
  }

  set tile(side: number) {
    this.#tile = side;
    remember("tile", String(side));
  }

  get appearance(): Appearance {
    return this.#appearance;
  }

  get mode(): PictureMode {
    return this.#appearance.mode;
  }

  set mode(mode: PictureMode) {
    this.change({ mode });
  }

  /** The display mode where only one image fits. */
  get singleMode(): SingleMode {
    return this.mode === "side by side" ? "overlay" : this.mode;
  }

  get gamma(): number {
    return this.#appearance.gamma;
  }

  get opacity(): number {
    return this.#appearance.opacity;
  }

  change(to: Partial<Appearance>): void {
    this.#appearance = { ...this.#appearance, ...to };
    remember("pictures", JSON.stringify(appearanceTexts(this.#appearance)));
  }

  /** Applies the appearance of an address without storing it. An address without `pictures` changes nothing. */
  show(route: Route): void {
    this.#asked = route.colorMap;
    this.#colorMap = route.colorMap ?? this.#colorMap;
    if (route.pictures !== null) this.#appearance = readAppearance({ ...route, mode: route.pictures });
  }

  nextMode(): void {
    this.mode = next(PICTURE_MODES, this.mode);
  }

  plain(): void {
    this.change({ ...PLAIN, mode: this.mode });
  }

  /** Selects a color map by its name, or by a definition that `define` has read. */
  chooseColorMap(name: string): void {
    this.#colorMap = name;
    remember("color-map", name);
  }

  nextColorMap(): void {
    if (this.colorMapNames.length > 0) this.chooseColorMap(next(this.colorMapNames, this.colorMapName));
  }

  /** Fetches the named color maps. */
  async loadColorMaps(source: DataSource): Promise<void> {
    this.#named = await source.colorMaps();
  }

  /** Loads the color map of an address or the browser's storage; the error names the one shown instead. */
  async loadAsked(source: DataSource): Promise<void> {
    const name = this.#colorMap;
    if (Object.hasOwn(this.colorMaps, name)) return;
    const instead = `${this.colorMapName} is shown`;
    if (!name.includes(",")) {
      if (name === this.#asked) throw new Error(`The color map “${name}” was not found; ${instead}.`);
      return;
    }
    await this.define(name, source).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`The color map “${name}” cannot be read; ${instead}. ${reason}`);
    });
  }

  /** Reads a color map definition; the server reports errors in it. */
  async define(definition: string, source: DataSource): Promise<void> {
    const map = await source.colorMap(definition);
    this.#defined = { ...this.#defined, [definition]: map };
    this.definitions = [definition, ...this.definitions.filter((other) => other !== definition)].slice(0, KEPT_DEFINITIONS);
    remember("color-maps", JSON.stringify(this.definitions));
  }

  forget(definition: string): void {
    const { [definition]: _, ...others } = this.#defined;
    this.#defined = others;
    this.definitions = this.definitions.filter((other) => other !== definition);
    remember("color-maps", JSON.stringify(this.definitions));
  }
}

function sorted(maps: ColorMaps): ColorMaps {
  const entries = Object.entries(maps);
  return Object.fromEntries([...entries.filter(([, map]) => map.diverging), ...entries.filter(([, map]) => !map.diverging)]);
}

function next<T>(choices: readonly T[], current: T): T {
  return choices[(choices.indexOf(current) + 1) % choices.length];
}

function recalled(): Partial<AppearanceTexts> {
  const value = parsed(recall("pictures"));
  return typeof value === "object" && value !== null ? value : {};
}

function texts(kept: string | null): string[] {
  const value = parsed(kept);
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string").slice(0, KEPT_DEFINITIONS) : [];
}

function parsed(json: string | null): unknown {
  try {
    return JSON.parse(json ?? "null");
  } catch {
    return null; // written by another version or another program
  }
}

function tileSide(kept: string | null): number {
  const side = Number(kept ?? NaN);
  return side >= TILE.least && side <= TILE.most ? side : TILE.usual;
}
