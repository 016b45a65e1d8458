import { appReachable } from "./app/app-reachable.ts";
import { appReady } from "./app/app-ready.ts";
import { clock } from "./app/clock.ts";
import { liveVersion } from "./app/live-version.ts";
import { registeredServices } from "./app/registered-services.ts";
import { requiredSecrets } from "./app/required-secrets.ts";
import type { DoctorCheck } from "./check.ts";
import { accessTokens } from "./configuration/access-tokens.ts";
import { compatibility } from "./configuration/compatibility.ts";
import { identityKeys } from "./configuration/identity-keys.ts";
import { observability } from "./configuration/observability.ts";
import { oneSdk } from "./configuration/one-sdk.ts";
import { previewUrls } from "./configuration/preview-urls.ts";
import { project } from "./configuration/project.ts";
import { secretsInVars } from "./configuration/secrets-in-vars.ts";
import { toolVersions } from "./configuration/tool-versions.ts";
import { versionMetadata } from "./configuration/version-metadata.ts";
import { httpVersion } from "./restate/http-version.ts";
import { mutableUrl } from "./restate/mutable-url.ts";
import { pinnedUrls } from "./restate/pinned-urls.ts";
import { region } from "./restate/region.ts";
import { restateReachable } from "./restate/restate-reachable.ts";
import { restateVersion } from "./restate/restate-version.ts";
import { stuckInvocations } from "./restate/stuck-invocations.ts";
import { token } from "./restate/token.ts";

/** All checks, in the order in which they are told. */
export const ALL_CHECKS: readonly DoctorCheck[] = [
  project,
  toolVersions,
  compatibility,
  versionMetadata,
  previewUrls,
  observability,
  oneSdk,
  identityKeys,
  secretsInVars,
  accessTokens,
  restateReachable,
  token,
  region,
  restateVersion,
  mutableUrl,
  httpVersion,
  pinnedUrls,
  stuckInvocations,
  appReachable,
  appReady,
  clock,
  liveVersion,
  registeredServices,
  requiredSecrets,
];
