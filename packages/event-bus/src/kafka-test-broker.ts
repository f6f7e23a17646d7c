import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "@sluice/postgres/free-port";

export type TestBroker =
  | { readonly brokers: ReadonlyArray<string>; readonly stop: () => void }
  | { readonly skipped: string };

const folder = fileURLToPath(new URL("../../../infra/kafka/", import.meta.url));
const run = promisify(execFile);
const DOWNLOAD_MS = 300_000;
const START_MS = 60_000;

/**
 * A real broker for the tests: `KAFKA_BROKERS`, else Apache Kafka started here with Java, its jars fetched by Maven once.
 * Where neither can be had, the reason, so that the suite is skipped by name.
 */
export const testBroker = async (): Promise<TestBroker> => {
  const given = process.env.KAFKA_BROKERS;
  if (given) return { brokers: given.split(","), stop: () => {} };
  try {
    await run("java", ["-version"]);
    if (!existsSync(join(folder, "lib"))) await fetchJars();
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? cause.message) : String(cause);
    return { skipped: `no KAFKA_BROKERS, and no broker can be started here: ${reason}` };
  }
  return startBroker();
};

const fetchJars = () =>
  run("mvn", ["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"], {
    cwd: folder,
    timeout: DOWNLOAD_MS,
  });

const startBroker = async (): Promise<TestBroker> => {
  const [port, controllerPort] = [await freePort(), await freePort()];
  const data = mkdtempSync(join(tmpdir(), "sluice-kafka-"));
  const properties = join(data, "server.properties");
  writeFileSync(properties, propertiesOf(port, controllerPort, join(data, "log")));
  const java = (main: string, ...args: ReadonlyArray<string>) => [
    "-Xmx512m",
    "-cp",
    join(folder, "lib", "*"),
    main,
    ...args,
  ];
  const { stdout } = await run("java", java("kafka.tools.StorageTool", "random-uuid"));
  await run("java", java("kafka.tools.StorageTool", "format", "--standalone", "-t", stdout.trim(), "-c", properties));
  const broker = spawn("java", java("kafka.Kafka", properties), { stdio: "ignore" });
  const stop = () => {
    broker.kill("SIGKILL");
    rmSync(data, { recursive: true, force: true, maxRetries: 5 });
  };
  // A test run that is stopped must not leave its broker behind.
  process.once("exit", stop);
  await untilListening(broker, port);
  return { brokers: [`127.0.0.1:${port}`], stop };
};

const untilListening = async (broker: ChildProcess, port: number): Promise<void> => {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    if (broker.exitCode !== null) throw new Error(`the broker ended with exit code ${broker.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`the broker did not listen within ${START_MS / 1_000} s`);
};

const propertiesOf = (port: number, controllerPort: number, log: string) => `
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=${log}
num.partitions=4
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
`;
