import { assert, it } from "@effect/vitest";
import { readableFault } from "./readable-fault.ts";

it.each([
  [
    'Expected a value with a length of at least 1\n  at ["channels"]',
    "channels: expected a value with a length of at least 1",
  ],
  ['Expected string at ["a"][0]["b-c"]', "a[0].b-c: expected string"],
  ['Expected no excess property at [0]["expires"]', "[0].expires is no setting; remove it or correct its name"],
  ['Missing key at ["a"]["url"]', "a.url is missing; give it"],
  [
    'Expected { readonly "kind": "slack", ... } | { readonly "kind": "log", ... } at ["channels"][0]',
    'channels[0]: expected kind "slack" | kind "log"',
  ],
  ["Expected object", "expected object"],
  ["something else", "something else"],
])("%j", (message, readable) => {
  assert.strictEqual(readableFault(message), readable);
});
