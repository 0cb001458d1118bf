/** The 32-byte little-endian header before the Arrow stream of every tile message. */

import { asEpoch, type Epoch } from "./units";

export const TILE_MAGIC = 0x54595053;
export const TILE_VERSION = 1;
export const TILE_HEADER_BYTES = 32;

export const SURFACES = ["snap", "velocity", "options", "forecast", "wide"] as const;
export type Surface = (typeof SURFACES)[number];

export interface TileHeader {
  readonly surface: Surface;
  readonly epoch: Epoch;
  readonly seq: number;
  readonly firstWindowEndNs: bigint;
  readonly count: number;
}

/** A message that is not what the protocol says. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** Read and check a tile header; throws WireError with what was found. */
export function readTileHeader(buffer: ArrayBuffer): TileHeader {
  if (buffer.byteLength < TILE_HEADER_BYTES) {
    throw new WireError(`a tile holds ${buffer.byteLength} bytes, fewer than its header`);
  }
  const view = new DataView(buffer);
  const magic = view.getUint32(0, true);
  if (magic !== TILE_MAGIC) {
    throw new WireError(`a binary message begins with 0x${magic.toString(16)}, not a tile`);
  }
  const version = view.getUint16(4, true);
  if (version !== TILE_VERSION) {
    throw new WireError(`tile version ${version} is not known: reload the page`);
  }
  const code = view.getUint16(6, true);
  const surface = SURFACES[code];
  if (surface === undefined) throw new WireError(`surface ${code} is not known`);
  return {
    surface,
    epoch: asEpoch(view.getUint32(8, true)),
    seq: view.getUint32(12, true),
    firstWindowEndNs: view.getBigInt64(16, true),
    count: view.getUint32(24, true),
  };
}
