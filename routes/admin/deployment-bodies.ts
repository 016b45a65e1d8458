import { z } from "@hono/zod-openapi";
import {
  type DeploymentChanges,
  deploymentChangesSchema,
  type HttpRegistration,
  httpRegistrationSchema,
} from "../../src/admin/deployments/deployment-schemas.ts";
import type { RegistrationReport, ServiceChange } from "../../src/admin/deployments/registration-report.ts";

/** Registers HTTP deployments; those on Lambda are the client's to register. */
export const deploymentRegistrationSchema: z.ZodType<HttpRegistration> =
  httpRegistrationSchema.openapi("DeploymentRegistration");

/** Something has to change. */
export const deploymentUpdateSchema: z.ZodType<DeploymentChanges> = deploymentChangesSchema
  .refine((changes) => Object.values(changes).some((value) => value !== undefined), "must change something")
  .openapi("DeploymentUpdate");

const serviceChangeSchema: z.ZodType<ServiceChange> = z
  .object({
    name: z.string(),
    change: z.enum(["new", "updated", "none", "removed"]),
    type: z.string(),
    revision: z.int(),
    breaking: z.boolean(),
    addedHandlers: z.string().array(),
    removedHandlers: z.string().array(),
    previous: z.object({ type: z.string(), revision: z.int(), deploymentId: z.string() }).optional(),
  })
  .openapi("ServiceChange");

/** What a registration did, or would do. */
export const registrationReportSchema: z.ZodType<RegistrationReport> = z
  .object({
    dryRun: z.boolean(),
    outcome: z.enum(["created", "known", "overwritten", "refused"]),
    deploymentId: z.string().optional(),
    services: serviceChangeSchema.array(),
    refusal: z
      .object({
        reason: z.string(),
        restateCode: z.string().optional(),
        acceptedWith: z.enum(["breaking", "force"]).optional(),
      })
      .optional(),
  })
  .openapi("RegistrationReport");
