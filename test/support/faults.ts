import { setTimeout as delay } from "node:timers/promises";
import type { DistributedStack, ServiceName } from "./distributed-stack.ts";

/** Starts it again and again until it serves, as an orchestrator does. */
const startAgain = async (stack: DistributedStack, name: ServiceName): Promise<void> => {
  for (;;) {
    try {
      return await stack.service(name).start();
    } catch {
      await delay(500);
    }
  }
};

/** kill -9 at this moment; it is started again as soon as it is gone. */
export const killAndRestart = async (stack: DistributedStack, name: ServiceName): Promise<void> => {
  await stack.service(name).end("SIGKILL");
  await startAgain(stack, name);
};

/** A server that everything depends on is away for so long. */
export const outage = async (
  server: { readonly stop: () => Promise<unknown>; readonly start: () => Promise<void> },
  ms: number,
): Promise<void> => {
  await server.stop();
  await delay(ms);
  await server.start();
};

/** Services that could not be started while a server was away. */
export const reviveAll = async (stack: DistributedStack): Promise<void> => {
  await Promise.all(
    [...stack.services].map(([name, service]) => (service.isRunning ? undefined : startAgain(stack, name))),
  );
};
