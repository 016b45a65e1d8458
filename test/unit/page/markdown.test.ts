import fc from "fast-check";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { plainTextOf } from "../../../web/src/markdown.ts";
import { Text } from "../../../web/src/text.tsx";

const markup = (text: string): string => renderToStaticMarkup(createElement(Text, { text }));
const inline = (text: string): string => /^<div class="text"><p>(.*)<\/p><\/div>$/s.exec(markup(text))?.[1] ?? "";

test("blocks: paragraphs, headings, lists in lists, quotes, and code, also while it is open", () => {
  const text = "# Trip\nTo *Oslo*\nby train\n\n3. Pack\n   - a\n4. Go\n\n> so\n> be it\n\n```ts\na < b\n\n- c\n";
  expect(markup(text)).toBe(
    '<div class="text"><h3>Trip</h3><p>To <em>Oslo</em><br/>by train</p><ol start="3"><li>Pack<ul><li>a</li></ul></li><li>Go</li></ol>' +
      "<blockquote><p>so<br/>be it</p></blockquote>" +
      '<pre tabindex="0" role="group" aria-label="Code"><code>a &lt; b\n\n- c</code></pre></div>',
  );
  expect(markup("")).toBe('<div class="text"></div>');
  expect(markup("- [x] done")).toContain("<li>☑ done</li>");
});

test("a table, once the line below its head is there", () => {
  const head = "| city | °C |\n";
  expect(inline(head)).toBe("| city | °C |");
  const table = `${head}|---|:-:|\n| **Oslo** | 4 |\n\nCold`;
  expect(markup(table)).toContain("<tr><td><strong>Oslo</strong></td><td>4</td></tr>");
  expect(plainTextOf(table)).toBe("city, °C\nOslo, 4\nCold");
});

test("pieces: strong, emphasised, code", () => {
  expect(inline("a **b `c`** _d_ snake_case_name 2 * 3 * 4 **open")).toBe(
    "a <strong>b <code>c</code></strong> <em>d</em> snake_case_name 2 * 3 * 4 **open",
  );
});

test("links open over HTTP alone, pictures are links, and HTML is text", () => {
  const link = (url: string, text: string): string =>
    `<a href="${url}" title="${url}" target="_blank" rel="noreferrer">${text}</a>`;
  expect(inline("See [this](https://a.example/b), https://d.example/e.")).toBe(
    `See ${link("https://a.example/b", "this")}, ${link("https://d.example/e", "https://d.example/e")}.`,
  );
  expect(inline("![a map](https://a.example/map.png)")).toBe(link("https://a.example/map.png", "a map"));
  for (const text of ["[x](javascript:alert(1))", "![x](data:text/html,x)", "[x](/chat)"]) {
    expect(inline(text)).toBe(text);
    expect(plainTextOf(text)).toBe(text);
  }
  for (const text of ["<img src=x onerror=alert(1)>", "a <b onclick=x>c</b>", "<script>alert(1)</script>"]) {
    expect(markup(text)).toContain(text.replaceAll("<", "&lt;").replaceAll(">", "&gt;"));
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
      // What stands behind an opening fence may be the name of a language.
      const wanted: readonly string[] = text.replaceAll(/```.*$/gm, "").match(/w\d+w/g) ?? [];
      for (const shown of [plainTextOf(text), markup(text).replaceAll(/<[^>]*>/g, "")]) {
        const words: readonly string[] = shown.match(/w\d+w/g) ?? [];
        expect(words.filter((word) => wanted.includes(word))).toEqual(wanted);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("a long or deep text of marks takes no time", () => {
  const begin = performance.now();
  for (const mark of ["*", "**", "`", "_", "[", "*a", "`a``", "> ", "- "]) {
    for (const times of [1_200, 50_000]) expect(markup(mark.repeat(times))).toContain("<");
  }
  // Within seconds on whatever machine: it would be minutes.
  expect(performance.now() - begin).toBeLessThan(10_000);
});
