import { installPackage } from "../subjects/install.ts";
import { inBench } from "../paths.ts";

/** Absolute path of a file of the peers' package. */
export function inPeers(path: string): string {
  return inBench(`peers/${path}`);
}

/** Installs the locked versions into `bench/peers/node_modules`, unless they are there. */
export function installPeers(): Promise<void> {
  return installPackage(inBench("peers"));
}
