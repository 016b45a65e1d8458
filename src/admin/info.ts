import { z } from "zod";

/** What Restate remarks about a deployment, service or handler, such as that something in it is deprecated. */
export interface SchemaInfo {
  readonly message: string;
  /** Restate's code for it. */
  readonly code?: string | undefined;
}

/** Reads `SchemaInfo`. */
export const schemaInfoSchema: z.ZodType<SchemaInfo> = z.object({ message: z.string(), code: z.string().optional() });

/** Texts by name. */
export const textsSchema: z.ZodType<Readonly<Record<string, string>>> = z.record(z.string(), z.string());
