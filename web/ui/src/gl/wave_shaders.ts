/**
 * Shaders of the particle wave. `STEP_FRAGMENT` is the scheme of `wave/solver.ts`, term by term;
 * a browser test holds the two together.
 *
 * - `u_state` (columns × rows + 1, RGBA32F): u, its last difference, mean of u², unused. The last
 *   row is the undisturbed wave, one step ahead: u, its last difference, unused, the one before.
 * - `u_medium`, same size: inertia, stiffness, damping and fading in 1/s.
 */

const HEAD = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
`;

/** One triangle that covers the target. */
export const QUAD_VERTEX = `${HEAD}
void main() {
  vec2 corner = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1)) * 4.0 - 1.0;
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

export const STEP_FRAGMENT = `${HEAD}
uniform sampler2D u_state;
uniform sampler2D u_medium;
uniform ivec2 u_size;            // columns, rows
uniform float u_half_step;
uniform float u_courant_squared;
uniform float u_averaging;
uniform float u_ratio;           // of this step to the last one
uniform vec2 u_entering;         // at the left edge of the field, of the undisturbed wave
out vec4 o_state;

float flowFrom(ivec2 at, float here, float own) {
  return (own + texelFetch(u_medium, at, 0).g) * (texelFetch(u_state, at, 0).r - here);
}

void main() {
  ivec2 at = ivec2(gl_FragCoord.xy);
  bool undisturbed = at.y == u_size.y;
  vec4 state = texelFetch(u_state, at, 0);
  vec4 medium = texelFetch(u_medium, at, 0);
  float here = state.r;
  int left = at.x > 0 ? at.x - 1 : at.x + 1;
  int right = at.x < u_size.x - 1 ? at.x + 1 : at.x - 1;
  float flow = flowFrom(ivec2(left, at.y), here, medium.g) + flowFrom(ivec2(right, at.y), here, medium.g);
  if (!undisturbed) {
    int below = at.y > 0 ? at.y - 1 : at.y + 1;
    int above = at.y < u_size.y - 1 ? at.y + 1 : at.y - 1;
    flow += flowFrom(ivec2(at.x, below), here, medium.g) + flowFrom(ivec2(at.x, above), here, medium.g);
  }
  vec4 reference = texelFetch(u_state, ivec2(at.x, u_size.y), 0);
  float fade = medium.a * u_half_step;
  float damp = medium.b * u_half_step + fade;
  float push = 0.5 * u_courant_squared * flow / medium.r
    + fade * u_ratio * (reference.g + reference.a)
    + (at.x == 0 ? (undisturbed ? u_entering.y : u_entering.x) : 0.0);
  float before = state.g * u_ratio;
  float difference = ((1.0 - damp) * before + push) / (1.0 + damp);
  float moved = here + difference;
  float intensity = state.b + u_averaging * (moved * moved - state.b);
  o_state = vec4(moved, difference, undisturbed ? 0.0 : intensity, undisturbed ? before : 0.0);
}`;

/** Largest |u| and sums of kinetic and potential energy over blocks of `BLOCK` × `BLOCK` cells. */
export const BLOCK = 16;
export const REDUCE_FRAGMENT = `${HEAD}
uniform sampler2D u_state;
uniform sampler2D u_medium;
uniform ivec2 u_size;
uniform ivec2 u_rows;            // first row of the domain, row after its last
out vec4 o_sums;

float stretch(vec4 state, float own, ivec2 next) {
  vec4 there = texelFetch(u_state, next, 0);
  float now = there.r - state.r;
  float before = now - (there.g - state.g);
  return 0.5 * (own + texelFetch(u_medium, next, 0).g) * now * before;
}

void main() {
  ivec2 first = ivec2(gl_FragCoord.xy) * ${BLOCK} + ivec2(0, u_rows.x);
  vec3 sums = vec3(0.0);
  for (int dy = 0; dy < ${BLOCK}; dy++) {
    for (int dx = 0; dx < ${BLOCK}; dx++) {
      ivec2 at = first + ivec2(dx, dy);
      if (at.x >= u_size.x || at.y >= u_rows.y) continue;
      vec4 state = texelFetch(u_state, at, 0);
      vec4 medium = texelFetch(u_medium, at, 0);
      float wide = at.x == 0 || at.x == u_size.x - 1 ? 0.5 : 1.0;
      sums.x = max(sums.x, abs(state.r));
      sums.y += wide * medium.r * state.g * state.g;
      if (at.x < u_size.x - 1) sums.z += stretch(state, medium.g, at + ivec2(1, 0));
      if (at.y < u_rows.y - 1) sums.z += wide * stretch(state, medium.g, at + ivec2(0, 1));
    }
  }
  o_sums = vec4(sums, 0.0);
}`;

/** Colour of one channel of a field, interpolated; the wave gets a little light from the upper left. */
export const SHOW_FRAGMENT = `${HEAD}
uniform sampler2D u_field;
uniform sampler2D u_palette;
uniform int u_channel;
uniform vec4 u_window;           // first column and row, columns and rows that are shown
uniform vec2 u_canvas;           // pixels
uniform vec2 u_range;            // value of the palette's first colour, 1 / (last - first)
uniform float u_relief;          // strength of the light; 0 for none
out vec4 o_color;

float sampleAt(vec2 cell) {
  ivec2 size = textureSize(u_field, 0);
  vec2 inside = clamp(cell, u_window.xy, u_window.xy + u_window.zw - 1.0);
  ivec2 low = ivec2(floor(inside));
  ivec2 high = min(low + 1, ivec2(u_window.xy + u_window.zw) - 1);
  vec2 share = inside - vec2(low);
  float a = texelFetch(u_field, low, 0)[u_channel];
  float b = texelFetch(u_field, ivec2(high.x, low.y), 0)[u_channel];
  float c = texelFetch(u_field, ivec2(low.x, high.y), 0)[u_channel];
  float d = texelFetch(u_field, high, 0)[u_channel];
  return mix(mix(a, b, share.x), mix(c, d, share.x), share.y);
}

void main() {
  vec2 cell = u_window.xy + gl_FragCoord.xy / u_canvas * u_window.zw - 0.5;
  float value = sampleAt(cell);
  float at = clamp((value - u_range.x) * u_range.y, 0.0, 1.0);
  vec4 color = texture(u_palette, vec2((at * 255.0 + 0.5) / 256.0, 0.25));
  vec3 ground = vec3(0.016, 0.024, 0.045);
  vec3 lit = mix(ground, color.rgb, color.a);
  if (u_relief > 0.0) {
    float reach = u_window.z / 200.0;
    vec2 slope = vec2(sampleAt(cell + vec2(reach, 0.0)) - sampleAt(cell - vec2(reach, 0.0)),
                      sampleAt(cell + vec2(0.0, reach)) - sampleAt(cell - vec2(0.0, reach)));
    vec3 normal = normalize(vec3(-slope * u_relief, 1.0));
    float light = dot(normal, normalize(vec3(-0.6, 0.5, 0.9)));
    lit *= 0.62 + 0.62 * light;
    lit += vec3(0.75, 0.9, 1.0) * 0.3 * pow(max(light, 0.0), 24.0) * color.a;
  }
  o_color = vec4(lit, 1.0);
}`;
