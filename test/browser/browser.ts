/** Headless Chromium, Debian's, driven by Playwright's library, which brings no browser of its own. */
import axe from "axe-core";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Starts the browser. @throws Error that says what to install. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = [process.env["CHROMIUM_PATH"] ?? "", ...PATHS].find((path) => path !== "" && existsSync(path));
  if (executablePath === undefined) {
    throw new Error(
      "Cannot find Chromium: install it (Debian: apt-get install chromium), or say where it is with CHROMIUM_PATH",
    );
  }
  // Its sandbox needs a user who is not root, which CI has none of; it opens nothing but this test's own page.
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** A serious finding of axe-core. */
export interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly at: string;
}

const MINOR: ReadonlySet<string> = new Set(["minor", "moderate"]);

/**
 * What axe-core finds on the page, as it is now, that is serious or critical.
 *
 * Through the debugger, because the page's policy lets no other script run.
 */
export async function seriousFindings(page: Page): Promise<readonly Finding[]> {
  const session = await page.context().newCDPSession(page);
  const found =
    "axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) => ({ id, impact, at: nodes[0].html })))";
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
    expression: `${axe.source};${found}`,
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  if (exceptionDetails !== undefined) throw new Error(`axe-core failed: ${exceptionDetails.text}`);
  const findings = result.value as readonly Finding[];
  return findings.filter(({ impact }) => !MINOR.has(impact));
}

/** Takes a screenshot into the folder that `SCREENSHOTS` names, if it names one. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env["SCREENSHOTS"] ?? "";
  if (folder === "") return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
