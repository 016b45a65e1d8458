/** No secret is ever printed, also not as part of what another program said. */
import { isHeadersName, isSecretName, isSecretValue } from "./secrets.ts";

/** Finds the values of secret settings in texts. */
export class Redactor {
  readonly #secrets = new Set<string>();

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    for (const [name, value] of Object.entries(environment)) {
      if (isSecretName(name)) this.add(value);
      if (isHeadersName(name)) for (const header of value?.split(",") ?? []) this.#addHeader(header);
    }
  }

  /** One more value to keep secret. Lists of keys are secret key by key. */
  add(value: string | undefined): void {
    for (const part of [value, ...(value?.split(",") ?? [])]) {
      const secret = part?.trim() ?? "";
      if (!isSecretValue(secret)) continue;
      // As it is, and as messages quote it.
      this.#secrets.add(secret).add(JSON.stringify(secret).slice(1, -1));
    }
  }

  /** `name=value`: the value is secret without its name, and without a scheme such as `Bearer`. Its spaces may be escaped. */
  #addHeader(header: string): void {
    const value = header.slice(header.indexOf("=") + 1);
    this.add(value);
    this.add(value.split(/\s|%20/).at(-1));
  }

  /** The text with `***` in place of each secret. */
  clean(text: string): string {
    let cleaned = text;
    // The longest first: one secret may be the beginning of another.
    for (const secret of [...this.#secrets].sort((a, b) => b.length - a.length)) {
      cleaned = cleaned.replaceAll(secret, "***");
    }
    return cleaned;
  }
}
