import { Policy } from "@sluice/contracts";
import * as Schema from "effect/Schema";
import type { CaseTable, PairedCase } from "../case-table.ts";
import type { OfflinePolicy } from "../offline-policy.ts";

/** A made-up paired case: scores of both arms, passed at 0.5 unless told otherwise. */
export const pair = (
  caseId: string,
  baseline: number,
  candidate: number,
  about: { readonly slice?: string; readonly safety?: boolean } = {},
): PairedCase => ({
  caseId,
  slice: about.slice ?? null,
  safety: about.safety ?? false,
  baseline: { score: baseline, passed: baseline >= 0.5 },
  candidate: { score: candidate, passed: candidate >= 0.5 },
});

/** `count` equal cases. */
export const pairs = (
  name: string,
  count: number,
  baseline: number,
  candidate: number,
  about: { readonly slice?: string; readonly safety?: boolean } = {},
): ReadonlyArray<PairedCase> =>
  Array.from({ length: count }, (_, i) => pair(`${name}-${i}`, baseline, candidate, about));

export const caseTableOf = (cases: ReadonlyArray<PairedCase>, rest: Partial<CaseTable> = {}): CaseTable => ({
  cases,
  errored: [],
  results: { total: 2 * cases.length, errors: 0 },
  unpaired: { baseline: [], candidate: [] },
  ...rest,
});

export const offlinePolicy = (settings: Partial<OfflinePolicy> = {}): OfflinePolicy => ({
  ...Schema.decodeUnknownSync(Policy)({}).offline,
  ...settings,
});
