import { Policy } from "@sluice/contracts/policy";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { evaluateGate, fileSource, readCaseTable } from "../index.ts";

/** What a process that gates one paired file has used by its end. */
export interface GateCost {
  readonly cases: number;
  readonly slices: number;
  readonly verdict: string;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

const pairs = fileSource(process.argv[2] ?? "");
const policy = Schema.decodeUnknownSync(Policy)({}).offline;
const report = evaluateGate(await Effect.runPromise(readCaseTable({ pairs })), policy);
const cpu = process.cpuUsage();
const cost: GateCost = {
  cases: report.cases.paired,
  slices: report.slices.length,
  verdict: report.verdict,
  wallMs: performance.now(),
  cpuMs: (cpu.user + cpu.system) / 1_000,
  peakMb: process.resourceUsage().maxRSS / 1_024,
};
process.stdout.write(JSON.stringify(cost));
