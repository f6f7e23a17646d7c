import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { digestOfBytes, type ReleaseEvent, referenceOf } from "@sluice/contracts";
import { freePort } from "@sluice/postgres/free-port";
import { type ModelServer, startModelServer, startWebhookReceiver, type WebhookReceiver } from "@sluice/simulator";
import type { RandomSource } from "@sluice/statistics";
import { broken, candidateBundle, steady } from "./breakable-model.ts";
import { SluiceProcess } from "./sluice-process.ts";

/**
 * A release as its record tells it, without times; holds apart, because being dead for a while is a reason to wait,
 * and without notices, which may come after the story has been read.
 */
export interface Story {
  /** Sorted where nothing orders them: the page and the mitigation go on side by side. */
  readonly decisions: ReadonlyArray<string>;
  readonly holds: number;
  readonly phase: string;
  /** Dedup keys of the pages that were triggered, each once. */
  readonly pages: ReadonlyArray<string>;
  /** What the audit of the whole record finds wrong, in words. */
  readonly recordFaults: ReadonlyArray<string>;
  readonly kills: number;
}

const people = ["ci", "approver", "operator"] as const;
type Person = (typeof people)[number];

/** Short enough for a test; the step lasts until its candidate breaks. */
const policy = {
  shadow: { minDurationSeconds: 1, minRequests: 1, minPairs: 5 },
  canary: {
    windowSeconds: 1,
    steps: [
      { share: 0.3, holdSeconds: 3_600, minRequests: 1 },
      { share: 1, holdSeconds: 3_600, minRequests: 1 },
    ],
    metrics: { quality: { sampleRate: 0 } },
  },
};

const REQUESTS_PER_SECOND = 40;
/** Kills come up to so long after a start: some lives end before they have begun, some see a breach through. */
const LONGEST_LIFE_MS = 6_000;
/** The first one comes while the release is still under way, however fast the machine is. */
const LONGEST_FIRST_LIFE_MS = 2_000;

/** `sluice up` as a process of its own on one data directory, killed with SIGKILL and started again. */
export class KilledStack {
  readonly #models: Record<string, typeof steady>;
  readonly #pages: WebhookReceiver;
  readonly #server: ModelServer;
  readonly #folder: string;
  readonly #ports: readonly [number, number];
  #running: SluiceProcess | null = null;

  static async open(): Promise<KilledStack> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-killed-"));
    const pages = await startWebhookReceiver();
    const stack = new KilledStack(folder, pages, await startModels(), [await freePort(), await freePort()]);
    await stack.#prepare();
    return stack;
  }

  private constructor(
    folder: string,
    pages: WebhookReceiver,
    [server, models]: readonly [ModelServer, Record<string, typeof steady>],
    ports: readonly [number, number],
  ) {
    this.#folder = folder;
    this.#pages = pages;
    this.#server = server;
    this.#models = models;
    this.#ports = ports;
  }

  async #prepare(): Promise<void> {
    const data = join(this.#folder, "data");
    await mkdir(data, { recursive: true });
    const tokens = people.map((role) => ({ tokenDigest: digestOfBytes(role), id: role, role }));
    await writeFile(join(data, "tokens.json"), JSON.stringify(tokens));
    await writeFile(
      join(this.#folder, "providers.json"),
      JSON.stringify({ simulated: { baseUrl: this.#server.baseUrl } }),
    );
  }

  async close(): Promise<void> {
    await this.#kill();
    await this.#server.close();
    await this.#pages.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #start(): void {
    const [port, gatewayPort] = this.#ports;
    this.#running = new SluiceProcess([
      "up",
      ...["--data", join(this.#folder, "data"), "--providers", join(this.#folder, "providers.json")],
      ...["--page-webhook", this.#pages.url, "--port", String(port), "--gateway-port", String(gatewayPort)],
    ]);
  }

  async #kill(): Promise<void> {
    this.#running?.kill("SIGKILL");
    await this.#running?.ended;
    this.#running = null;
  }

  /** Takes one release from its request to its rollback, killing the process `kills` times at random instants. */
  async tell(application: string, kills: number, random: RandomSource): Promise<Story> {
    this.#models["m-new"] = steady;
    const before = this.#pages.received.length;
    if (!this.#running) this.#start();
    const users = this.#startUsers(application);
    try {
      const release = this.#release(application);
      const killed = await this.#killWhile(release, kills, random);
      const { releaseId, events, phase } = await release;
      const audit = (await this.#call("ci", "GET", "/v1/audit/verify")) as {
        faults: ReadonlyArray<{ sentence: string }>;
      };
      const ofRelease = this.#pages.received
        .slice(before)
        .map((page) => page as { action?: string; releaseId?: string; dedupKey?: string })
        .filter((page) => page.action === "trigger" && page.releaseId === releaseId);
      return {
        decisions: events
          .map(inWords)
          .filter((words) => !/^(CanaryHeld|CanaryHoldEnded|NoticeSent)/u.test(words))
          .sort(),
        holds: events.filter(({ _tag }) => _tag === "CanaryHeld").length,
        phase,
        pages: [...new Set(ofRelease.map(({ dedupKey = "" }) => dedupKey.replace(releaseId, "RELEASE")))],
        recordFaults: audit.faults.map(({ sentence }) => sentence),
        kills: killed,
      };
    } finally {
      await users.stop();
    }
  }

  async #killWhile(release: Promise<unknown>, kills: number, random: RandomSource): Promise<number> {
    let ended = false;
    const settled = release.then(
      () => {
        ended = true;
      },
      () => {
        ended = true;
      },
    );
    let killed = 0;
    while (killed < kills && !ended) {
      await Promise.race([delay((killed === 0 ? LONGEST_FIRST_LIFE_MS : LONGEST_LIFE_MS) * random()), settled]);
      if (ended) break;
      await this.#kill();
      killed += 1;
      this.#start();
    }
    return killed;
  }

  async #release(application: string) {
    const [baseline, candidate] = [candidateBundle("m-old"), candidateBundle("m-new")];
    for (const part of [...Object.values(baseline), ...Object.values(candidate)])
      await this.#call("ci", "PUT", "/v1/artifacts", part);
    await this.#call("operator", "POST", "/v1/applications", { application, baseline: referenceOf(baseline) });
    const body = { application, candidate: referenceOf(candidate), team: "t", policy };
    const requested = await this.#call("ci", "POST", "/v1/releases", body, `request-${application}`);
    const { releaseId } = requested as { releaseId: string };
    await this.#untilEvent(releaseId, "OfflineGateInvalid");
    const reason = { reason: "to see its canary" };
    await this.#call("approver", "POST", `/v1/releases/${releaseId}/override`, reason, `override-${application}`);
    await this.#untilEvent(releaseId, "CanaryStepStarted");
    this.#models["m-new"] = broken;
    const events = await this.#untilEvent(releaseId, "PageResolved");
    const state = (await this.#call("ci", "GET", `/v1/releases/${releaseId}`)) as { release: { phase: string } };
    return { releaseId, events, phase: state.release.phase };
  }

  async #untilEvent(releaseId: string, tag: ReleaseEvent["_tag"]): Promise<ReadonlyArray<ReleaseEvent>> {
    while (true) {
      const body = await this.#call("ci", "GET", `/v1/releases/${releaseId}`);
      const { events } = body as { events: ReadonlyArray<{ accepted: boolean; event: ReleaseEvent }> };
      const accepted = events.flatMap((row) => (row.accepted ? [row.event] : []));
      if (accepted.some(({ _tag }) => _tag === tag)) return accepted;
      await delay(100);
    }
  }

  /** As CI does it: the same request with the same key, until somebody is there who answers. */
  async #call(person: Person, method: string, path: string, body?: unknown, key: string = randomUUID()) {
    while (true) {
      try {
        const response = await fetch(`http://127.0.0.1:${this.#ports[0]}${path}`, {
          method,
          headers: {
            authorization: `Bearer ${person}`,
            "idempotency-key": key,
            ...(body !== undefined && { "content-type": "application/json" }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        const answer: unknown = await response.json();
        // Carried out before, and the answer was lost in a crash.
        const repeated = response.status === 409 && JSON.stringify(answer).includes("already-registered");
        if (response.ok || repeated) return answer;
        if (response.status < 500) throw new Refused(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
      } catch (error) {
        if (error instanceof Refused) throw error;
      }
      await delay(100);
    }
  }

  #startUsers(application: string) {
    const underWay = new Set<Promise<unknown>>();
    const timer = setInterval(() => {
      if (underWay.size > 100) return;
      const asked: Promise<unknown> = fetch(`http://127.0.0.1:${this.#ports[1]}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-sluice-user": randomUUID() },
        body: JSON.stringify({
          model: application,
          messages: [{ role: "user", content: `Order ${randomUUID()}: 2 lamps at 3 EUR each. What is the total?` }],
        }),
      })
        .then((response) => response.text())
        .catch(() => {})
        .finally(() => underWay.delete(asked));
      underWay.add(asked);
    }, 1_000 / REQUESTS_PER_SECOND);
    return {
      stop: async () => {
        clearInterval(timer);
        await Promise.allSettled(underWay);
      },
    };
  }
}

class Refused extends Error {}

const inWords = (event: ReleaseEvent): string => {
  const step = "step" in event ? ` ${event.step}` : "";
  const cause = "cause" in event ? ` ${event.cause}` : "";
  return `${event._tag}${step}${cause}`;
};

const startModels = async () => {
  const models: Record<string, typeof steady> = { "m-old": steady, "m-new": steady };
  return [await startModelServer({ port: 0, seed: 1, models }), models] as const;
};
