import { createSubscriber } from "svelte/reactivity";

import { ownAddress } from "./host";
import type { Address, Host } from "./host";

interface Around {
  container: HTMLElement;
  root: HTMLElement;
  start: string;
}

/** A place in a page of others: what the viewer hears and shows stays inside, and so do its keys. */
export function widgetHost({ container, root, start }: Around): Host {
  const address = ownAddress();
  address.replace(start);
  root.addEventListener("click", (event) => followLink(event, address));
  container.addEventListener("keydown", keepInside);
  container.dataset.lmSuppressShortcuts = "true"; // JupyterLab looks at keys before anybody else does
  return {
    address,
    root,
    keys: root,
    dark: darkness(container),
    dialogIsOpen: () => root.querySelector("dialog[open]") !== null,
    title: () => undefined,
  };
}

/** Links of the viewer name places in it, which is not what they mean to the page around. */
function followLink(event: MouseEvent, address: Address): void {
  const hash = (event.target as Element).closest("a")?.getAttribute("href");
  if (!hash?.startsWith("#/")) return;
  event.preventDefault();
  address.go(hash);
}

/** Plain keys are the viewer's; what it has no use for, such as Ctrl-S, belongs to the notebook. */
function keepInside(event: KeyboardEvent): void {
  if (event.defaultPrevented || !(event.ctrlKey || event.metaKey || event.altKey)) event.stopPropagation();
}

/** Whether the notebook is dark: its themes agree on nothing but the color behind the cell. */
function darkness(container: Element): Host["dark"] {
  const subscribe = createSubscriber((changed) => {
    const observer = new MutationObserver(changed);
    for (const element of [document.documentElement, document.body]) observer.observe(element, { attributes: true });
    const placed = new ResizeObserver(changed); // notebooks put a cell into the page after it was made
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

/** Of "rgb(1, 2, 3)" or "rgba(1, 2, 3, 0.5)"; any other notation counts as no color. */
function numbersIn(color: string): number[] {
  return /^rgba?\(/.test(color) ? (color.match(/[\d.]+/g) ?? []).map(Number) : [0, 0, 0, 0];
}

/** A page without any background is dark only if it says that it can be. */
function usesDarkScheme(): boolean {
  return getComputedStyle(document.documentElement).colorScheme.includes("dark");
}
