import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { HttpFailure } from "./http-failure.ts";

/** The body as its schema has it, or a 400 whose sentence names every wrong field. Unknown fields are faults too, unless others define them. */
export const decodeBody = <A>(
  schema: Schema.Codec<A, unknown>,
  body: unknown,
  where = "body",
  onExcessProperty: "error" | "ignore" = "error",
): A => {
  const decoded = Schema.decodeUnknownResult(schema)(body, { errors: "all", onExcessProperty });
  if (Result.isSuccess(decoded)) return decoded.success;
  throw new HttpFailure(400, "bad-request", sentenceOf(decoded.failure.message, where));
};

/** Effect says `Expected … \n  at ["a"]["b"]`; people read `body.a.b: Expected …`. */
export const sentenceOf = (message: string, where: string): string => {
  const faults = [...message.matchAll(/([^\n]+(?:\n(?! *at \[)[^\n]+)*)\n\s+at ((?:\[[^\]]+\])+)/g)].map(
    ([, expected = "", path = ""]) => `${where}${dotted(path)}: ${expected.trim()}`,
  );
  return faults.length > 0 ? faults.slice(0, 5).join("; ") : `${where}: ${message.replaceAll(/\s*\n\s*/g, " ")}`;
};

const dotted = (path: string): string =>
  [...path.matchAll(/\["?([^\]"]+)"?\]/g)].map(([, key = ""]) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`)).join("");
