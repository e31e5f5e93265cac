import { MediaQuery } from "svelte/reactivity";


/** Where the viewer is in its runs: a hash as `formatRoute` writes it. */
export interface Address {
  get(): string;
  /** A step that "back" can undo, where there is one; `memory` is kept with the place, as long as its history lasts. */
  go(hash: string, memory?: string | null): void;
  /** The same place told more exactly. */
  replace(hash: string, memory?: string | null): void;
  /** What was kept with the place, for what is too long for an address. */
  memory(): string | null;
  /** Calls whenever the place became another one, except by `replace`; returns what ends that. */
  listen(moved: () => void): () => void;
  /** What another person can open, or null where the place has no address of its own. */
  link(): string | null;
}

/**
 * What surrounds a viewer: a page of its own, or one cell among others in a notebook.
 * Only hosts touch the window and the document, so that viewers beside each other stay apart.
 */
export interface Host {
  readonly address: Address;
  /** Carries the theme as `data-theme`. */
  readonly root: HTMLElement;
  /** Where keys are heard. */
  readonly keys: EventTarget;
  /** Whether the surroundings are dark, reactively. */
  readonly dark: { readonly current: boolean };
  dialogIsOpen(): boolean;
  title(text: string): void;
}

/** The page that shows nothing but the viewer. */
export function pageHost(): Host {
  return {
    address: {
      get: () => location.hash,
      go(hash, memory = null) {
        location.hash = hash;
        if (memory !== null) history.replaceState(memory, "", hash);
      },
      replace: (hash, memory = null) => history.replaceState(memory, "", hash),
      memory: () => (typeof history.state === "string" ? history.state : null),
      listen(moved) {
        addEventListener("hashchange", moved);
        return () => removeEventListener("hashchange", moved);
      },
      link: () => (location.protocol.startsWith("http") ? `${location.origin}${location.pathname}${location.hash}` : null),
    },
    root: document.documentElement,
    keys: window,
    dark: new MediaQuery("prefers-color-scheme: dark"),
    dialogIsOpen: () => document.querySelector("dialog[open]") !== null,
    title: (text) => (document.title = text),
  };
}

/** A place that only the viewer itself knows. */
export function ownAddress(): Address {
  let place = "";
  let kept: string | null = null;
  const listeners = new Set<() => void>();
  return {
    get: () => place,
    go(hash, memory = null) {
      if (hash === place) return;
      [place, kept] = [hash, memory];
      listeners.forEach((moved) => moved());
    },
    replace(hash, memory = null) {
      [place, kept] = [hash, memory];
    },
    memory: () => kept,
    listen(moved) {
      listeners.add(moved);
      return () => listeners.delete(moved);
    },
    link: () => null,
  };
}
