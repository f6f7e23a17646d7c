import { setTimeout as delay } from "node:timers/promises";
import { layerKafka } from "@sluice/event-bus/kafka-event-bus";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BuriedRecords, expectBuriedRecordsReplayed } from "../support/buried-records.ts";
import { DistributedStack, type ServiceName, serviceNames } from "../support/distributed-stack.ts";
import { killWhile, outage, repeatDeliveries, reviveAll } from "../support/faults.ts";
import { type PairOutcome, playPair } from "../support/played-pair.ts";
import type { PlayedApplication } from "../support/played-release.ts";
import { until } from "../support/registry.ts";
import { alertedMetrics } from "../support/watched-metrics.ts";

const started = await DistributedStack.start();
/** `pnpm soak:promises` asks for 50 of each service alone, and for outages of half a minute; see test/bench/promises-soak.ts. */
const KILLS = Number(process.env.SLUICE_SOAK_KILLS ?? 1);
const OUTAGE_MS = Number(process.env.SLUICE_SOAK_OUTAGE_MS ?? 4_000);
/** A soak is of its parts alone. */
const isSoak = process.env.SLUICE_SOAK_PARTS !== undefined;
const parts = process.env.SLUICE_SOAK_PARTS?.split(",") ?? ["services", "servers"];
const KILLS_A_ROUND = 10;
const LIMIT_MS = 240_000 * KILLS;

/** Who is killed together, by the name of the part. */
const victims: Readonly<Record<string, ReadonlyArray<ServiceName>>> = {
  services: serviceNames,
  ...Object.fromEntries(serviceNames.map((name) => [name, [name]])),
};
/** What is away together, by the name of the part. */
const servers = ["kafka", "postgresql", "clickhouse"] as const;
const away: Readonly<Record<string, ReadonlyArray<(typeof servers)[number]>>> = {
  servers,
  ...Object.fromEntries(servers.map((name) => [name, [name]])),
};

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

    it.skipIf(isSoak)("every service is ready, and tells all that an alert waits for", async () => {
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

    it.each(parts.filter((part) => part in victims))(
      "may die at any moment: %s",
      async (part) => {
        const names = victims[part] ?? [];
        const kills = new Map(names.map((name) => [name, 0]));
        let pages = 0;
        let releases = 0;
        while (Math.min(...kills.values()) < KILLS) {
          const during = async ({ ended }: { ended: AbortSignal }) => {
            const killed = async (name: ServiceName) => {
              const left = Math.min(KILLS_A_ROUND, KILLS - (kills.get(name) ?? 0));
              kills.set(name, (kills.get(name) ?? 0) + (await killWhile(stack, name, { kills: left, ended })));
            };
            await Promise.all(names.map(killed));
          };
          const outcome = await playPair(stack, `${part}-${releases}`, {
            during,
            gatewayDies: names.includes("gateway"),
          });
          expect(outcome).toEqual(undisturbed);
          pages += outcome.rolledBack.pages + outcome.completed.pages;
          releases += 2;
        }
        report({ part, kills: [...kills.values()].join(" + "), releases, differences: 0, pages });
      },
      LIMIT_MS,
    );

    it.each(parts.filter((part) => part in away))(
      "may be away for a while: %s",
      async (part) => {
        const { broker, postgres, clickhouse } = stack;
        const stoppable = {
          kafka: broker,
          postgresql: postgres,
          clickhouse: { stop: () => clickhouse.end("SIGKILL"), start: () => clickhouse.start() },
        };
        const outages = async () => {
          await Promise.all(
            (away[part] ?? []).map(async (name) => {
              await delay(Math.random() * 8_000);
              await outage(stoppable[name], OUTAGE_MS);
            }),
          );
          await reviveAll(stack);
        };
        const outcome = await playPair(stack, `away-${part}`, { during: outages });
        expect(outcome).toEqual(undisturbed);
        const pages = outcome.rolledBack.pages + outcome.completed.pages;
        report({ part, "away for": `${OUTAGE_MS / 1_000} s`, releases: 2, differences: 0, pages });
      },
      LIMIT_MS,
    );

    it.skipIf(isSoak)(
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

    it.skipIf(isSoak).each(["Apache Kafka", "the topic log on PostgreSQL"])(
      "a record that nobody can read stops nothing, and is replayed once a version reads it: %s",
      async (bus) => {
        const onKafka = bus === "Apache Kafka";
        const registry = onKafka ? null : await stack.registryOnPostgres();
        try {
          const url = registry?.url ?? stack.registryUrl;
          const buried = new BuriedRecords(registry?.bus ?? layerKafka({ brokers: stack.broker.brokers }), "late");
          await buried.bury();
          await expectBuriedRecordsReplayed(buried, "late", { SLUICE_URL: url, SLUICE_TOKEN: stack.token });
        } finally {
          await registry?.end();
        }
      },
      LIMIT_MS,
    );
  });

/** A line of the table that a soak leaves. */
const report = (row: Readonly<Record<string, string | number>>): void => {
  if (isSoak) console.log(JSON.stringify(row));
};
