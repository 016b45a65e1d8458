/** The app's encryption: what the option says, or the settings. */
import type { MiddlewareHandler } from "hono";
import { JournalEncryption } from "../src/encryption/journal-encryption.ts";
import { JOURNAL_KEYS_RULE } from "../src/encryption/journal-keys.ts";
import { type Sealing, withSealing } from "../src/encryption/sealing.ts";
import { DefinitionError } from "../src/errors/definition-error.ts";
import { invalidSetting, type Settings, settingsOf } from "./settings.ts";

/** The option of the app: an encryption of its own, or `false`: none, whatever the settings say. */
export type EncryptionOption = JournalEncryption | false | undefined;

/** The latest: derived keys are kept in it, and an isolate has one set of settings. */
let known: { readonly key: string; readonly encryption: JournalEncryption } | undefined;

/**
 * How the app encrypts; undefined: it does not.
 *
 * @throws EndpointError `invalid-settings` (503) when JOURNAL_KEYS or JOURNAL_PLAINTEXT is malformed: nothing is served then,
 *   as what should be encrypted must not be sent as it is.
 */
export function encryptionOf(settings: Settings, option: EncryptionOption): JournalEncryption | undefined {
  if (option !== undefined) return option === false ? undefined : option;
  const { JOURNAL_KEYS: keys, JOURNAL_PLAINTEXT: plaintext } = settings;
  if (keys === undefined) return undefined;
  const key = encryptionSettingsKey(settings);
  if (known?.key !== key) known = { key, encryption: fromSettings(keys, plaintext) };
  return known.encryption;
}

/** Differs whenever the settings of the encryption do. */
export function encryptionSettingsKey({ JOURNAL_KEYS, JOURNAL_PLAINTEXT }: Settings): string {
  return `${JOURNAL_KEYS}\n${JOURNAL_PLAINTEXT}`;
}

/** Requests are handled with the app's encryption: clients of Restate's ingress and Admin API use it. */
export function withEncryption(option: EncryptionOption): MiddlewareHandler {
  return (context, next) =>
    withSealing(
      orRefusal(() => encryptionOf(settingsOf(context), option)),
      next,
    );
}

/** With malformed settings what needs no keys is answered; what would be sent to Restate as it is, is not sent. */
function orRefusal(encryption: () => JournalEncryption | undefined): Sealing | undefined {
  try {
    return encryption();
  } catch (error) {
    const refuse = (): Promise<never> => Promise.reject(error);
    return { keyIds: [], seal: refuse, open: refuse, openFailure: refuse, openError: refuse };
  }
}

function fromSettings(keys: string, plaintext: Settings["JOURNAL_PLAINTEXT"]): JournalEncryption {
  try {
    return new JournalEncryption({ keys, plaintext });
  } catch (error) {
    throw error instanceof DefinitionError ? invalidSetting("JOURNAL_KEYS", JOURNAL_KEYS_RULE) : error;
  }
}
