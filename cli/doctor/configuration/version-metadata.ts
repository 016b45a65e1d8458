import { type DoctorCheck, fail, pass } from "../check.ts";
import { configLines, configName } from "../facts/facts.ts";

/** The name that the app reads. */
const BINDING = "CF_VERSION_METADATA";

/** Whether the app can tell its version, on Workers by a binding, elsewhere by what it answers. */
export const versionMetadata: DoctorCheck = {
  id: "version-metadata",
  group: "Project",
  about: "the app knows which version it is",
  run: async (facts) => {
    if (facts.hasProject) {
      const { versionMetadata: binding } = facts.project().worker;
      if (binding === BINDING) return pass(`Binding ${BINDING}`);
      const found = binding === undefined ? "there is no version metadata" : `version metadata is bound to ${binding}`;
      return fail(
        `In ${configName(facts)} ${found}, so the Worker does not know its version and its guard refuses every request to a version (503).`,
        ...configLines(facts, { version_metadata: { binding: BINDING } }),
      );
    }
    const version = await facts.app.version();
    if (version !== null) return pass(`/health tells version ${version}`);
    return fail(
      "The app does not know its version, so its guard refuses every request to a version (503).",
      "Start it with APP_VERSION set to what changes with each build, such as: APP_VERSION=$(git rev-parse HEAD)",
    );
  },
};
