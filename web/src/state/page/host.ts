import { MediaQuery } from "svelte/reactivity";


/** Address of the view: a hash written by `formatRoute`. */
export interface Address {
  get(): string;
  /** Adds a step to the history, if there is one; `memory` is stored with it. */
  go(hash: string, memory?: string | null): void;
  /** Replaces the current address. */
  replace(hash: string, memory?: string | null): void;
  /** Data stored with the current address that are too long for it. */
  memory(): string | null;
  /** Calls back whenever the address changes, except by `replace`; returns a function that stops it. */
  listen(moved: () => void): () => void;
  /** The link to share, or null if the view has no URL. */
  link(): string | null;
}

/**
 * The environment of a viewer: its own page, or a cell in a notebook.
 * Only hosts access the window and the document, so that several viewers in a page are independent.
 */
export interface Host {
  readonly address: Address;
  /** Carries the theme as `data-theme`. */
  readonly root: HTMLElement;
  /** Target of keyboard events. */
  readonly keys: EventTarget;
  /** True if the environment is dark, reactively. */
  readonly dark: { readonly current: boolean };
  dialogIsOpen(): boolean;
  title(text: string): void;
}

/** The page that contains only the viewer. */
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

/** An address that only the viewer uses. */
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
