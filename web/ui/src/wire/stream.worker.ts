/** The worker of the stream: owns the socket, fetches history tiles, decodes; the page draws. */

import type { TileAddress, WorkerEvent, WorkerRequest } from "./client";
import { type Surface, TILE_HEADER_BYTES, readTileHeader } from "./header";
import { type Geometry, type Tile, buffersOf, decodeTile } from "./tiles";

// The page's library types `self` as a window; only these members of a worker are used.
interface WorkerScope {
  onmessage: ((event: MessageEvent<WorkerRequest>) => void) | null;
  postMessage(message: WorkerEvent, transfer?: Transferable[]): void;
}
const scope = self as unknown as WorkerScope;

let socket: WebSocket | null = null;

function post(event: WorkerEvent, transfer: Transferable[] = []): void {
  scope.postMessage(event, transfer);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Hands over tiles without copying them. */
function buffersOfAll(tiles: readonly Tile[]): ArrayBuffer[] {
  return tiles.flatMap((tile) => buffersOf(tile) as ArrayBuffer[]);
}

function connect({ generation, url, geometry, last }: Extract<WorkerRequest, { type: "connect" }>): void {
  socket?.close(1000);
  const receive = receiver(generation, geometry, last);
  const opened = new WebSocket(url);
  opened.binaryType = "arraybuffer";
  socket = opened;
  opened.onopen = () => {
    post({ type: "open", generation });
  };
  opened.onclose = (event) => {
    if (socket === opened) socket = null;
    post({ type: "closed", generation, code: event.code, reason: event.reason });
  };
  opened.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
    if (typeof event.data === "string") {
      post({ type: "control", generation, text: event.data });
      return;
    }
    try {
      receive(event.data);
    } catch (error) {
      post({ type: "fault", generation, message: messageOf(error) });
    }
  };
}

/** Decodes tile messages and posts those of the same windows together. */
function receiver(generation: number, geometry: Geometry, last: Surface): (buffer: ArrayBuffer) => void {
  let tiles: Tile[] = [];
  let decodeMs = 0;
  return (buffer) => {
    const began = performance.now();
    const { surface, epoch, seq } = readTileHeader(buffer);
    tiles.push(decodeTile(surface, new Uint8Array(buffer, TILE_HEADER_BYTES), geometry));
    decodeMs += performance.now() - began;
    if (surface !== last) return;
    post({ type: "batch", generation, epoch, seq, tiles, decodeMs }, buffersOfAll(tiles));
    tiles = [];
    decodeMs = 0;
  };
}

/** The answer of a tile's address was not a tile. */
class TileError extends Error {
  override readonly name = "TileError";
  constructor(readonly status: number) {
    super(`the service answered ${status}`);
  }
}

async function fetchTile({ surface, url }: TileAddress, geometry: Geometry): Promise<Tile> {
  const response = await fetch(url);
  if (!response.ok) throw new TileError(response.status);
  return decodeTile(surface, new Uint8Array(await response.arrayBuffer()), geometry);
}

async function history(request: Extract<WorkerRequest, { type: "history" }>): Promise<void> {
  const { session, block, geometry } = request;
  try {
    const tiles = await Promise.all(request.tiles.map((address) => fetchTile(address, geometry)));
    post({ type: "history", session, block, tiles }, buffersOfAll(tiles));
  } catch (error) {
    const status = error instanceof TileError ? error.status : 0;
    post({ type: "history_fault", session, block, status, message: messageOf(error) });
  }
}

scope.onmessage = (event) => {
  const request = event.data;
  switch (request.type) {
    case "connect":
      connect(request);
      return;
    case "send":
      if (socket?.readyState === WebSocket.OPEN) socket.send(request.text);
      return;
    case "close":
      socket?.close(1000);
      socket = null;
      return;
    case "history":
      void history(request);
  }
};
