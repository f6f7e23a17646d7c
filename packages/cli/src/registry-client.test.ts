import { assert, it } from "@effect/vitest";
import { inFlags } from "./registry-client.ts";

const flags = { expiresAt: "--expires", to: "--to", "idempotency-key": "--idempotency-key" };

it.each([
  [
    "expiresAt is not given; by policy an override lasts 3600 s",
    "--expires is not given; by policy an override lasts 3600 s",
  ],
  ["body.to: Expected sha256: and 64 hex digits", "--to: Expected sha256: and 64 hex digits"],
  ["header idempotency-key k-1 led to release rel-1", "--idempotency-key k-1 led to release rel-1"],
  ["token tok-1 is not known", "token tok-1 is not known"],
  ["tomorrow is to come", "tomorrow is to come"],
])("what the registry says of a field is told of its flag: %s", (sentence, told) => {
  assert.strictEqual(inFlags(sentence, flags), told);
});
