import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOfBytes } from "@sluice/contracts";
import { type Behaviour, startModelServer } from "@sluice/simulator";
import { embeddedStack } from "@sluice/stack";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as References from "effect/References";
import * as Scope from "effect/Scope";
import { steady } from "./breakable-model.ts";
import type { PlayedOn } from "./played-release.ts";
import { registryAt } from "./registry.ts";

const people = ["admin", "operator", "approver", "viewer"] as const;

/** All five services on their embedded stores, really running, and a model server whose models can be broken meanwhile. */
export class LiveStage implements PlayedOn {
  readonly registryUrl: string;
  readonly gatewayUrl: string;
  readonly token = "token-of-the-admin";
  readonly registry: ReturnType<typeof registryAt>;
  readonly models: Record<string, Behaviour>;
  readonly close: () => Promise<void>;

  static tokenOf(role: (typeof people)[number]): string {
    return `token-of-the-${role}`;
  }

  static async open(): Promise<LiveStage> {
    const directory = await mkdtemp(join(tmpdir(), "sluice-live-"));
    const models: Record<string, Behaviour> = { "shop-1": steady, "shop-2": steady, "shop-3": steady };
    const server = await startModelServer({ port: 0, seed: 7, models });
    const providers = { simulated: { baseUrl: server.baseUrl } };
    const scope = Effect.runSync(Scope.make());
    const stack = await Effect.runPromise(
      embeddedStack({
        directory,
        registry: {
          port: 0,
          tokens: people.map((role) => ({
            tokenDigest: digestOfBytes(LiveStage.tokenOf(role)),
            id: `the ${role}`,
            role,
          })),
        },
        gateway: { port: 0, providers },
        controller: { judgementLagMs: 2_000 },
        shadowJudge: {},
        judge: { providers },
        channels: [],
      }).pipe(Scope.provide(scope), Effect.provideService(References.MinimumLogLevel, "Error")),
    );
    return new LiveStage({ registry: stack.registryAddress, gateway: stack.gatewayAddress }, models, async () => {
      await Effect.runPromise(Scope.close(scope, Exit.void));
      await server.close();
      await rm(directory, { recursive: true, force: true });
    });
  }

  private constructor(
    address: { readonly registry: string; readonly gateway: string },
    models: Record<string, Behaviour>,
    close: () => Promise<void>,
  ) {
    this.registryUrl = address.registry;
    this.gatewayUrl = address.gateway;
    this.registry = registryAt(address.registry, this.token);
    this.models = models;
    this.close = close;
  }
}
