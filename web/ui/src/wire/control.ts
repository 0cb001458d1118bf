/** Text messages of the service, checked when they arrive. */

import { WireError } from "./header";
import { type Epoch, asEpoch } from "./units";

export type ServerMessage =
  | { type: "stream_info"; version: string | null }
  | { type: "ack"; of: string; epoch: Epoch; paused: boolean; speed: number }
  | { type: "stream_end"; reason: string }
  | { type: "error"; code: string; message: string };

export function parseServerMessage(text: string): ServerMessage {
  const body: unknown = JSON.parse(text);
  if (typeof body !== "object" || body === null) {
    throw new WireError("a text message of the stream is no object");
  }
  const fields = body as Record<string, unknown>;
  const string = (key: string): string => {
    const value = fields[key];
    return typeof value === "string" ? value : "";
  };
  const kind = string("type");
  switch (kind) {
    case "stream_info":
      return { type: kind, version: sessionVersion(fields) };
    case "ack":
      return {
        type: kind,
        of: string("of"),
        epoch: asEpoch(Number(fields["epoch"])),
        paused: fields["paused"] === true,
        speed: Number(fields["speed"]),
      };
    case "stream_end":
      return { type: kind, reason: string("reason") };
    case "error":
      return { type: kind, code: string("code"), message: string("message") };
    default:
      throw new WireError(`the stream sent an unknown message of type "${kind}"`);
  }
}

function sessionVersion(fields: Record<string, unknown>): string | null {
  const session = fields["session"];
  const holder = typeof session === "object" && session !== null ? session : fields;
  const version = (holder as Record<string, unknown>)["version"];
  return typeof version === "string" ? version : null;
}
