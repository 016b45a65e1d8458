import fc from "fast-check";
import { expect, test } from "vitest";
import { blocksOf, inlineOf, plainTextOf } from "../../../web/src/markdown.ts";

test("blocks: paragraphs, headings, lists, quotes, and code, also while it is open", () => {
  const text =
    "# Trip\nTo *Oslo*\nby train\n\n1. Pack\n2. Go\n   early\n\n3. Stay\n\n- a\n  - b\n> so\n> be it\n```ts\na < b\n\n- c\n";
  expect(blocksOf(text)).toEqual([
    { type: "heading", text: "Trip" },
    { type: "paragraph", text: "To *Oslo*\nby train" },
    {
      type: "list",
      start: 1,
      items: [
        { text: "Pack", depth: 0 },
        { text: "Go\nearly", depth: 0 },
        { text: "Stay", depth: 0 },
      ],
    },
    {
      type: "list",
      start: undefined,
      items: [
        { text: "a", depth: 0 },
        { text: "b", depth: 1 },
      ],
    },
    { type: "quote", text: "so\nbe it" },
    { type: "code", text: "a < b\n\n- c" },
  ]);
  expect(blocksOf("")).toEqual([]);
});

test("a table, once the line below its head is there", () => {
  const head = "| city | °C |\n";
  expect(blocksOf(head)).toEqual([{ type: "paragraph", text: "| city | °C |" }]);
  expect(blocksOf(`${head}|---|:-:|\n| **Oslo** | 4 |\n\nCold`)).toEqual([
    {
      type: "table",
      rows: [
        ["city", "°C"],
        ["**Oslo**", "4"],
      ],
    },
    { type: "paragraph", text: "Cold" },
  ]);
  expect(plainTextOf(`${head}|---|---|\n| **Oslo** | 4 |`)).toBe("city, °C\nOslo, 4");
});

test("pieces: strong, emphasised, code, links over HTTP alone", () => {
  expect(inlineOf("a **b `c`** _d_ snake_case_name 2 * 3 * 4 **open")).toEqual([
    { type: "text", text: "a " },
    {
      type: "strong",
      children: [
        { type: "text", text: "b " },
        { type: "code", text: "c" },
      ],
    },
    { type: "text", text: " " },
    { type: "em", children: [{ type: "text", text: "d" }] },
    { type: "text", text: " snake_case_name 2 * 3 * 4 **open" },
  ]);
  expect(inlineOf("See [this](https://a.example/b?c=1), https://d.example/e.")).toEqual([
    { type: "text", text: "See " },
    { type: "link", url: "https://a.example/b?c=1", text: "this" },
    { type: "text", text: ", " },
    { type: "link", url: "https://d.example/e", text: "https://d.example/e" },
    { type: "text", text: "." },
  ]);
  for (const text of ["[x](javascript:alert(1))", "[x](data:text/html,x)", "<img src=x onerror=alert(1)>"]) {
    expect(inlineOf(text)).toEqual([{ type: "text", text }]);
  }
});

const MARKS = [
  " ",
  "\n",
  "`",
  "```",
  "*",
  "**",
  "_",
  "[",
  "](https://a.b)",
  "# ",
  "- ",
  "1. ",
  "> ",
  "word",
  "ü",
  "😀",
];

test("of whatever is written, each word is shown, once and in order", () => {
  const piece = fc.constantFrom(...MARKS);
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = pieces.map((part, place) => (part === "word" ? `w${place}w` : part)).join("");
      const shown = plainTextOf(text);
      // What stands behind an opening fence may be the name of a language.
      const wanted: readonly string[] = text.replaceAll(/^```.*$/gm, "").match(/w\d+w/g) ?? [];
      const words: readonly string[] = shown.match(/w\d+w/g) ?? [];
      const found = words.filter((word) => wanted.includes(word));
      expect(found).toEqual(wanted);
    }),
    { numRuns: 2_000 },
  );
});

test("a long line of marks takes no time", () => {
  const begin = performance.now();
  for (const mark of ["*", "**", "`", "_", "[", "*a", "`a``"]) plainTextOf(mark.repeat(50_000));
  for (const mark of ["*", "**", "`", "_", "[", "*a", "`a``"]) plainTextOf(mark.repeat(1_200));
  // Within seconds on whatever machine: it is milliseconds, and would be minutes.
  expect(performance.now() - begin).toBeLessThan(5_000);
});
