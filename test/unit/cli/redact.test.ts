import { expect, test } from "vitest";
import { isSecret } from "../../../cli/doctor/configuration/secrets-in-vars.ts";
import { Redactor } from "../../../cli/tool/redact.ts";
import { isSecretName } from "../../../cli/tool/secrets.ts";

test.each([
  ["RESTATE_AUTH_TOKEN", true],
  ["ADMIN_TOKENS", true],
  ["CLIENT_SECRET", true],
  ["DB_PASSWORD", true],
  ["DB_PASSWD", true],
  ["GOOGLE_APPLICATION_CREDENTIALS", true],
  ["OPENAI_API_KEY", true],
  ["OPENAI_APIKEY_2", true],
  ["AWS_SECRET_ACCESS_KEY", true],
  ["SIGNING_KEY", true],
  ["OTEL_EXPORTER_OTLP_HEADERS", true],
  ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", true],
  ["RESTATE_IDENTITY_KEYS", false],
  ["PUBLIC_KEY", false],
  ["TOKEN_URL", false],
  ["MONKEY", false],
  ["MODEL", false],
])("%s names a secret: %s, in what is printed as in what doctor looks for", (name, expected) => {
  expect(isSecretName(name)).toBe(expected);
  expect(new Redactor({ [name]: "hush-hush" }).clean("it is hush-hush")).toBe(
    expected ? "it is ***" : "it is hush-hush",
  );
  expect(isSecret(name, "hush-hush")).toBe(expected);
});

test("numbers and short values are no secrets, whatever they are called", () => {
  const redactor = new Redactor({ MAX_TOKENS: "4000000", DB_PASSWORD: "agent", API_KEYS: "12345678,longer-one" });
  expect(redactor.clean("4000000 agent 12345678 longer-one")).toBe("4000000 agent 12345678 ***");
  expect([isSecret("MAX_TOKENS", "4000000"), isSecret("DB_PASSWORD", "agent")]).toEqual([false, false]);
});

test("a list of keys is secret key by key, and a key that begins with another is covered whole", () => {
  const redactor = new Redactor({ API_KEYS: "abcdef, abcdef-longer" });
  expect(redactor.clean("abcdef-longer and abcdef")).toBe("*** and ***");
});

test("a secret is found as JSON quotes it", () => {
  const redactor = new Redactor({ APP_SECRET: 'pass"word\nof two lines' });
  expect(redactor.clean(JSON.stringify({ said: 'pass"word\nof two lines' }))).toBe('{"said":"***"}');
});

test("the value of a header is secret without its name and its scheme", () => {
  const redactor = new Redactor({ OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20s3cr3t-of-otlp,x-team=red" });
  expect(redactor.clean("sent s3cr3t-of-otlp for team red")).toBe("sent *** for team red");
});

test("what is learnt later is kept secret too", () => {
  const redactor = new Redactor({});
  redactor.add(undefined);
  redactor.add("from-a-file");
  expect(redactor.clean("from-a-file")).toBe("***");
});
