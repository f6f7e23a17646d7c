import { withDefault } from "@sluice/contracts/with-default";
import * as Schema from "effect/Schema";

const Positive = Schema.Int.check(Schema.isGreaterThan(0));

export const ShadowJudgeSettings = Schema.Struct({
  /** Decisions are looked for on every change and judgement; the tick is for what only time brings. */
  tickMs: withDefault(Positive, 1_000),
  /** Responses that are judged at the same time. A model judge's provider sees no more than this. */
  concurrency: withDefault(Positive, 16),
  /** Judgements published together, in the order of what was judged. */
  batchSize: withDefault(Positive, 64),
  /** Data of a release that the log does not know yet is waited for this long, then passed over. */
  unknownReleaseMs: withDefault(Positive, 60_000),
});
export type ShadowJudgeSettings = typeof ShadowJudgeSettings.Type;
/** As written by people: everything may be left out. */
export type ShadowJudgeSettingsInput = typeof ShadowJudgeSettings.Encoded;

export const shadowJudgeSettings = Schema.decodeUnknownSync(ShadowJudgeSettings);
