import { expect, test } from "vitest";
import { describeFailure } from "../../../routes/operations/redact.ts";

test.each([
  "SIGNING_PRIVATE",
  "TLS_PEM",
  "SLACK_WEBHOOK_URL",
  "SMTP_PASSPHRASE",
  "DATABASE_PWD",
  "GOOGLE_CREDENTIALS",
  "OPENAI_API_KEY",
])("the value of %s is hidden in a failure", (name) => {
  const text = describeFailure(new Error("Cannot use swordfish-42 here"), { [name]: "swordfish-42" });
  expect(text).toContain("Cannot use [hidden] here");
  expect(text).not.toContain("swordfish");
});

test("one line of a key that has many is hidden", () => {
  for (const separator of ["\n", "\r\n", "\\n"]) {
    const pem = ["-----BEGIN PRIVATE KEY-----", "c3dvcmRmaXNo", "-----END PRIVATE KEY-----"].join(separator);
    expect(describeFailure("Unexpected c3dvcmRmaXNo", { TLS_PEM: pem })).toBe("Unexpected [hidden]");
  }
});

test("a secret that stands behind its name is hidden, alone too", () => {
  const settings = { JOURNAL_KEYS: "k1:c3dvcmRmaXNo/42=,k0:bWFja2VyZWw/43=" };
  expect(describeFailure("c3dvcmRmaXNo/42 and bWFja2VyZWw/43", settings)).toBe("[hidden] and [hidden]");
});

test("what is no secret stays: an address, the folder of a stack", () => {
  const settings = {
    PWD: "/srv/app-folder",
    OLDPWD: "/srv/app-folder",
    RESTATE_ADMIN_URL: "http://restate.example:9070",
  };
  const text = "at /srv/app-folder/main.ts: http://restate.example:9070 is gone";
  expect(describeFailure(text, settings)).toBe(text);
});
