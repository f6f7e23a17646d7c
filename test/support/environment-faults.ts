import { sluice } from "./sluice-process.ts";

const FAULT = "KAFKA_REPLICATION_FACTOR: ";

/**
 * What a service says of an environment; empty where it takes it. It is given one fault on purpose: all are told at once and
 * before anything is opened, so that a complete environment has this one alone.
 */
export const environmentFaults = async (
  service: string,
  environment: Readonly<Record<string, string>>,
): Promise<ReadonlyArray<string>> => {
  const refused = await sluice(["serve", service], { ...environment, KAFKA_REPLICATION_FACTOR: "none" });
  const [line = "{}"] = refused.stdout.trim().split("\n").slice(-1);
  const { message }: { readonly message?: string } = JSON.parse(line);
  const [, told] = message?.match(new RegExp(`^the environment of ${service} is not complete: (.*)$`)) ?? [];
  const faults = told?.split("; ") ?? [];
  if (refused.code !== 2 || !faults.some((fault) => fault.startsWith(FAULT)))
    throw new Error(`${service} ended with ${refused.code}:\n${refused.stdout}\n${refused.stderr}`);
  return faults.filter((fault) => !fault.startsWith(FAULT));
};
