import { existsSync, watch } from "node:fs";

import { inRoot } from "./paths.ts";

const FOLDERS = ["src", "routes", "agents", "entry"];

/** Editors save in several writes: changes within this time, in milliseconds, count as one. */
const DEBOUNCE_MS = 200;

/** Calls back after each change of the app's source. It does not keep the process alive. */
export function watchSource(onChange: () => void): void {
  let timer: NodeJS.Timeout | undefined;
  for (const folder of FOLDERS.map(inRoot).filter((path) => existsSync(path))) {
    watch(folder, { recursive: true, persistent: false }, () => {
      clearTimeout(timer);
      timer = setTimeout(onChange, DEBOUNCE_MS).unref();
    });
  }
}
