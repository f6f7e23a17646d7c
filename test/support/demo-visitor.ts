import type { Role } from "@sluice/contracts";
import type { SluiceProcess } from "./sluice-process.ts";

export interface KeptDemo {
  readonly registry: string;
  readonly tokens: Readonly<Record<Extract<Role, "operator" | "approver" | "ci">, string>>;
}

/** Where the demo is that is kept running, once it says so. */
export const keptDemo = async (demo: SluiceProcess): Promise<KeptDemo> => {
  const [, line = ""] = await demo.said(/^(\{"registry".*\})$/m);
  return JSON.parse(line);
};
