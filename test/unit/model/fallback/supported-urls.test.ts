import { isUrlSupported } from "@ai-sdk/provider-utils";
import fc from "fast-check";
import { expect, test } from "vitest";
import { commonUrls } from "../../../../src/model/fallback/supported-urls.ts";

type Urls = Record<string, RegExp[]>;

const PATTERNS = [/^https:\/\//, /^https?:\/\/[^/]*\.test\//, /\.png$/i, /^gs:\/\//, /files/g];
const TYPES = ["*", "*/*", "image/*", "image/png", "Image/JPEG", "application/pdf"];
const WANTED = ["image/png", "image/jpeg", "image", "application/pdf", "text/plain"];
const URLS = ["https://a.test/x.PNG", "https://files.example/x", "http://b.test/x.png", "gs://bucket/files", "data:,x"];

const urls = fc.dictionary(fc.constantFrom(...TYPES), fc.subarray(PATTERNS, { minLength: 1 }), { maxKeys: 3 });

test("a URL is read by all together exactly if each of them reads it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(urls, { minLength: 1, maxLength: 4 }), fc.boolean(), async (all, isAsync) => {
      const models = all.map((supportedUrls: Urls, index) => ({
        supportedUrls: isAsync && index === 0 ? Promise.resolve(supportedUrls) : supportedUrls,
      }));
      const supportedUrls = await commonUrls(models);
      for (const mediaType of WANTED) {
        for (const url of URLS) {
          const each = all.every((own) => isUrlSupported({ mediaType, url, supportedUrls: own }));
          expect(isUrlSupported({ mediaType, url, supportedUrls }), `${mediaType} ${url}`).toBe(each);
        }
      }
    }),
    { numRuns: 1_000 },
  );
});
