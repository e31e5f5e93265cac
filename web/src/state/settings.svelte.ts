import type { ColorMap, ColorMaps } from "../api/types";
import { codeColors } from "../color/lookup";
import { PICTURE_MODES } from "../color/picture";
import type { PictureMode } from "../color/picture";
import type { Theme } from "../color/palette";
import type { Host } from "./host";

export type ThemeChoice = "system" | Theme;
const THEMES: readonly ThemeChoice[] = ["system", "light", "dark"];
const FALLBACK: ColorMap = { lookup: Array.from({ length: 768 }, (_, at) => Math.floor(at / 3)), diverging: true };

/** How the reader likes to see things, kept by the browser where it allows that. */
export class Settings {
  readonly #dark: Host["dark"];
  #theme = $state<ThemeChoice>(oneOf(THEMES, recall("theme")) ?? "system");
  #letterKeys = $state(recall("letter-keys") !== "off");
  #colorMap = $state(recall("color-map") ?? "");
  #mode = $state<PictureMode>(oneOf(PICTURE_MODES, recall("pictures")) ?? "overlay");
  colorMaps = $state.raw<ColorMaps>({});

  colorMapNames = $derived(Object.keys(this.colorMaps));
  colorMapName = $derived(this.#colorMap in this.colorMaps ? this.#colorMap : (this.colorMapNames[0] ?? ""));
  colors = $derived(codeColors(this.colorMaps[this.colorMapName] ?? FALLBACK));
  theme = $derived.by<Theme>(() => (this.#theme === "system" ? (this.#dark.current ? "dark" : "light") : this.#theme));

  constructor(host: Host) {
    this.#dark = host.dark;
  }

  get themeChoice(): ThemeChoice {
    return this.#theme;
  }

  nextTheme(): void {
    this.#theme = next(THEMES, this.#theme);
    remember("theme", this.#theme);
  }

  get letterKeys(): boolean {
    return this.#letterKeys;
  }

  set letterKeys(on: boolean) {
    this.#letterKeys = on;
    remember("letter-keys", on ? "on" : "off");
  }

  get mode(): PictureMode {
    return this.#mode;
  }

  set mode(mode: PictureMode) {
    this.#mode = mode;
    remember("pictures", mode);
  }

  /** What an address asks for; it is not kept as the reader's own liking. */
  show(colorMap: string | null, pictures: string | null): void {
    this.#colorMap = colorMap ?? this.#colorMap;
    this.#mode = oneOf(PICTURE_MODES, pictures) ?? this.#mode;
  }

  nextMode(): void {
    this.mode = next(PICTURE_MODES, this.#mode);
  }

  chooseColorMap(name: string): void {
    this.#colorMap = name;
    remember("color-map", name);
  }

  nextColorMap(): void {
    if (this.colorMapNames.length > 0) this.chooseColorMap(next(this.colorMapNames, this.colorMapName));
  }
}

function next<T>(choices: readonly T[], current: T): T {
  return choices[(choices.indexOf(current) + 1) % choices.length];
}

function oneOf<T extends string>(choices: readonly T[], value: string | null): T | undefined {
  return choices.find((choice) => choice === value);
}

/** Storage may be forbidden (private windows, embedded pages); then the choice lasts as long as the page. */
function recall(key: string): string | null {
  try {
    return localStorage.getItem(`whyset.${key}`);
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`whyset.${key}`, value);
  } catch {
    // not kept, see recall
  }
}
