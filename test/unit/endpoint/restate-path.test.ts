import { expect, test } from "vitest";
import { matchRestatePath } from "../../../src/endpoint/restate-path.ts";

test.each([
  ["GET", "/discover"],
  ["POST", "/invoke/WeatherAgent/run"],
  ["POST", "/invoke/my.service-2/get_All"],
  ["POST", "/serdes/Echo/decode/say/input"],
  ["POST", "/serdes/Echo/encode/say/output"],
  ["POST", "/serdes/Echo/encode/custom"],
  ["POST", "/serdes/Echo/encode/discover/input"],
  ["POST", "/serdes/Echo/encode/invoke/input"],
])("%s %s is Restate's, below the mount alone", (method, path) => {
  expect(matchRestatePath(method, `/restate${path}`, "/restate")).toEqual({ kind: "found", path });
  expect(matchRestatePath(method, path, "")).toEqual({ kind: "found", path });
  expect(matchRestatePath(method, path, "/restate")).toEqual({ kind: "not-found" });
  expect(matchRestatePath(method, `/restate/v2${path}`, "/restate")).toEqual({ kind: "not-found" });
  expect(matchRestatePath(method, `/restated${path}`, "/restate")).toEqual({ kind: "not-found" });
});

test.each([
  ["POST", "/discover", "GET"],
  ["HEAD", "/discover", "GET"],
  ["GET", "/invoke/Echo/say", "POST"],
  ["DELETE", "/serdes/Echo/encode/say/input", "POST"],
])("%s %s is answered with the method to use", (method, path, allow) => {
  expect(matchRestatePath(method, path, "")).toEqual({ kind: "method-not-allowed", allow });
});

test.each([
  "",
  "/",
  "/health",
  "/discover/health",
  "/invoke/Echo/health/health",
  "/discover/",
  "//discover",
  "/Discover",
  "/DISCOVER",
  "/x/discover",
  "/discover/x",
  "/discover%2f",
  "/%64iscover",
  "/discover;x",
  "/discover\n",
  "/invoke",
  "/invoke/Echo",
  "/invoke/Echo/",
  "/invoke//say",
  "/invoke/Echo/say/",
  "/invoke/Echo/say/more",
  "/x/invoke/Echo/say",
  "/invoke/Echo/..",
  "/invoke/../discover",
  "/invoke/.hidden/say",
  "/invoke/Echo%2fsay",
  "/invoke/Echo/%2e%2e",
  "/invoke/Echo/s%61y",
  "/invoke/Echo/say%00",
  "/invoke/Echo/say%5c",
  "/INVOKE/Echo/say",
  "/serdes/Echo/encode/",
  "/serdes/Echo/encode",
  "/serdes/Echo/recode/say",
  "/serdes/Echo/encode/say%2finput",
  "/serdes/Echo/encode/say/%2e%2e/health",
  "/serdes/Echo/encode/say//input",
  "/serdes/Echo/encode/say/input/",
  "/serdes/Echo/encode/../../../health",
  "/serdes/Echo/encode/%E0%A4%A",
  "/serdes/Echo/encode/discover",
  "/serdes/Echo/decode/say/discover",
  "/serdes/Echo/decode/invoke/Echo/say",
  "/serdes/Echo/decode/say/invoke/Echo/say",
])("%j is on no list", (path) => {
  for (const method of ["GET", "POST"]) expect(matchRestatePath(method, path, "")).toEqual({ kind: "not-found" });
});
