export const VERTEX = `#version 300 es
layout(location = 0) in vec2 position;
layout(location = 1) in uint value;
layout(location = 2) in uint state;
uniform vec2 center;
uniform vec2 scale;
uniform float size;
uniform float opacity;
uniform bool anySelected;
uniform bool onlySelected;
uniform highp sampler2D table;
out vec4 color;
flat out int shape;
flat out float radius;

void main() {
  bool selected = (state & 1u) != 0u;
  bool hidden = (state & 2u) != 0u;
  bool dimmed = anySelected && !selected;
  vec4 entry = texelFetch(table, ivec2(int(value), 0), 0);
  shape = int(entry.a * 255.0 + 0.5);
  color = vec4(entry.rgb, dimmed ? 0.22 * opacity : (selected ? 1.0 : opacity));
  float diameter = dimmed ? size * 0.8 : (selected ? size * 1.1 : size);
  radius = diameter * 0.5;
  gl_PointSize = diameter + 1.0;
  bool missing = position.x > 0.99999; // 65535 of 65535; the largest place is 65534
  gl_Position = hidden || missing || (onlySelected && !selected) ? vec4(2.0, 2.0, 2.0, 1.0) : vec4((position - center) * scale, selected ? 0.0 : 0.5, 1.0);
}`;

export const FRAGMENT = `#version 300 es
precision highp float;
in vec4 color;
flat in int shape;
flat in float radius;
uniform vec3 background;
out vec4 result;

float outline(vec2 at) {
  if (shape == 1) return max(abs(at.x), abs(at.y)) * 1.15;
  if (shape == 2) return (abs(at.x) + abs(at.y)) * 0.95;
  if (shape == 3) return max(at.y * 1.5, -at.y * 0.75 + abs(at.x) * 1.3) * 1.05 + 0.05;
  return length(at);
}

void main() {
  vec2 at = (gl_PointCoord * 2.0 - 1.0) * (radius + 0.5) / radius;
  float inside = (1.0 - outline(at)) * radius;
  float coverage = clamp(inside + 0.5, 0.0, 1.0) * color.a;
  if (coverage < 0.01) discard;
  float rim = radius > 2.2 ? 1.0 - smoothstep(0.4, 1.2, inside) : 0.0;
  vec3 shade = mix(color.rgb, background, rim * 0.75);
  result = vec4(shade * coverage, coverage);
}`;
