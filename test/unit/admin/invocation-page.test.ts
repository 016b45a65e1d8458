import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { awakeableId, isInvocationId } from "../../../src/admin/invocations/invocation-id.ts";
import { afterPlace, cursorOf, type Place, placeOf } from "../../../src/admin/invocations/invocation-page.ts";
import { invocationIdSchema } from "../../../src/admin/invocations/invocation.ts";

const ID = "inv_1hxbgI5eIXYm0ZiJrI0MVT2kV56GiAjGeT";
const place: Place = { order: "newest", createdAt: "2026-11-24T20:41:18.731Z", id: ID };

describe("ids", () => {
  test.each([
    [ID, true],
    ["inv_1fjtoLCTZCOa6PB3PEmER3O4YJUE4aQCiR", true],
    ["inv_1zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", false], // Too large a number; Restate refuses it.
    ["inv_2hxbgI5eIXYm0ZiJrI0MVT2kV56GiAjGeT", false],
    [`${ID}x`, false],
    [ID.slice(0, -1), false],
    [`${ID}\n`, false],
    ["inv_1hxbgI5eIXYm0ZiJrI0MVT2kV56GiAjGe'", false],
    ["", false],
  ])("%j: %s", (id, expected) => {
    expect(isInvocationId(id)).toBe(expected);
    expect(invocationIdSchema.safeParse(id).success).toBe(expected);
  });

  test("an awakeable's id is the one that Restate gave", () => {
    expect(awakeableId(ID, 17)).toBe("sign_1aotcq2xCPswrBTRuhI1Wjaaui73frXwgAAAAEQ");
    expect(awakeableId("no id", 17)).toBeUndefined();
  });
});

describe("cursors", () => {
  test("give back the place, and nothing that a URL would change", () => {
    const cursor = cursorOf(place);
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(placeOf(cursor, "newest")).toEqual(place);
  });

  test("go on after the place, in its order", () => {
    expect(afterPlace(place).text).toBe(
      `created_at < to_timestamp_millis(1795552878731) OR (created_at = to_timestamp_millis(1795552878731) AND id < '${ID}')`,
    );
    expect(afterPlace({ ...place, order: "oldest" }).text).toContain(`id > '${ID}'`);
  });

  const encode = (value: unknown): string => btoa(JSON.stringify(value));
  test.each([
    ["", "newest"],
    ["abc", "newest"],
    ["%%%", "newest"],
    [encode(null), "newest"],
    [encode({ ...place, id: "inv_1' OR 1=1" }), "newest"],
    [encode({ ...place, createdAt: "2026-11-24' OR" }), "newest"],
    [encode({ ...place, createdAt: "9999-99-99T00:00:00Z" }), "newest"],
    [encode({ ...place, more: 1 }), "newest"],
    [encode({ ...place, order: "random()" }), "newest"],
    [cursorOf(place), "oldest"],
  ] as const)("%j for the %s first is refused", (cursor, order) => {
    expect(() => placeOf(cursor, order)).toThrow(expect.objectContaining({ errorCode: "invalid-request", code: 400 }));
  });

  test("any text is a place or refused, never anything else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json().map(btoaOf)), (cursor) => {
        try {
          placeOf(cursor, "newest");
        } catch (error) {
          expect(error).toMatchObject({ errorCode: "invalid-request" });
        }
      }),
    );
  });
});

function btoaOf(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
