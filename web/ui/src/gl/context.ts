/** WebGL2 helpers: programs with their uniforms, textures, and errors that say what failed. */

import { VIEW_BINDING, VIEW_BLOCK } from "./view_block";

export class GraphicsError extends Error {
  override readonly name = "GraphicsError";
}

export interface Program<Uniform extends string> {
  readonly program: WebGLProgram;
  readonly uniforms: Readonly<Record<Uniform, WebGLUniformLocation | null>>;
}

export function createContext(canvas: HTMLCanvasElement): WebGL2RenderingContext {
  const gl = canvas.getContext("webgl2", {
    alpha: false,
    antialias: false,
    depth: false,
    stencil: false,
    powerPreference: "high-performance",
    preserveDrawingBuffer: false,
  });
  if (gl === null) {
    throw new GraphicsError("This browser offers no WebGL 2, which the heat map is drawn with.");
  }
  return gl;
}

export function createProgram<Uniform extends string>(
  gl: WebGL2RenderingContext,
  vertex: string,
  fragment: string,
  uniforms: readonly Uniform[],
): Program<Uniform> {
  const program = gl.createProgram();
  const shaders = [
    compile(gl, gl.VERTEX_SHADER, vertex),
    compile(gl, gl.FRAGMENT_SHADER, fragment),
  ];
  for (const shader of shaders) gl.attachShader(program, shader);
  gl.linkProgram(program);
  for (const shader of shaders) gl.deleteShader(shader);
  if (gl.getProgramParameter(program, gl.LINK_STATUS) !== true && !gl.isContextLost()) {
    throw new GraphicsError(`a shader does not link: ${gl.getProgramInfoLog(program) ?? ""}`);
  }
  const view = gl.getUniformBlockIndex(program, VIEW_BLOCK);
  if (view !== gl.INVALID_INDEX) gl.uniformBlockBinding(program, view, VIEW_BINDING);
  const locations = Object.fromEntries(
    uniforms.map((name) => [name, gl.getUniformLocation(program, name)]),
  ) as Record<Uniform, WebGLUniformLocation | null>;
  return { program, uniforms: locations };
}

function compile(gl: WebGL2RenderingContext, kind: GLenum, source: string): WebGLShader {
  const shader = gl.createShader(kind);
  if (shader === null) throw new GraphicsError("the graphics context was lost");
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (gl.getShaderParameter(shader, gl.COMPILE_STATUS) !== true && !gl.isContextLost()) {
    throw new GraphicsError(`a shader does not compile: ${gl.getShaderInfoLog(shader) ?? ""}`);
  }
  return shader;
}

/** A texture that is only ever fetched texel by texel, never filtered. */
export function createDataTexture(
  gl: WebGL2RenderingContext,
  format: GLenum,
  width: number,
  height: number,
): WebGLTexture {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texStorage2D(gl.TEXTURE_2D, 1, format, width, height);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  return texture;
}
