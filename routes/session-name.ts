/** What names a conversation: one rule for every route. */
import { z } from "@hono/zod-openapi";

/** Most characters. */
const MAX_LENGTH = 512;

/**
 * Text of 1 to 512 characters without control characters, and not `.` or `..`, which every URL parser takes for steps
 * through the path.
 */
export const sessionName: z.ZodType<string, string> = z
  .string()
  .min(1)
  .max(MAX_LENGTH)
  .refine(
    (text) => text !== "." && text !== ".." && text.isWellFormed() && !/\p{Cc}/u.test(text),
    'must be text without control characters, and not "." or ".."',
  )
  .openapi({
    example: "chat-1",
    description:
      'The conversation: any text of 1 to 512 characters without control characters, and not "." or ".."; percent-encoded in paths. ' +
      "Of a caller with a name it is the caller's own: others may have one of the same name",
  });
