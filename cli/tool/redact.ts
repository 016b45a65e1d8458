/** No secret is ever printed, also not as part of what another program said. */

/** Settings whose values are secret, wherever they come from. */
const SECRET_NAME = /(TOKEN|SECRET|PASSWORD|API_KEYS?|PRIVATE_KEY|ACCESS_KEY)/i;

/** Shorter values are words that appear by chance. */
const SHORTEST = 6;

/** Finds the values of secret settings in texts. */
export class Redactor {
  readonly #secrets = new Set<string>();

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    for (const [name, value] of Object.entries(environment)) if (SECRET_NAME.test(name)) this.add(value);
  }

  /** One more value to keep secret. Lists of keys are secret key by key. */
  add(value: string | undefined): void {
    for (const part of [value, ...(value?.split(",") ?? [])]) {
      const secret = part?.trim() ?? "";
      if (secret.length < SHORTEST) continue;
      // As it is, and as messages quote it.
      this.#secrets.add(secret).add(JSON.stringify(secret).slice(1, -1));
    }
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
