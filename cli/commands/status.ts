import { listRegistered, type RegisteredVersion } from "../deployments/registered.ts";
import type { CommandDefinition } from "../tool/command.ts";
import { adminOf } from "../tool/tool.ts";

interface StatusResult {
  readonly deployments: readonly RegisteredVersion[];
}

export const status: CommandDefinition<object, StatusResult> = {
  name: "status",
  about: "deployments, which is the latest, and what still runs on each",
  run: async (tool) => ({ deployments: await listRegistered(await adminOf(tool)) }),
  show: ({ deployments }, reporter) => {
    reporter.table([
      ["DEPLOYMENT", "URL", "LATEST OF", "IN FLIGHT"],
      ...deployments.map(({ deployment, latestOf, pinned }) => [
        deployment.id,
        deployment.uri ?? deployment.arn ?? "",
        latestOf.join(", ") || "-",
        String(pinned),
      ]),
    ]);
  },
};
