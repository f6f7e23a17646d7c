export { type AnalystAnswer, type AnalystStatement, StatementRefused } from "./analyst-statement.ts";
export type { ClickHouseSettings } from "./clickhouse/connection.ts";
export { PAYLOAD_DAYS } from "./clickhouse/tables.ts";
export * from "./clickhouse-telemetry-store.ts";
export * from "./memory-telemetry-store.ts";
export * from "./release-event-row.ts";
export * from "./telemetry-store.ts";
export * from "./windows.ts";
