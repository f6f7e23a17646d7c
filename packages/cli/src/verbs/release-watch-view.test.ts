import { readFileSync } from "node:fs";
import { assert, it } from "@effect/vitest";
import { CanaryProgress, type ReleaseBody } from "@sluice/contracts";
import * as Schema from "effect/Schema";
import { progressLine, type Watched, watchView } from "./release-watch-view.ts";

const golden = new URL(
  "../../../../contracts/golden/sluice.canary-progress.v1/CanaryProgressed.v1.json",
  import.meta.url,
);
const progress = Schema.decodeUnknownSync(CanaryProgress)(JSON.parse(readFileSync(golden, "utf8")));
const nowMs = Date.parse("2026-03-09T10:47:05.000Z");
const size = { columns: 160, rows: 40 };

const body = (changes: Partial<(typeof ReleaseBody.Type)["release"]> = {}): typeof ReleaseBody.Type => ({
  release: {
    releaseId: "rel-7c1e",
    application: "support-bot",
    phase: "canary",
    since: progress.startedAt,
    ...changes,
  },
  active: null,
  events: [],
  next: null,
});
const picture = (watched: Watched, at = size) => watchView(watched, nowMs, at).join("\n");

it("one look shows step, share, time left, each metric with its interval and limit, and what it waits for", () => {
  const shown = picture({ body: body(), progress });
  assert.match(shown, /support-bot {2}rel-7c1e {2}canary, step 2 of 4, 5 % of users/);
  assert.match(shown, /12 min 55 s of its hold left \(until 11:00:00Z\)/);
  assert.match(shown, /rolled back in 4 h 12 min \(15:00:00Z\) unless it has passed by then/);
  assert.match(shown, /candidate 401 of 100 {3}baseline 7,605 of 100/);
  assert.match(shown, /error rate +passed +1\.00 % +1\.12 % +-0\.12 pp +-1\.10 pp … \+1\.46 pp .*at most 5 %/);
  assert.match(shown, /waits for the hold until 2026-03-09T11:00:00\.000Z/);
});

it("without requests nobody can tell when there will be enough, and it says so", () => {
  const shown = picture({ body: body(), progress: { ...progress, readyAt: null, deadline: null } });
  assert.match(shown, /no telling when its requests are enough/);
  assert.match(shown, /no deadline while it stands still/);
});

it("it fits into the terminal: no line wraps, no line scrolls away", () => {
  const lines = watchView({ body: body(), progress }, nowMs, { columns: 60, rows: 10 });
  assert.isAtMost(Math.max(...lines.map((line) => line.length)), 60);
  assert.isAtMost(lines.length, 9);
});

it("what others wrote cannot steer the terminal", () => {
  const shown = picture({ body: body(), progress: { ...progress, waitsFor: ["\u001b[2Jnothing"] } });
  assert.notInclude(shown, "\u001b");
});

it("outside the canary the phase is all there is", () =>
  assert.match(picture({ body: body({ phase: "shadow" }), progress: null }), /^support-bot {2}rel-7c1e {2}shadow /));

it("in a log it is one line", () => {
  const line = progressLine(progress, nowMs);
  assert.match(line, /^step 2 of 4, 5 % of users: 401 requests on the candidate, 7,605 on the baseline; 12 min 55 s/);
  assert.notInclude(line, "\n");
});
