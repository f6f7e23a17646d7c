import { defineConfig } from "vitest/config";

const integration = "**/*.int.test.ts";
const parts = ["packages/*/src/**", "services/*/src/**", "contracts/src/**"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: parts.map((part) => `${part}/*.test.ts`),
          exclude: [integration, "**/node_modules/**"],
          // Seeded simulations take seconds on an idle machine; on a busy one a limit near that would only make noise.
          testTimeout: 60_000,
        },
      },
      {
        // Real parts (PGlite, chDB, Kafka, HTTP): one process per file, because chDB allows one data directory a process.
        test: {
          name: "integration",
          include: parts.map((part) => `${part}/*.int.test.ts`),
          exclude: ["**/node_modules/**"],
          pool: "forks",
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "system",
          include: ["test/{architecture,dashboard,journeys,promises}/**/*.test.ts"],
          pool: "forks",
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
