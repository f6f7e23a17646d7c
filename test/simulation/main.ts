import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { type MutationName, mutations, plant } from "./mutations.ts";

// `pnpm soak:simulation`: the pipeline in worlds of their own, one a seed, shared out among processes. The first seed that
// fails ends it with exit code 1 and is told; `--from SEED --seeds 1` replays it.

const { values } = parseArgs({
  options: {
    from: { type: "string", default: "1" },
    seeds: { type: "string", default: "2000" },
    processes: { type: "string", default: "2" },
    /** Plants a bug, to see that it is found. */
    mutation: { type: "string" },
  },
});
const [from, seeds, processes] = [Number(values.from), Number(values.seeds), Number(values.processes)];

interface Total {
  seeds: number;
  events: number;
  virtualSeconds: number;
  readonly ends: Record<string, number>;
  /** Of all stories in order. Equal for equal seeds, whatever the machine does meanwhile. */
  stories: string;
}

const isMutation = (name: string): name is MutationName => name in mutations;

const simulateAll = async (): Promise<Total> => {
  if (values.mutation !== undefined) {
    if (!isMutation(values.mutation))
      throw new Error(`--mutation is ${values.mutation}; give ${Object.keys(mutations).join(", ")}`);
    plant(values.mutation);
  }
  // Loaded only now, so that the planted bug is in it.
  const { simulate } = await import("./world.ts");
  const total: Total = { seeds: 0, events: 0, virtualSeconds: 0, ends: {}, stories: "" };
  for (let seed = from; seed < from + seeds; seed += 1) {
    try {
      const story = await simulate(seed);
      total.seeds += 1;
      total.events += story.events;
      total.virtualSeconds += story.seconds;
      total.stories += story.digest.slice(0, 8);
      for (const { phase } of story.ends) total.ends[phase] = (total.ends[phase] ?? 0) + 1;
    } catch (error) {
      console.log(JSON.stringify({ failed: seed, message: error instanceof Error ? error.message : String(error) }));
      process.exit(1);
    }
  }
  return total;
};

/** Each process takes a part of the seeds that follow one another. */
const share = async (): Promise<void> => {
  const part = Math.ceil(seeds / processes);
  const children = Array.from({ length: processes }, (_, i) => {
    const args = [
      "--from",
      String(from + i * part),
      "--seeds",
      String(Math.min(part, seeds - i * part)),
      "--processes",
      "1",
    ];
    if (values.mutation !== undefined) args.push("--mutation", values.mutation);
    return spawn(process.execPath, [import.meta.filename, ...args], { stdio: "inherit" });
  });
  const codes = await Promise.all(
    children.map((child) => new Promise<number>((resolve) => child.on("exit", (code) => resolve(code ?? 1)))),
  );
  process.exitCode = Math.max(...codes);
};

const startedAt = performance.now();
if (processes > 1) await share();
else
  console.log(
    JSON.stringify({ ...(await simulateAll()), tookSeconds: Math.round((performance.now() - startedAt) / 1_000) }),
  );
