/** Commands of keys; digits select clusters. */
export type Command =
  | "pan" | "lasso" | "rectangle" | "tag" | "fit" | "clear" | "undo" | "previous" | "next" | "pictures" | "color-map" | "help" | "zoom-in" | "zoom-out" | "find" | "view" | "density"
  | { cluster: number };

/** Commands handled elsewhere: by the pointer, and by the scatter plot while it has the focus (`steering`). */
type Told = "held" | "point" | "toggle" | "move";

interface Binding {
  command: Extract<Command, string> | "cluster" | Told;
  /** `KeyboardEvent.key`s in lower case. */
  keys: string[];
  meaning: string;
  /** "letter": can be switched off. "named": always on. "command": with Ctrl, or ⌘ on a Mac. "held": while the pointer drags. "scatter": while it has the focus. */
  kind: "letter" | "named" | "command" | "held" | "scatter";
}

/** All keys, in the order of the help. */
export const BINDINGS: readonly Binding[] = [
  { command: "find", keys: ["/"], kind: "letter", meaning: "find a sample by id, label or text" },
  { command: "pan", keys: ["v"], kind: "letter", meaning: "move the view" },
  { command: "lasso", keys: ["l"], kind: "letter", meaning: "select with the lasso" },
  { command: "rectangle", keys: ["r"], kind: "letter", meaning: "select with a rectangle" },
  { command: "held", keys: ["shift", "alt"], kind: "held", meaning: "held: add to or remove from the selection" },
  { command: "view", keys: ["a"], kind: "letter", meaning: "select all points in view" },
  { command: "point", keys: ["arrowleft", "arrowright", "arrowup", "arrowdown"], kind: "scatter", meaning: "in the scatter plot, focused with Tab: next point in that direction" },
  { command: "toggle", keys: ["enter"], kind: "scatter", meaning: "in the scatter plot: toggle selection of the point" },
  { command: "move", keys: ["shift", "arrowleft", "arrowright"], kind: "scatter", meaning: "in the scatter plot: move the view" },
  { command: "fit", keys: ["f"], kind: "letter", meaning: "show all points" },
  { command: "density", keys: ["d"], kind: "letter", meaning: "show density instead of points" },
  { command: "zoom-in", keys: ["+"], kind: "letter", meaning: "zoom in" },
  { command: "zoom-out", keys: ["-"], kind: "letter", meaning: "zoom out" },
  { command: "cluster", keys: [..."0123456789"], kind: "letter", meaning: "select a cluster" },
  { command: "tag", keys: ["t"], kind: "letter", meaning: "save the selection with a name and tags" },
  { command: "clear", keys: ["escape"], kind: "named", meaning: "clear the selection" },
  { command: "undo", keys: ["z"], kind: "command", meaning: "undo the last selection" },
  { command: "previous", keys: ["arrowleft"], kind: "named", meaning: "previous sample" },
  { command: "next", keys: ["arrowright"], kind: "named", meaning: "next sample" },
  { command: "pictures", keys: ["h"], kind: "letter", meaning: "next display mode: input, heatmap, overlay or both" },
  { command: "color-map", keys: ["c"], kind: "letter", meaning: "next color map" },
  { command: "help", keys: ["?"], kind: "letter", meaning: "show this help" },
];

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">;
const TYPING = "input:not([type=checkbox]), textarea, select, [contenteditable], [role=combobox]";
const NAMES: Record<string, string> = { escape: "Esc", arrowleft: "←", arrowright: "→", arrowup: "↑", arrowdown: "↓", enter: "Enter", "-": "−", shift: "Shift", alt: "Alt" };

/** The command of a key, or null. Letters do nothing with Ctrl, ⌘ or Alt, or if they are disabled. */
export function commandOf(event: Pressed, letterKeys: boolean): Command | null {
  const key = event.key.toLowerCase();
  const kinds = event.ctrlKey || event.metaKey ? ["command"] : event.altKey ? [] : letterKeys ? ["letter", "named"] : ["named"];
  const command = BINDINGS.find((binding) => kinds.includes(binding.kind) && binding.keys.includes(key))?.command;
  if (command === "cluster") return { cluster: Number(key) };
  return command === undefined || isTold(command) ? null : command;
}

function isTold(command: Binding["command"]): command is Told {
  return ["held", "point", "toggle", "move"].includes(command);
}

/** True if the focused element handles keys: a field, or a choice with arrow keys. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(TYPING) !== null;
}

/** A binding's keys as labeled on the keyboard: ["Ctrl", "Z"], on a Mac ["⌘", "Z"]. */
export function keyNames({ keys, kind }: Binding, mac: boolean): string[] {
  const shown = keys.length > 3 ? [keys[0], "…", keys[keys.length - 1]] : keys;
  const names = shown.map((key) => (mac && key === "alt" ? "⌥" : (NAMES[key] ?? key.toUpperCase())));
  return kind === "command" ? [mac ? "⌘" : "Ctrl", ...names] : names;
}

export function isMac(platform: string): boolean {
  return /mac|iphone|ipad/i.test(platform);
}
