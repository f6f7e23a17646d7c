import { clickHouseTestServer } from "@sluice/telemetry/clickhouse-test-server";

// ClickHouse's HTTP interface as a process of its own, so that a promise can kill it: PATH PORT.
const [path = "", port = "0"] = process.argv.slice(2);
await clickHouseTestServer(path, Number(port));
process.stdout.write("serving\n");
