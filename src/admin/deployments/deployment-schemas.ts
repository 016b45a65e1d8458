import { z } from "zod";
import { type SchemaInfo, schemaInfoSchema, sentHeadersSchema, textsSchema } from "../info.ts";
import { type Service, serviceSchema } from "./service-schemas.ts";

/** How Restate proves itself to a deployment on Cloud Run. */
export interface HttpAuth {
  readonly googleIdToken: {
    /** Absent: made from the deployment's URI. */
    readonly audience?: string | undefined;
    readonly impersonateServiceAccount?: string | undefined;
  };
}

const httpAuthSchema: z.ZodType<HttpAuth> = z.strictObject({
  googleIdToken: z.strictObject({
    audience: z.string().optional(),
    impersonateServiceAccount: z.string().optional(),
  }),
});

/** A URL under which Restate finds services, or an AWS Lambda function. */
export interface DeploymentFacts {
  /** `dp_…` */
  readonly id: string;
  /** HTTP deployments. */
  readonly uri?: string | undefined;
  /** HTTP deployments: `HTTP/1.1` or `HTTP/2.0`. */
  readonly httpVersion?: string | undefined;
  /** HTTP deployments: `RequestResponse` or `BidiStream`. */
  readonly protocolType?: string | undefined;
  readonly auth?: HttpAuth | undefined;
  /** Lambda deployments. */
  readonly arn?: string | undefined;
  readonly assumeRoleArn?: string | undefined;
  readonly compression?: string | undefined;
  /** ISO 8601 */
  readonly createdAt: string;
  /** Range of Restate's service protocol that its SDK speaks. */
  readonly minProtocolVersion: number;
  readonly maxProtocolVersion: number;
  readonly sdkVersion?: string | undefined;
  /** Sent with every request to it. They may hold secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly info?: readonly SchemaInfo[] | undefined;
}

const facts = {
  id: z.string(),
  uri: z.string().optional(),
  httpVersion: z.string().optional(),
  protocolType: z.string().optional(),
  auth: httpAuthSchema.optional(),
  arn: z.string().optional(),
  assumeRoleArn: z.string().optional(),
  compression: z.string().optional(),
  createdAt: z.string(),
  minProtocolVersion: z.int(),
  maxProtocolVersion: z.int(),
  sdkVersion: z.string().optional(),
  headers: textsSchema.optional(),
  metadata: textsSchema.optional(),
  info: schemaInfoSchema.array().optional(),
};

/** A deployment in a list. */
export interface Deployment extends DeploymentFacts {
  /** Its services, and their revisions there. */
  readonly services: readonly { readonly name: string; readonly revision: number }[];
}

/** Reads `Deployment`. */
export const deploymentSchema: z.ZodType<Deployment> = z.object({
  ...facts,
  services: z.object({ name: z.string(), revision: z.int() }).array(),
});

/** A deployment with its services. */
export interface DetailedDeployment extends DeploymentFacts {
  readonly services: readonly Service[];
}

/** Reads `DetailedDeployment`. */
export const detailedDeploymentSchema: z.ZodType<DetailedDeployment> = z.object({
  ...facts,
  services: serviceSchema.array(),
});

/** How a deployment is registered, whatever it is. */
interface Registration {
  /** Discovers and compares, registers nothing. Default false. */
  readonly dryRun?: boolean | undefined;
  /** Accepts services that changed incompatibly, such as to another type. Default false. */
  readonly breaking?: boolean | undefined;
  /**
   * Overwrites a deployment of the same URI, and implies `breaking`. Invocations pinned to it go on with its new code and
   * may fail. Default false.
   */
  readonly force?: boolean | undefined;
  /** Sent with every request to it, such as keys that it asks for. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** For people; Restate keeps and shows it. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** An HTTP deployment to register. */
export interface HttpRegistration extends Registration {
  /** Where the services are, such as `https://….workers.dev/restate`. */
  readonly uri: string;
  /** HTTP/1.1 for servers without cleartext HTTP/2, such as `wrangler dev`. Default false. */
  readonly http11?: boolean | undefined;
  readonly auth?: HttpAuth | undefined;
}

/** A Lambda deployment to register. */
export interface LambdaRegistration extends Registration {
  readonly arn: string;
  readonly assumeRoleArn?: string | undefined;
}

const registration = {
  dryRun: z.boolean().optional(),
  breaking: z.boolean().optional(),
  force: z.boolean().optional(),
  headers: sentHeadersSchema.optional(),
  metadata: textsSchema.optional(),
};

/** Reads `HttpRegistration`. */
export const httpRegistrationSchema: z.ZodType<HttpRegistration> = z.strictObject({
  ...registration,
  uri: httpUri(),
  http11: z.boolean().optional(),
  auth: httpAuthSchema.optional(),
});

/** Reads either kind of registration. */
export const registrationSchema: z.ZodType<HttpRegistration | LambdaRegistration> = z.union([
  httpRegistrationSchema,
  z.strictObject({ ...registration, arn: z.string(), assumeRoleArn: z.string().optional() }),
]);

/** What a registration found. */
export interface RegisteredDeployment {
  /** A dry run makes one up. */
  readonly id: string;
  readonly services: readonly Service[];
  readonly minProtocolVersion?: number | undefined;
  readonly maxProtocolVersion?: number | undefined;
  readonly sdkVersion?: string | undefined;
  readonly info?: readonly SchemaInfo[] | undefined;
}

/** Reads `RegisteredDeployment`. */
export const registeredDeploymentSchema: z.ZodType<RegisteredDeployment> = z.object({
  id: z.string(),
  services: serviceSchema.array(),
  minProtocolVersion: z.int().optional(),
  maxProtocolVersion: z.int().optional(),
  sdkVersion: z.string().optional(),
  info: schemaInfoSchema.array().optional(),
});

/** What can be changed of a deployment. Absent: as it is. */
export interface DeploymentChanges {
  readonly uri?: string | undefined;
  readonly http11?: boolean | undefined;
  /** All of them. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Lambda deployments. */
  readonly arn?: string | undefined;
  readonly assumeRoleArn?: string | undefined;
  /** Discovers its services again and takes them over, breaking changes too. Default false. */
  readonly overwrite?: boolean | undefined;
  /** Changes nothing. Default false. */
  readonly dryRun?: boolean | undefined;
}

/** Reads `DeploymentChanges`. */
export const deploymentChangesSchema: z.ZodType<DeploymentChanges> = z.strictObject({
  uri: httpUri().optional(),
  http11: z.boolean().optional(),
  headers: sentHeadersSchema.optional(),
  arn: z.string().optional(),
  assumeRoleArn: z.string().optional(),
  overwrite: z.boolean().optional(),
  dryRun: z.boolean().optional(),
});

/** Credentials in a URI would be shown to whoever may list deployments: they belong into headers. */
function httpUri(): z.ZodType<string> {
  return z
    .url({ protocol: /^https?$/, error: "must be an http or https URL" })
    .max(2_048)
    .refine(isPlain, "must have no user, password, query or fragment");
}

function isPlain(uri: string): boolean {
  if (!URL.canParse(uri)) return false;
  const { username, password, search, hash } = new URL(uri);
  return username + password + search + hash === "" && !/[?#]/.test(uri);
}
