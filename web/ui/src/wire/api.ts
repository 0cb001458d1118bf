/** The service's HTTP endpoints. */

import { type Listing, type SessionInfo, parseListing, parseSession } from "./session";

/** A request that the service refused, with its reason. */
export class ApiError extends Error {
  override readonly name = "ApiError";
}

export async function fetchSessions(): Promise<Listing> {
  return parseListing(await getJson("/v1/sessions"));
}

export async function fetchSession(symbol: string, dt: string): Promise<SessionInfo> {
  const path = `/v1/sessions/${encodeURIComponent(symbol)}/${encodeURIComponent(dt)}`;
  return parseSession(await getJson(path));
}

async function getJson(path: string): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path);
  } catch {
    throw new ApiError("the service does not answer");
  }
  if (!response.ok) throw new ApiError(await reasonOf(response));
  return response.json();
}

async function reasonOf(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { error?: { message?: unknown } };
    const message = body.error?.message;
    if (typeof message === "string") return message;
  } catch {
    // An answer without a readable body still has its status.
  }
  return `the service answered ${response.status}`;
}
