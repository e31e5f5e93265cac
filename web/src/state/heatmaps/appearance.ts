import { PICTURE_MODES } from "../../color/picture";
import type { PictureMode } from "../../color/picture";

/** Scale of full color: the maximum of each heatmap, or of all heatmaps of its cluster or of the class. */
export type Norm = "sample" | "cluster" | "all";
export const NORMS: readonly Norm[] = ["sample", "cluster", "all"];

/** Percentiles of |relevance| for full color; larger values are clipped. */
export const CLIPS = [100, 99.5, 99, 95] as const;
export type Clip = (typeof CLIPS)[number];

/** Enlargement of pixels; automatic: small images have sharp pixels. */
export type Sampling = "automatic" | "smooth" | "pixelated";
export const SAMPLINGS: readonly Sampling[] = ["automatic", "smooth", "pixelated"];

/** Images of up to this many pixels have sharp pixels if the sampling is automatic. */
const PIXELATED_UP_TO = 64;

export function isPixelated(sampling: Sampling, { width, height }: { width: number; height: number }): boolean {
  return sampling === "automatic" ? Math.max(width, height) <= PIXELATED_UP_TO : sampling === "pixelated";
}

export const GAMMA = { least: 0.2, most: 2, step: 0.05 };
export const OPACITY = { least: 0.05, most: 1, step: 0.05 };

/** Appearance of samples, apart from the color map. */
export interface Appearance {
  mode: PictureMode;
  norm: Norm;
  clip: Clip;
  gamma: number;
  opacity: number;
  sampling: Sampling;
}

export const PLAIN: Appearance = { mode: "overlay", norm: "sample", clip: 100, gamma: 1, opacity: 1, sampling: "automatic" };

/** An appearance for an address or the browser's storage: each part as text, null for defaults. */
export type AppearanceTexts = Record<keyof Appearance, string | null>;

export function appearanceTexts(appearance: Appearance): AppearanceTexts {
  const text = (key: keyof Appearance) => (appearance[key] === PLAIN[key] ? null : String(appearance[key]));
  return { mode: text("mode"), norm: text("norm"), clip: text("clip"), gamma: text("gamma"), opacity: text("opacity"), sampling: text("sampling") };
}

/** Parses texts; missing or invalid parts are taken from `otherwise`. */
export function readAppearance(texts: Partial<AppearanceTexts>, otherwise: Appearance = PLAIN): Appearance {
  return {
    mode: oneOf(PICTURE_MODES, texts.mode) ?? otherwise.mode,
    norm: oneOf(NORMS, texts.norm) ?? otherwise.norm,
    clip: CLIPS.find((clip) => String(clip) === texts.clip) ?? otherwise.clip,
    gamma: within(GAMMA, texts.gamma) ?? otherwise.gamma,
    opacity: within(OPACITY, texts.opacity) ?? otherwise.opacity,
    sampling: oneOf(SAMPLINGS, texts.sampling) ?? otherwise.sampling,
  };
}

function oneOf<T extends string>(choices: readonly T[], value: string | null | undefined): T | undefined {
  return choices.find((choice) => choice === value);
}

function within(range: { least: number; most: number }, text: string | null | undefined): number | undefined {
  const value = text ? Number(text) : NaN;
  return value >= range.least && value <= range.most ? value : undefined;
}
