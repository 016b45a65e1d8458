import { type DoctorCheck, fail, pass } from "../check.ts";
import { isOlder } from "../versions.ts";

const MIN_RESTATE = "1.7.0";

/** Whether Restate's server has what the tool asks of it. */
export const restateVersion: DoctorCheck = {
  id: "restate-version",
  group: "Restate",
  about: "Restate is 1.7 or newer",
  run: async (facts) => {
    const { version } = await facts.restate.version();
    if (!isOlder(version, MIN_RESTATE)) return pass(version);
    return fail(
      `Restate is ${version}; the library and this tool need ${MIN_RESTATE}.`,
      "Update the server, one minor version after the other: https://docs.restate.dev/server/upgrading",
    );
  },
};
