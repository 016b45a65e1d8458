import { type DoctorCheck, fail, pass } from "../check.ts";
import { configLines, configName } from "../facts/facts.ts";

/** Whether each version gets a URL of its own. */
export const previewUrls: DoctorCheck = {
  id: "preview-urls",
  group: "Project",
  about: "each version has a URL of its own",
  run: (facts) => {
    const { workersDev, previewUrls: previews, hasDurableObjects } = facts.project().worker;
    if (hasDurableObjects) {
      return pass("No version URLs, because the Worker has Durable Objects: each version becomes a Worker of its own");
    }
    // By default versions have URLs where the Worker itself is below workers.dev.
    const off = previews === false ? "preview_urls" : workersDev === false && previews !== true ? "workers_dev" : "";
    if (off === "") return pass("Version URLs are on");
    return fail(
      `In ${configName(facts)} ${off} is false, so no version has a URL of its own, and runs in flight would move to new code with each deployment. Turn them on, or deploy with --strategy worker-per-version:`,
      ...configLines(facts, { preview_urls: true }),
    );
  },
};
