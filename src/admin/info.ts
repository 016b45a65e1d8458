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

/** Headers that are sent: names and values of RFC 9110, no line breaks. */
export const sentHeadersSchema: z.ZodType<Readonly<Record<string, string>>> = z.record(
  z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/, "must be the name of a header"),
  z
    .string()
    .max(8_192)
    .regex(/^[\t\x20-\x7e]*$/, "must be the value of a header"),
);
