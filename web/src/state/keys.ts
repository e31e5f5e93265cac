/** What a key does, or null. Letters are off while typing, with Ctrl, Cmd or Alt, and where the reader turned them off. */
export type Command =
  | "pan" | "lasso" | "rectangle" | "tag" | "fit" | "clear" | "undo" | "previous" | "next" | "pictures" | "color-map" | "help" | "zoom-in" | "zoom-out"
  | { cluster: number };

const LETTERS: Record<string, Command> = { v: "pan", l: "lasso", r: "rectangle", t: "tag", f: "fit", h: "pictures", c: "color-map", "?": "help", "+": "zoom-in", "-": "zoom-out" };
const NAMED: Record<string, Command> = { Escape: "clear", ArrowLeft: "previous", ArrowRight: "next" };
const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">;

export function commandOf(event: Pressed, letterKeys: boolean): Command | null {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") return "undo";
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.key in NAMED) return NAMED[event.key];
  if (!letterKeys) return null;
  if (/^\d$/.test(event.key)) return { cluster: Number(event.key) };
  return LETTERS[event.key.toLowerCase()] ?? null;
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(TYPING) !== null;
}
