import { FRAGMENT, VERTEX } from "./shaders";
import { MISSING, STEPS } from "./points";
import { pointOpacity, pointSize } from "./renderer";
import type { ColorTable, ScatterRenderer } from "./renderer";

const [POSITION, VALUE, STATE] = [0, 1, 2];
const PLACE = STEPS / MISSING; // places end at STEPS, the normalised attribute at MISSING

/** The renderer on WebGL2: one buffer for each property, one draw call. Null where the browser has no WebGL2. */
export function webglRenderer(canvas: HTMLCanvasElement): ScatterRenderer | null {
  const gl = canvas.getContext("webgl2", { alpha: true, antialias: false, depth: true });
  if (!gl) return null;
  const program = link(gl);
  const uniform = (name: string) => gl.getUniformLocation(program, name);
  const uniforms = {
    centre: uniform("centre"),
    scale: uniform("scale"),
    size: uniform("size"),
    opacity: uniform("opacity"),
    anySelected: uniform("anySelected"),
    background: uniform("background"),
  };
  const buffers = [POSITION, VALUE, STATE].map(() => gl.createBuffer());
  const table = gl.createTexture();
  let count = 0;
  let selecting = false;

  const upload = (attribute: number, data: Uint16Array | Uint8Array) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[attribute] ?? null);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(attribute);
    if (attribute === POSITION) gl.vertexAttribPointer(attribute, 2, gl.UNSIGNED_SHORT, true, 0, 0);
    else gl.vertexAttribIPointer(attribute, 1, gl.UNSIGNED_BYTE, 0, 0);
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
    draw({ camera, viewport, unit }, pixelRatio, background) {
      canvas.width = Math.round(viewport.width * pixelRatio);
      canvas.height = Math.round(viewport.height * pixelRatio);
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      if (count === 0) return;
      gl.useProgram(program);
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      gl.enable(gl.DEPTH_TEST); // selected points lie in front without being sorted
      gl.depthFunc(gl.LEQUAL);
      gl.uniform2f(uniforms.centre, camera.x * PLACE, camera.y * PLACE);
      gl.uniform2f(uniforms.scale, (2 * unit) / viewport.width / PLACE, (2 * unit) / viewport.height / PLACE);
      gl.uniform1f(uniforms.size, pointSize(count, camera.zoom) * pixelRatio);
      gl.uniform1f(uniforms.opacity, pointOpacity(count));
      gl.uniform1i(uniforms.anySelected, selecting ? 1 : 0);
      gl.uniform3f(uniforms.background, background[0] / 255, background[1] / 255, background[2] / 255);
      gl.drawArrays(gl.POINTS, 0, count);
    },
    dispose() {
      buffers.forEach((buffer) => gl.deleteBuffer(buffer));
      gl.deleteTexture(table);
      gl.deleteProgram(program);
    },
  };
}

function link(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error("WebGL2 made no shader; the context was probably lost.");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`The scatter's shaders do not link: ${gl.getProgramInfoLog(program)}`);
  }
  return program;
}
