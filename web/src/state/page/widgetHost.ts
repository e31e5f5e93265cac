import { createSubscriber } from "svelte/reactivity";

import { ownAddress } from "./host";
import type { Address, Host } from "./host";

interface Around {
  container: HTMLElement;
  root: HTMLElement;
  start: string;
}

/** Host in a page of another program: events, styles and keys of the viewer stay inside. */
export function widgetHost({ container, root, start }: Around): Host {
  const address = ownAddress();
  address.replace(start);
  root.addEventListener("click", (event) => followLink(event, address));
  container.addEventListener("keydown", keepInside);
  container.dataset.lmSuppressShortcuts = "true"; // JupyterLab handles keys before all others
  return {
    address,
    root,
    keys: root,
    dark: darkness(container),
    dialogIsOpen: () => root.querySelector("dialog[open]") !== null,
    title: () => undefined,
  };
}

/** Links of the viewer are addresses in it, not in the surrounding page. */
function followLink(event: MouseEvent, address: Address): void {
  const hash = (event.target as Element).closest("a")?.getAttribute("href");
  if (!hash?.startsWith("#/")) return;
  event.preventDefault();
  address.go(hash);
}

/** Plain keys belong to the viewer; unused shortcuts, such as Ctrl-S, belong to the notebook. */
function keepInside(event: KeyboardEvent): void {
  if (event.defaultPrevented || !(event.ctrlKey || event.metaKey || event.altKey)) event.stopPropagation();
}

/** True if the notebook is dark, judged by the background color of the cell, which works for all themes. */
function darkness(container: Element): Host["dark"] {
  const subscribe = createSubscriber((changed) => {
    const observer = new MutationObserver(changed);
    for (const element of [document.documentElement, document.body]) observer.observe(element, { attributes: true });
    const placed = new ResizeObserver(changed); // notebooks insert a cell into the page after its creation
    placed.observe(container);
    const media = matchMedia("(prefers-color-scheme: dark)");
    media.addEventListener("change", changed);
    return () => {
      placed.disconnect();
      observer.disconnect();
      media.removeEventListener("change", changed);
    };
  });
  return {
    get current() {
      subscribe();
      return luminanceBehind(container) < 0.5;
    },
  };
}

function luminanceBehind(element: Element | null): number {
  for (let at = element; at; at = at.parentElement) {
    const [red = 0, green = 0, blue = 0, alpha = 1] = numbersIn(getComputedStyle(at).backgroundColor || "transparent");
    if (alpha > 0.5) return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches && usesDarkScheme() ? 0 : 1;
}

/** Of "rgb(1, 2, 3)" or "rgba(1, 2, 3, 0.5)"; any other notation is treated as transparent. */
function numbersIn(color: string): number[] {
  return /^rgba?\(/.test(color) ? (color.match(/[\d.]+/g) ?? []).map(Number) : [0, 0, 0, 0];
}

/** A page without a background is dark only if it declares a dark color scheme. */
function usesDarkScheme(): boolean {
  return getComputedStyle(document.documentElement).colorScheme.includes("dark");
}
