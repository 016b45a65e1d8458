/** An encrypted failure in a text: `[encrypted <key id>] <base64>`. */
export const SEALED_FAILURE: RegExp = /\[encrypted ([A-Za-z0-9_-]{1,16})\] ([A-Za-z0-9+/]+=*)/g;
