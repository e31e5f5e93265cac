/** Reads the bytes of a block of the page. */
export type Blocks = (name: number | "contents") => Promise<ArrayBuffer>;

/** Blocks in the document as deflated base64, in `<script type="text/plain" data-block="...">`. */
export function blocksOf(document: Document): Blocks {
  return async (name) => {
    const element = document.querySelector(`script[data-block="${name}"]`);
    if (!element) throw new Error(`The block ${name} is missing: this file was truncated or changed after it was written.`);
    return inflated(bytesOf(element.textContent));
  };
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).arrayBuffer();
}
