import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DistributedStack, serviceNames } from "../support/distributed-stack.ts";
import { killAndRestart, outage, repeatDeliveries, reviveAll } from "../support/faults.ts";
import { type PairOutcome, playPair } from "../support/played-pair.ts";
import type { PlayedApplication } from "../support/played-release.ts";
import { until } from "../support/registry.ts";
import { alertedMetrics } from "../support/watched-metrics.ts";

const started = await DistributedStack.start();
/** `pnpm soak:promises` asks for 50, and for outages of half a minute. */
const KILLS = Number(process.env.SLUICE_SOAK_KILLS ?? 1);
const KILLS_A_ROUND = 10;
const OUTAGE_MS = Number(process.env.SLUICE_SOAK_OUTAGE_MS ?? 4_000);
const LIMIT_MS = 240_000 * Math.ceil(KILLS / KILLS_A_ROUND);

if ("skipped" in started)
  describe.skip("promises on Kafka, PostgreSQL and ClickHouse", () =>
    it(`are not tested: ${started.skipped}`, () => {}));
else
  describe("promises on Kafka, PostgreSQL and ClickHouse, one process a service", () => {
    const stack = started;
    let undisturbed: PairOutcome;
    beforeAll(async () => {
      undisturbed = await playPair(stack, "undisturbed");
    }, LIMIT_MS);
    afterAll(async () => {
      expect(Object.values(await stack.stop())).toEqual(serviceNames.map(() => 0));
    });

    it("a good candidate completes, and one that breaks down is rolled back with one page", () => {
      expect(undisturbed.completed).toMatchObject({ phase: "completed", pages: 0, isActive: false, auditFaults: [] });
      expect(undisturbed.rolledBack).toMatchObject({
        phase: "rolled-back",
        pages: 1,
        isActive: false,
        auditFaults: [],
      });
    });

    it("every service is ready, and tells all that an alert waits for", async () => {
      const told = async () => {
        const texts = serviceNames.map(async (name) => (await fetch(`${stack.addressOf(name)}/metrics`)).text());
        return new Set((await Promise.all(texts)).flatMap((text) => text.match(/^sluice_\w+/gm) ?? []));
      };
      for (const name of serviceNames) {
        const ready = await fetch(`${stack.addressOf(name)}/readyz`);
        expect([name, ready.status, await ready.text()]).toEqual([name, 200, "ready\n"]);
      }
      // Lag is asked for every 15 seconds.
      await until(told, (metrics) => alertedMetrics().every((metric) => metrics.has(metric)), 500);
    });

    it(
      "every service may die at any moment",
      async () => {
        for (let left = KILLS; left > 0; left -= KILLS_A_ROUND) {
          const kills = async () => {
            await Promise.all(
              serviceNames.map(async (name) => {
                for (let kill = 0; kill < Math.min(left, KILLS_A_ROUND); kill++) {
                  await delay(Math.random() * 8_000);
                  await killAndRestart(stack, name);
                }
              }),
            );
          };
          const name = `killed-${left}`;
          expect(await playPair(stack, name, { during: kills, gatewayDies: true })).toEqual(undisturbed);
        }
      },
      LIMIT_MS,
    );

    it(
      "Kafka, PostgreSQL and ClickHouse may be away for a while",
      async () => {
        const { broker, postgres, clickhouse } = stack;
        const stoppable = { stop: () => clickhouse.end("SIGKILL"), start: () => clickhouse.start() };
        const outages = async () => {
          await Promise.all(
            [broker, postgres, stoppable].map(async (server) => {
              await delay(Math.random() * 8_000);
              await outage(server, OUTAGE_MS);
            }),
          );
          await reviveAll(stack);
        };
        expect(await playPair(stack, "away", { during: outages })).toEqual(undisturbed);
      },
      LIMIT_MS,
    );

    it(
      "a controller that slept while its successor acted, and deliveries that come twice and late, change nothing",
      async () => {
        const sleeper = stack.service("canary-controller");
        const successor = stack.another("canary-controller");
        const freeze = async ({ bad }: { bad: PlayedApplication }) => {
          await successor.start();
          await bad.until("CanaryStepStarted", 0);
          sleeper.signal("SIGSTOP");
          await bad.until("ReleaseRolledBack");
          sleeper.signal("SIGCONT");
        };
        try {
          const repeat = ({ ended }: { ended: AbortSignal }) => repeatDeliveries(stack, ended);
          const frozen = playPair(stack, "frozen", { during: freeze });
          const repeated = playPair(stack, "repeated", { during: repeat });
          expect(await Promise.all([frozen, repeated])).toEqual([undisturbed, undisturbed]);
        } finally {
          sleeper.signal("SIGCONT");
          await successor.end("SIGTERM");
        }
      },
      LIMIT_MS,
    );
  });
