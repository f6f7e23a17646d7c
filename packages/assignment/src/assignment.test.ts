import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assignArm } from "./assign-arm.ts";
import { BUCKETS, bucketOf } from "./bucket-of.ts";
import { clusterKeyOf, clusterOf } from "./cluster-key.ts";

interface Vectors {
  buckets: Array<{ salt: string; key: string; bucket: number }>;
  clusterKeys: Array<{ secret: string; kind: "conversation" | "user" | "request"; key: string; clusterKey: string }>;
  arms: Array<{ salt: string; share: number; key: string; arm: string }>;
}
const vectors: Vectors = JSON.parse(readFileSync(new URL("../vectors/assignment.json", import.meta.url), "utf8"));

const keys = Array.from({ length: 100_000 }, (_, i) => `user-${i}`);
const onCandidate = (share: number, salt = "release-1") =>
  new Set(keys.filter((key) => assignArm({ share, salt }, key) === "candidate"));

describe("assignment", () => {
  it("agrees with every committed parity vector", () => {
    for (const { salt, key, bucket } of vectors.buckets) expect(bucketOf(salt, key)).toBe(bucket);
    for (const { secret, clusterKey, ...cluster } of vectors.clusterKeys) {
      expect(clusterKeyOf(cluster, secret)).toBe(clusterKey);
    }
    for (const { salt, share, key, arm } of vectors.arms) expect(assignArm({ salt, share }, key)).toBe(arm);
  });

  // The keys are fixed, so this is a fact and not a chance; a fair hash misses ±0.25 % once in 3,500 salts.
  it("puts 5 ± 0.25 % of 100,000 keys on the candidate", () => {
    expect(Math.abs(onCandidate(0.05).size / keys.length - 0.05)).toBeLessThan(0.0025);
  });

  it("spreads evenly over the buckets (chi-square on 100 groups)", () => {
    const groups = new Map<number, number>();
    for (const key of keys) {
      const group = Math.floor(bucketOf("even", key) / (BUCKETS / 100));
      groups.set(group, (groups.get(group) ?? 0) + 1);
    }
    const chiSquare = [...groups.values()].reduce((sum, n) => sum + (n - 1_000) ** 2 / 1_000, 0);
    expect(groups.size).toBe(100);
    // 99 degrees of freedom: 148.2 is exceeded with probability .001.
    expect(chiSquare).toBeLessThan(148.2);
  });

  it("never takes a key back on a ramp", () => {
    const ramp = [0, 0.01, 0.05, 0.25, 1].map((share) => onCandidate(share));
    for (const [i, step] of ramp.entries()) {
      for (const key of ramp[i - 1] ?? []) expect(step.has(key)).toBe(true);
    }
    expect(ramp[0]?.size).toBe(0);
    expect(ramp.at(-1)?.size).toBe(keys.length);
  });

  it("is the same in another process: instances and restarts agree on every key", () => {
    const arms = (candidates: ReadonlySet<string>) => hash("sha256", keys.map((key) => +candidates.has(key)).join(""));
    const program = `
      const { assignArm } = await import(${JSON.stringify(new URL("./assign-arm.ts", import.meta.url).href)});
      const { hash } = await import("node:crypto");
      const bits = Array.from({ length: ${keys.length} }, (_, i) =>
        assignArm({ share: 0.05, salt: "release-1" }, "user-" + i) === "candidate" ? 1 : 0);
      process.stdout.write(hash("sha256", bits.join("")));`;
    const elsewhere = execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
    expect(elsewhere).toBe(arms(onCandidate(0.05)));
  });

  it("gives another release other users", () => {
    const both = [...onCandidate(0.05, "release-1")].filter((key) => bucketOf("release-2", key) < 500);
    // Independent salts share 5 % of 5,000: 250, standard deviation 15.
    expect(Math.abs(both.length - 250)).toBeLessThan(75);
  });

  it("has no candidate where none is routed", () => {
    expect(assignArm(null, "anyone")).toBe("baseline");
  });
});

describe("clusterOf", () => {
  it("takes the conversation, then the user, then the request", () => {
    expect(clusterOf({ conversation: "c", user: "u", request: "r" })).toEqual({ kind: "conversation", key: "c" });
    expect(clusterOf({ conversation: "", user: "u", request: "r" })).toEqual({ kind: "user", key: "u" });
    expect(clusterOf({ conversation: undefined, user: undefined, request: "r" })).toEqual({
      kind: "request",
      key: "r",
    });
  });

  it("does not let an id leave as it is, and separates kinds", () => {
    const user = clusterKeyOf({ kind: "user", key: "jane@example.org" });
    expect(user).not.toContain("jane");
    expect(user).not.toBe(clusterKeyOf({ kind: "conversation", key: "jane@example.org" }));
    expect(user).not.toBe(clusterKeyOf({ kind: "user", key: "jane@example.org" }, "secret"));
  });
});
