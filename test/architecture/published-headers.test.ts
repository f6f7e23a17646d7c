import { partialDeepStrictEqual } from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import { topics } from "@sluice/contracts";
import { decodeRecord, encodeRecord } from "@sluice/event-bus";
import { Ajv2020 } from "ajv/dist/2020.js";
import * as Result from "effect/Result";

// AsyncAPI promises strangers what stands on the log; this holds the bus to it, on every golden sample.
const contracts = join(import.meta.dirname, "../../contracts");
const json = (path: string) => JSON.parse(readFileSync(join(contracts, path), "utf8"));
const { components } = json("generated/asyncapi.json");
const ajv = new Ajv2020({ strict: false });

describe("records on the log are as AsyncAPI says", () => {
  for (const topic of topics)
    for (const file of globSync("*.json", { cwd: join(contracts, "golden", topic.name) }).sort())
      it(`${topic.name}/${file}`, () => {
        const event = json(`golden/${topic.name}/${file}`);
        const record = encodeRecord<typeof event>(topic, event);
        const message = components.messages[event._tag];
        const headersAreRight = ajv.compile(message.headers);
        assert.isTrue(headersAreRight(record.headers), JSON.stringify(headersAreRight.errors));
        assert.strictEqual(message.name, record.headers.ce_type);
        // More than the sample has what it leaves to defaults.
        partialDeepStrictEqual(Result.getOrThrow(decodeRecord<typeof event>(topic, record)), event);
      });
});
