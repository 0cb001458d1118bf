/** The worker of the stream: owns the socket, fetches history tiles, decodes; the page draws. */

import type { WorkerEvent, WorkerRequest } from "./client";
import { TILE_HEADER_BYTES, readTileHeader } from "./header";
import { type Geometry, buffersOf, decodeTile } from "./tiles";

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

function connect(generation: number, url: string, geometry: Geometry): void {
  socket?.close(1000);
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
      receive(generation, event.data, geometry);
    } catch (error) {
      post({ type: "fault", generation, message: messageOf(error) });
    }
  };
}

function receive(generation: number, buffer: ArrayBuffer, geometry: Geometry): void {
  const began = performance.now();
  const header = readTileHeader(buffer);
  const body = new Uint8Array(buffer, TILE_HEADER_BYTES);
  const tile = decodeTile(header.surface, body, geometry);
  const decodeMs = performance.now() - began;
  const { surface, epoch, seq, count } = header;
  post(
    { type: "tile", generation, surface, epoch, seq, count, tile, decodeMs },
    buffersOf(tile) as ArrayBuffer[],
  );
}

async function history(request: Extract<WorkerRequest, { type: "history" }>): Promise<void> {
  const { session, block, surface, url, geometry } = request;
  let status = 0;
  try {
    const response = await fetch(url);
    status = response.status;
    if (!response.ok) throw new Error(`the service answered ${status}`);
    const tile = decodeTile(surface, new Uint8Array(await response.arrayBuffer()), geometry);
    post(
      { type: "history", session, block, tile },
      buffersOf(tile) as ArrayBuffer[],
    );
  } catch (error) {
    post({ type: "history_fault", session, block, status, message: messageOf(error) });
  }
}

scope.onmessage = (event) => {
  const request = event.data;
  switch (request.type) {
    case "connect":
      connect(request.generation, request.url, request.geometry);
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
