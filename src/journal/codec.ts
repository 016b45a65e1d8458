/**
 * What a step's result looks like in the journal: JSON, readable in Restate's UI. What JSON cannot hold is an object
 * with one tag:
 *
 * | value | stored as |
 * |---|---|
 * | `Uint8Array` (`Buffer` too), `ArrayBuffer` | `{"$bytes":"<base64>"}`, `{"$buffer":"<base64>"}` |
 * | the same, or a base64 text, in a blob store | `{"$blob":{"key":"…","bytes":123,"as":"buffer" or "base64"}}` |
 * | `Date`, `URL` | `{"$date":"<ISO 8601>"}`, `{"$url":"<href>"}` |
 * | `bigint` | `{"$bigint":"<decimal>"}` |
 * | `NaN`, `±Infinity`, `-0` | `{"$number":"NaN"}` … |
 * | `Map`, `Set` | `{"$map":[[key,value]…]}`, `{"$set":[…]}` |
 * | `undefined` in an array | `{"$undefined":true}`; as a property it is dropped; on its own it is no bytes at all |
 * | a user's object with one key that begins with `$` | `{"$object":{…}}` |
 *
 * Stored forms are a contract: new tags may be added, none may change.
 */
import { type PlainCodec, plainCodec, type StoredForm } from "./stored-form.ts";

/** The layout of a tool's result: the value itself. */
export const valueForm: StoredForm<unknown> = {
  pack: (value, tag) => (value === undefined ? undefined : tag(value)),
  unpack: (json, untag) => untag(json),
};

/** Stores any value that can be tagged. */
export const jsonCodec: PlainCodec<unknown> = plainCodec(valueForm);

/** @throws UnserializableValueError when `value` holds something that cannot be stored, with its path. */
export function encodeValue(value: unknown): Uint8Array {
  return jsonCodec.encode(value);
}

/** The value that `encodeValue` stored. */
export function decodeValue(bytes: Uint8Array): unknown {
  return jsonCodec.decode(bytes);
}
