import { FRAGMENT, VERTEX } from "./shaders";
import { MISSING, STEPS } from "./points";
import { pointOpacity, pointSize } from "./renderer";
import type { ColorTable, ScatterRenderer, View } from "./renderer";

const [POSITION, VALUE, STATE] = [0, 1, 2];
const BYTES = [4, 1, 1]; // of one point in each buffer
const PLACE = STEPS / MISSING; // positions end at STEPS, the normalized attribute at MISSING
const UNIFORMS = ["center", "scale", "size", "opacity", "anySelected", "onlySelected", "background"] as const;

/** The renderer on WebGL2: one buffer for each property, one draw call. Null where the browser has no WebGL2. */
export function webglRenderer(canvas: HTMLCanvasElement): ScatterRenderer | null {
  // before there is a drawing buffer: creating it again takes 20 to 70 ms without a graphics card
  resize(canvas, Math.round(canvas.clientWidth * devicePixelRatio), Math.round(canvas.clientHeight * devicePixelRatio));
  const gl = canvas.getContext("webgl2", { alpha: true, antialias: false, depth: true });
  if (!gl) return null;
  const program = link(gl);
  const uniforms = Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)]));
  const buffers = [POSITION, VALUE, STATE].map(() => gl.createBuffer());
  const sizes = [0, 0, 0];
  const table = gl.createTexture();
  const clock = frameClock(gl);
  let count = 0;
  let selecting = false;

  const upload = (attribute: number, data: Uint16Array | Uint8Array) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[attribute]);
    if (sizes[attribute] === data.byteLength) gl.bufferSubData(gl.ARRAY_BUFFER, 0, data);
    else gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
    sizes[attribute] = data.byteLength;
  };
  const everyNth = (every: number) => {
    for (const attribute of [POSITION, VALUE, STATE]) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffers[attribute]);
      gl.enableVertexAttribArray(attribute);
      const stride = BYTES[attribute] * every;
      if (attribute === POSITION) gl.vertexAttribPointer(attribute, 2, gl.UNSIGNED_SHORT, true, stride, 0);
      else gl.vertexAttribIPointer(attribute, 1, gl.UNSIGNED_BYTE, stride, 0);
    }
  };

  return {
    setPoints(points) {
      count = points.count;
      upload(POSITION, points.positions);
    },
    setColors(values: Uint8Array, colors: ColorTable) {
      upload(VALUE, values);
      gl.bindTexture(gl.TEXTURE_2D, table);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, colors);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    },
    setMask(mask, anySelected) {
      upload(STATE, mask);
      selecting = anySelected;
    },
    draw({ projection: { camera, viewport, unit }, pixelRatio, background, every, onlySelected }: View) {
      resize(canvas, Math.round(viewport.width * pixelRatio), Math.round(viewport.height * pixelRatio));
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      const drawn = Math.floor((count - 1) / every) + 1; // the last whole step is within the buffers
      if (drawn <= 0 || sizes.some((size, attribute) => size < count * BYTES[attribute])) return;
      if (onlySelected && !selecting) return;
      gl.useProgram(program);
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      gl.enable(gl.DEPTH_TEST); // selected points are in front without sorting
      gl.depthFunc(gl.LEQUAL);
      gl.uniform2f(uniforms.center, camera.x * PLACE, camera.y * PLACE);
      gl.uniform2f(uniforms.scale, (2 * unit) / viewport.width / PLACE, (2 * unit) / viewport.height / PLACE);
      gl.uniform1f(uniforms.size, pointSize(drawn, camera.zoom) * pixelRatio);
      gl.uniform1f(uniforms.opacity, pointOpacity(drawn));
      gl.uniform1i(uniforms.anySelected, selecting ? 1 : 0);
      gl.uniform1i(uniforms.onlySelected, onlySelected ? 1 : 0);
      gl.uniform3f(uniforms.background, background[0] / 255, background[1] / 255, background[2] / 255);
      everyNth(every);
      gl.drawArrays(gl.POINTS, 0, drawn);
      if (every === 1) clock.start();
    },
    get cost() {
      return clock.cost();
    },
    dispose() {
      buffers.forEach((buffer) => gl.deleteBuffer(buffer));
      gl.deleteTexture(table);
      gl.deleteProgram(program);
      gl.getExtension("WEBGL_lose_context")?.loseContext(); // browsers allow few contexts and free those of removed canvases late
    },
  };
}

/** Setting the size of a canvas, even to the same value, clears it and creates a new drawing buffer. */
function resize(canvas: HTMLCanvasElement, width: number, height: number): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/** Milliseconds from a frame's last command until its completion, for the last measured frame. */
function frameClock(gl: WebGL2RenderingContext) {
  const POLL = 8;
  let running = false;
  let cost = 0;
  return {
    cost: () => cost,
    start() {
      const fence = running ? null : gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
      if (!fence) return;
      running = true;
      gl.flush();
      const begun = performance.now();
      const look = () => {
        const lost = gl.isContextLost();
        if (!lost && gl.getSyncParameter(fence, gl.SYNC_STATUS) !== gl.SIGNALED) {
          setTimeout(look, POLL);
          return;
        }
        running = false;
        cost = performance.now() - begun;
        gl.deleteSync(fence);
      };
      setTimeout(look);
    },
  };
}

function link(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error("WebGL2 did not create a shader; the context was probably lost.");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`The shaders of the scatter plot do not link: ${gl.getProgramInfoLog(program)}`);
  }
  return program;
}
