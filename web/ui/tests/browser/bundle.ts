/** Source modules as one script for a blank page: tests what needs a graphics context, but no service. */

import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { type Rollup, build } from "vite";

const HERE = dirname(fileURLToPath(import.meta.url));

/** Open a blank page in which `entry`, a module beside this one, has run. */
export async function openBundle(browser: Browser, entry: string): Promise<Page> {
  const built = (await build({
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      minify: false,
      target: "es2022",
      lib: { entry: resolve(HERE, entry), formats: ["iife"], name: "bundle" },
    },
  })) as Rollup.RollupOutput[];
  const page = await browser.newPage();
  await page.addScriptTag({ content: built[0]!.output[0].code });
  return page;
}
