/**
 * Shader sources. Conventions, shared with the textures of `textures.ts`:
 *
 * - `u_columns` (3 × capacity, RGBA32F), one row per window:
 *   texel 0 = (window index, centre, flags, lowest strike), texel 1 = (bid, ask, mid, spot),
 *   texel 2 = (bought, sold, unused, unused). Prices are ticks relative to an integer anchor.
 * - `u_field` (grid × capacity, RG32F): one cell a texel, ask in red, bid in green.
 * - Times are windows relative to `u_origin`, so that float32 keeps a thousandth of a pixel.
 * - `u_view` = (time at the left edge, windows per pixel, tick at the bottom, ticks per pixel).
 */

const HEAD = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
`;

const COLUMNS = `
uniform sampler2D u_columns;
layout(std140) uniform View { // as view_block.ts lays it out
  vec4 u_view;
  vec2 u_size;
  float u_now;
  int u_origin;
  int u_mask;
};

bool fetchColumn(int j, out vec4 head) {
  head = texelFetch(u_columns, ivec2(0, j & u_mask), 0);
  return j >= 0 && int(head.x) == j;
}
vec2 toPixels(float time, float tick) {
  return vec2((time - u_view.x) / u_view.y, (tick - u_view.z) / u_view.w);
}
vec4 toClip(vec2 pixels) {
  return vec4(pixels / u_size * 2.0 - 1.0, 0.0, 1.0);
}
`;

export const FLAG_SNAP = 1;
export const FLAG_VELOCITY = 2;
export const FLAG_VALID = 4;
export const FLAG_BID = 8;
export const FLAG_ASK = 16;
export const FLAG_SPOT = 32;
export const FLAG_MID = 64;
export const FLAG_OPTIONS = 128;

const LEVEL = `
const float PALETTE_BID = 0.5 / 3.0;
const float PALETTE_ASK = 1.5 / 3.0;
const float PALETTE_OPTIONS = 2.5 / 3.0;
float levelOf(float magnitude, float gamma) {
  return gamma > 0.0 ? pow(magnitude, gamma) : log(1.0 + 99.0 * magnitude) / log(100.0);
}
`;

const NOWHERE = "vec4(2.0, 2.0, 0.0, 1.0)";

/**
 * The column of each window over its second, up to NOW: instance i is window u_first + i. The
 * smallest zoom leaves a cell more than a pixel high and a second a pixel wide, so that none is lost
 * between pixels.
 */
export const HEAT_VERTEX = `${HEAD}${COLUMNS}
uniform int u_first;
uniform int u_half;
uniform float u_cell;       // height of a cell, ticks
flat out int v_row;
flat out float v_bottom;    // lower edge of the lowest cell, ticks
flat out int v_valid;
void main() {
  int j = u_first + gl_InstanceID;
  vec4 head;
  v_row = j & u_mask;
  v_bottom = 0.0;
  v_valid = 0;
  gl_Position = ${NOWHERE};
  if (!fetchColumn(j, head) || (int(head.z) & ${FLAG_VELOCITY}) == 0) return;
  float start = float(j - 1 - u_origin);
  float end = min(float(j - u_origin), u_now);
  if (end <= start) return;
  float reach = (float(u_half) + 0.5) * u_cell;
  v_bottom = head.y - reach;
  v_valid = int(head.z) & ${FLAG_VALID};
  vec2 unit = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1));
  gl_Position = toClip(mix(toPixels(start, v_bottom), toPixels(end, head.y + reach), unit));
}`;

/** Colour of the cell under each pixel. */
export const HEAT_FRAGMENT = `${HEAD}${COLUMNS}
uniform sampler2D u_field;
uniform sampler2D u_palette;
uniform int u_half;
uniform float u_cell;
uniform int u_signed;
uniform vec4 u_range; // baseline, lower, 1 / (upper - lower), gamma; 0 for a logarithmic scale
uniform float u_opacity;
flat in int v_row;
flat in float v_bottom;
flat in int v_valid;
out vec4 o_color;
${LEVEL}
void main() {
  float tick = u_view.z + gl_FragCoord.y * u_view.w;
  int cell = clamp(int(floor((tick - v_bottom) / u_cell)), 0, 2 * u_half);
  vec2 sides = texelFetch(u_field, ivec2(cell, v_row), 0).rg - u_range.x;
  float value = u_signed == 1 ? sides.x + sides.y : max(sides.x, sides.y);
  float side = abs(sides.x) > abs(sides.y) ? PALETTE_ASK : PALETTE_BID;
  float magnitude = clamp((abs(value) - u_range.y) * u_range.z, 0.0, 1.0);
  float level = levelOf(magnitude, u_range.w);
  float at = u_signed == 1 ? 0.5 + 0.5 * sign(value) * level : (value > 0.0 ? level : 0.0);
  vec4 color = texture(u_palette, vec2((at * 255.0 + 0.5) / 256.0, side));
  if (v_valid == 0) {
    float stripe = step(0.5, fract((gl_FragCoord.x + gl_FragCoord.y - 1.0) / 12.0));
    color = vec4(mix(vec3(dot(color.rgb, vec3(0.3, 0.5, 0.2))), vec3(0.5), 0.25 * stripe), 0.35 + 0.15 * stripe);
  }
  o_color = vec4(color.rgb, color.a * u_opacity);
}`;

/** Half the height of a strike's bar in pixels of its soft edge, and where the edge has faded. */
const BAR = `
const float FADED = 1.9;
float softness() { return max(2.5, 0.11 * u_step / u_view.w); }
`;

/** Bars over the strikes up to NOW: all strikes lie on one lattice, instance i is one line of it. */
export const STRIKES_VERTEX = `${HEAD}${COLUMNS}
uniform float u_step;       // ticks between two strikes
uniform float u_lowest;     // the lowest strike on the screen, ticks
flat out float v_tick;
${BAR}
void main() {
  v_tick = u_lowest + float(gl_InstanceID) * u_step;
  // Bars that would run into each other share the room between them.
  float half_height = min(FADED * softness(), 0.5 * u_step / u_view.w);
  vec2 unit = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1) * 2.0 - 1.0);
  vec2 end = toPixels(u_now, v_tick);
  gl_Position = toClip(vec2(min(u_size.x, end.x) * unit.x, end.y + half_height * unit.y));
}`;

/** Bars with soft edges, in each second in the colour of its window. */
export const STRIKES_FRAGMENT = `${HEAD}${COLUMNS}
uniform sampler2D u_field;       // strikes × capacity
uniform sampler2D u_palette;
uniform float u_step;
uniform int u_strikes;
uniform int u_signed;
uniform vec4 u_range;            // baseline, lower, 1 / (largest - lower), gamma
uniform float u_opacity;
flat in float v_tick;
out vec4 o_color;
${LEVEL}${BAR}
void main() {
  int j = u_origin + int(floor(u_view.x + gl_FragCoord.x * u_view.y)) + 1;
  vec4 head;
  if (!fetchColumn(j, head) || (int(head.z) & ${FLAG_OPTIONS}) == 0) discard;
  int strike = int(floor((v_tick - head.w) / u_step + 0.5));
  if (strike < 0 || strike >= u_strikes) discard;
  float off = (gl_FragCoord.y - (v_tick - u_view.z) / u_view.w) / softness();
  float value = texelFetch(u_field, ivec2(strike, j & u_mask), 0).r - u_range.x;
  float level = levelOf(clamp((abs(value) - u_range.y) * u_range.z, 0.0, 1.0), u_range.w);
  float at = u_signed == 1 ? 0.5 + 0.5 * sign(value) * level : (value > 0.0 ? level : 0.0);
  vec4 color = texture(u_palette, vec2((at * 255.0 + 0.5) / 256.0, PALETTE_OPTIONS));
  o_color = vec4(color.rgb, color.a * exp(-off * off * 1.6) * u_opacity);
}`;

/** A step line: instance i draws window u_first + i as a bar over its second and the rise to it. */
export const LINE_VERTEX = `${HEAD}${COLUMNS}
uniform int u_first;
uniform int u_channel;   // component of texel 1
uniform int u_flag;      // bit that says the component is known
uniform float u_half_width;
out vec2 v_across;       // distance from the line's middle, pixels

void main() {
  int j = u_first + gl_InstanceID;
  vec4 head;
  v_across = vec2(0.0);
  gl_Position = ${NOWHERE};
  if (!fetchColumn(j, head) || (int(head.z) & u_flag) == 0) return;
  float tick = texelFetch(u_columns, ivec2(1, j & u_mask), 0)[u_channel];
  float end = min(float(j - u_origin), u_now);
  float start = float(j - 1 - u_origin);
  if (end <= start) return;
  int corner = gl_VertexID % 6;
  vec2 unit = vec2(corner == 1 || corner == 2 || corner == 4 ? 1.0 : 0.0,
                   corner == 2 || corner == 4 || corner == 5 ? 1.0 : 0.0);
  float reach = u_half_width + 1.0;
  if (gl_VertexID < 6) {
    vec2 a = toPixels(start, tick);
    vec2 b = toPixels(end, tick);
    v_across = vec2(0.0, mix(-reach, reach, unit.y));
    gl_Position = toClip(vec2(mix(a.x, b.x, unit.x), a.y + v_across.y));
    return;
  }
  vec4 before;
  if (!fetchColumn(j - 1, before) || (int(before.z) & u_flag) == 0) return;
  float previous = texelFetch(u_columns, ivec2(1, (j - 1) & u_mask), 0)[u_channel];
  if (previous == tick) return;
  vec2 low = toPixels(start, min(previous, tick));
  vec2 high = toPixels(start, max(previous, tick));
  v_across = vec2(mix(-reach, reach, unit.x), 0.0);
  gl_Position = toClip(vec2(low.x + v_across.x,
                            mix(low.y - u_half_width, high.y + u_half_width, unit.y)));
}`;

export const LINE_FRAGMENT = `${HEAD}
uniform vec4 u_color;
uniform float u_half_width;
in vec2 v_across;
out vec4 o_color;
void main() {
  float distance = max(abs(v_across.x), abs(v_across.y));
  float edge = clamp(u_half_width + 0.5 - distance, 0.0, 1.0);
  o_color = vec4(u_color.rgb, u_color.a * edge);
}`;

/** Discs for what was bought (at the ask) and sold (at the bid) in each window. */
export const TRADE_VERTEX = `${HEAD}${COLUMNS}
uniform int u_first;
uniform int u_side;       // 0 bought, 1 sold
uniform float u_scale;    // pixels
uniform float u_usual;    // quantity of a large trade on the screen
out vec2 v_unit;
out float v_radius;
void main() {
  int j = u_first + gl_InstanceID;
  vec4 head;
  gl_Position = ${NOWHERE};
  v_unit = vec2(0.0);
  v_radius = 1.0;
  if (!fetchColumn(j, head) || float(j - u_origin) > u_now) return;
  int flag = u_side == 0 ? ${FLAG_ASK} : ${FLAG_BID};
  float quantity = texelFetch(u_columns, ivec2(2, j & u_mask), 0)[u_side];
  if (quantity <= 0.0 || (int(head.z) & flag) == 0) return;
  float tick = texelFetch(u_columns, ivec2(1, j & u_mask), 0)[1 - u_side];
  // Area goes with size; a few huge trades do not cover everything.
  float radius = u_scale * (0.7 + 1.9 * sqrt(min(quantity / u_usual, 4.0)));
  vec2 unit = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1)) * 2.0 - 1.0;
  v_unit = unit * (radius + 1.0) / radius;
  v_radius = radius;
  gl_Position = toClip(toPixels(float(j - u_origin) - 0.5, tick) + unit * (radius + 1.0));
}`;

export const TRADE_FRAGMENT = `${HEAD}
uniform vec4 u_color;
in vec2 v_unit;
in float v_radius;
out vec4 o_color;
void main() {
  float r = length(v_unit);
  float edge = clamp((1.0 - r) * v_radius + 0.5, 0.0, 1.0);
  // A dark rim of a pixel and a half keeps the dot apart from bright cells.
  float rim = clamp((1.0 - r) * v_radius - 1.0, 0.0, 1.0);
  o_color = vec4(u_color.rgb * mix(0.12, 1.0, rim), u_color.a * edge);
}`;

/** The predicted path: instance h joins horizon h to h + 1. Values are ticks around the mid. */
export const PATH_VERTEX = `${HEAD}${COLUMNS}
uniform float u_path[31];
uniform float u_start;    // end of the window that forecasts, relative to u_origin
uniform float u_mid;
uniform float u_half_width;
out vec2 v_across;
out float v_horizon;
void main() {
  int h = gl_InstanceID;
  vec2 a = toPixels(u_start + float(h), u_mid + u_path[h]);
  vec2 b = toPixels(u_start + float(h + 1), u_mid + u_path[h + 1]);
  vec2 along = normalize(b - a);
  vec2 normal = vec2(-along.y, along.x);
  float end = float(gl_VertexID & 1);
  float across = (float(gl_VertexID >> 1) * 2.0 - 1.0) * (u_half_width + 1.0);
  v_across = vec2(0.0, across);
  v_horizon = float(h) + end;
  gl_Position = toClip(mix(a, b, end) + normal * across);
}`;

export const PATH_FRAGMENT = `${HEAD}
uniform vec4 u_color;
uniform float u_half_width;
uniform float u_soft;
in vec2 v_across;
in float v_horizon;
out vec4 o_color;
void main() {
  float distance = abs(v_across.y);
  float edge = u_soft > 0.0
    ? exp(-distance * distance / (u_soft * u_soft))
    : clamp(u_half_width + 0.5 - distance, 0.0, 1.0);
  o_color = vec4(u_color.rgb, u_color.a * edge * (1.0 - 0.016 * v_horizon));
}`;

/** A band around the path: instance h is the quad between horizons h and h + 1. */
export const BAND_VERTEX = `${HEAD}${COLUMNS}
uniform vec2 u_band[31];  // low, high
uniform float u_start;
uniform float u_mid;
out float v_horizon;
void main() {
  int h = gl_InstanceID + (gl_VertexID & 1);
  float tick = (gl_VertexID >> 1) == 0 ? u_band[h].x : u_band[h].y;
  v_horizon = float(h);
  gl_Position = toClip(toPixels(u_start + float(h), u_mid + tick));
}`;

export const BAND_FRAGMENT = `${HEAD}
uniform vec4 u_color;
in float v_horizon;
out vec4 o_color;
void main() { o_color = vec4(u_color.rgb, u_color.a * (1.0 - 0.015 * v_horizon)); }`;
