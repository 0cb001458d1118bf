/** The real service over the test lake: started before the tests, ended after them. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";

const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), "../../../..");
const START_MS = 50_000;

declare module "vitest" {
  export interface ProvidedContext {
    lake: string;
    serviceUrl: string;
  }
}

export interface Service {
  readonly url: string;
  readonly port: number;
  /** End the process at once, as a crash would. */
  kill(): Promise<void>;
}

function python(): string {
  const ours = join(PROJECT, ".venv/bin/python");
  return process.env["SPYMASTER_PYTHON"] ?? (existsSync(ours) ? ours : "python3");
}

/** Publish the pattern session in `lake` with cells of this brightness, as a rebuild would. */
export async function republish(lake: string, brightness: number): Promise<void> {
  const options = ["--lake", lake, "--brightness", String(brightness)];
  await promisify(execFile)(python(), ["-m", "tests.web.ui.republish", ...options], { cwd: PROJECT });
}

/** Start the service over `lake`, which is written first when it is not there. Port 0: any. */
export async function startService(lake: string, port = 0): Promise<Service> {
  const child = spawn(
    python(),
    ["-m", "tests.web.ui.serve", "--lake", lake, "--port", String(port)],
    { cwd: PROJECT, stdio: ["ignore", "pipe", "pipe"] },
  );
  const bound = await ready(child);
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    kill: () =>
      new Promise((done) => {
        if (child.exitCode !== null || child.signalCode !== null) {
          done();
          return;
        }
        child.once("exit", () => {
          done();
        });
        child.kill("SIGKILL");
      }),
  };
}

function ready(child: ChildProcess): Promise<number> {
  return new Promise((resolvePort, reject) => {
    let output = "";
    const giveUp = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`the service did not start in ${START_MS} ms:\n${output}`));
    }, START_MS);
    const listen = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = /^ready (\d+)$/m.exec(output);
      if (found === null) return;
      clearTimeout(giveUp);
      resolvePort(Number(found[1]));
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
    child.once("exit", (code) => {
      clearTimeout(giveUp);
      reject(new Error(`the service ended with ${code ?? "a signal"}:\n${output}`));
    });
  });
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!existsSync(join(PROJECT, "web/ui/dist/index.html"))) {
    throw new Error("the pages are not built: run `npm run build` first");
  }
  const folder = mkdtempSync(join(tmpdir(), "spymaster-ui-"));
  const lake = join(folder, "lake");
  const service = await startService(lake);
  project.provide("lake", lake);
  project.provide("serviceUrl", service.url);
  return async () => {
    await service.kill();
    rmSync(folder, { recursive: true, force: true });
  };
}
