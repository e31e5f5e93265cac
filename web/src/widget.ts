import "./app.css";

const STYLES = "__WHYSET_STYLES__";

export default { render: ({ el }: { el: HTMLElement }) => void (el.textContent = STYLES) };
