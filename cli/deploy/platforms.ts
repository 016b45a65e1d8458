/** The platforms that `deploy` knows. */
import { WorkersDeployer } from "../cloudflare/workers-deployer.ts";
import { DenoDeployer } from "../deno-deploy/deno-deployer.ts";
import { ServedApp } from "../platforms/served-app.ts";
import { findConfig } from "../project/project.ts";
import type { Tool } from "../tool/tool.ts";
import { usageError } from "../tool/tool-error.ts";
import type { DeployOptions } from "./options.ts";
import type { PlatformDeployer } from "./platform-deployer.ts";

type Platforms = Readonly<Record<string, (tool: Tool, options: DeployOptions) => PlatformDeployer>>;

/** By the name for `--platform`. */
const PLATFORMS: Platforms = {
  workers: () => new WorkersDeployer(),
  // With a version to wait for, somebody else uploads, such as the platform's own builds of a repository.
  "deno-deploy": (_, { appVersion }) => (appVersion === undefined ? new DenoDeployer() : new ServedApp("deno-deploy")),
  url: () => new ServedApp("url"),
};

/** @throws ToolError `platform-unknown`, `platform-missing` */
export function deployerFor(tool: Tool, options: DeployOptions): PlatformDeployer {
  const names = Object.keys(PLATFORMS).join(", ");
  const name = options.platform ?? (findConfig(tool.flags.cwd) === undefined ? undefined : "workers");
  if (name === undefined) {
    throw usageError(
      "platform-missing",
      `Cannot tell where to deploy to: there is no wrangler configuration in ${tool.flags.cwd}`,
      `Pass --platform: ${names}`,
    );
  }
  const create = Object.hasOwn(PLATFORMS, name) ? PLATFORMS[name] : undefined;
  if (create === undefined) throw usageError("platform-unknown", `Cannot deploy to "${name}"`, `Platforms: ${names}`);
  return create(tool, options);
}
