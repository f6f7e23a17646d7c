import type { ClickHouseClient } from "@clickhouse/client";
import { type BundleReference, type Digest, timestampOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { type BundleChange, bundleChangeTypes } from "../bundle-changes.ts";
import { TelemetryError } from "../telemetry-store.ts";
import { messageOf } from "./connection.ts";

const bundle = `multiIf(type = 'ReleaseRequested', JSONExtractRaw(payload, 'candidate'),
    type = 'ApplicationRegistered', JSONExtractRaw(payload, 'baseline'), '')`;

const selected = `SELECT type, application, release_id, toUnixTimestamp64Milli(at) AS at_ms, ${bundle} AS bundle,
    if(type = 'BaselineRolledBack', JSONExtractString(payload, 'to'), '') AS rolled_back_to
  FROM release_events FINAL
  WHERE accepted AND type IN (${bundleChangeTypes.map((type) => `'${type}'`).join(", ")})
    AND (type != 'CanaryStepStarted' OR step = 0)
    AND application IN (
      SELECT application FROM release_events
      WHERE accepted AND type IN ('ReleaseRequested', 'ApplicationRegistered') AND position(${bundle}, {digest:String}) > 0
    )
  ORDER BY at, event_id`;

interface Row {
  readonly type: BundleChange["type"];
  readonly application: string;
  readonly release_id: string;
  readonly at_ms: number | string;
  readonly bundle: string;
  readonly rolled_back_to: string;
}

/** What happened to bundles in every application that ever had this bundle, or one with this part, in the order of time. */
export const selectBundleChanges = (client: ClickHouseClient, digest: Digest) =>
  Effect.tryPromise({
    try: async () => {
      const result = await client.query({ query: selected, format: "JSONEachRow", query_params: { digest } });
      return (await result.json<Row>()).map(
        (row): BundleChange => ({
          type: row.type,
          application: row.application,
          releaseId: row.release_id === "" ? null : row.release_id,
          at: timestampOf(Number(row.at_ms)),
          bundle: row.bundle === "" ? null : (JSON.parse(row.bundle) as BundleReference),
          to: row.rolled_back_to === "" ? null : row.rolled_back_to,
        }),
      );
    },
    catch: (cause) => new TelemetryError({ operation: "query", message: `bundles: ${messageOf(cause)}` }),
  });
