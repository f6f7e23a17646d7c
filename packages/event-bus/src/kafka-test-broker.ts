import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { endWithUs } from "@sluice/postgres/end-with-us";
import { freePort } from "@sluice/postgres/free-port";
import { type SecuredListener, scramUsers, securedProperties, selfSigned } from "./kafka-test-security.ts";

export interface TestBroker {
  readonly brokers: ReadonlyArray<string>;
  /** Of the broker that was started here: with TLS and SASL. */
  readonly secured: SecuredListener | null;
  /** Ends it as a crash would; its log stays. */
  readonly stop: () => Promise<void>;
  /** The same log on the same port. */
  readonly start: () => Promise<void>;
  /** Ends it for good. */
  readonly remove: () => Promise<void>;
}

const folder = fileURLToPath(new URL("../../../infra/kafka/", import.meta.url));
const run = promisify(execFile);
const DOWNLOAD_MS = 300_000;
const START_MS = 60_000;

/**
 * A real broker for the tests: `KAFKA_BROKERS`, else Apache Kafka started here with Java, its jars fetched by Maven once.
 * Where neither can be had, the reason, so that the suite is skipped by name.
 */
export const testBroker = async (): Promise<TestBroker | { readonly skipped: string }> => {
  const given = process.env.KAFKA_BROKERS;
  const nothing = async () => {};
  if (given) return { brokers: given.split(","), secured: null, stop: nothing, start: nothing, remove: nothing };
  try {
    await run("java", ["-version"]);
    if (!existsSync(join(folder, "lib"))) await fetchJars();
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? cause.message) : String(cause);
    return { skipped: `no KAFKA_BROKERS, and no broker can be started here: ${reason}` };
  }
  return startBroker();
};

/** Complete or not there: another file of tests may look for it at the same time. */
const fetchJars = async () => {
  const fetched = `lib-${process.pid}`;
  const args = ["-q", "-B", "dependency:copy-dependencies", `-DoutputDirectory=${fetched}`];
  await run("mvn", args, { cwd: folder, timeout: DOWNLOAD_MS });
  try {
    renameSync(join(folder, fetched), join(folder, "lib"));
  } catch {
    rmSync(join(folder, fetched), { recursive: true });
  }
};

const startBroker = async (): Promise<TestBroker> => {
  const [port, controllerPort, securedPort] = [await freePort(), await freePort(), await freePort()];
  const data = mkdtempSync(join(tmpdir(), "sluice-kafka-"));
  const properties = join(data, "server.properties");
  const ca = await selfSigned(data);
  const ports = { port, controllerPort, securedPort };
  writeFileSync(properties, `${propertiesOf(ports, join(data, "log"))}${securedProperties(data)}`);
  const java = (main: string, ...args: ReadonlyArray<string>) => [
    "-Xmx512m",
    // It lives for seconds: what a compiler gains later is lost at the start, on few cores.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-cp",
    join(folder, "lib", "*"),
    main,
    ...args,
  ];
  const { stdout } = await run("java", java("kafka.tools.StorageTool", "random-uuid"));
  await run(
    "java",
    java("kafka.tools.StorageTool", "format", "--standalone", "-t", stdout.trim(), "-c", properties, ...scramUsers),
  );
  let broker: ChildProcess | undefined;
  const start = async () => {
    broker = spawn("java", java("kafka.Kafka", properties), { stdio: "ignore" });
    endWithUs(broker, "SIGKILL");
    await untilListening(broker, port);
  };
  const stop = async () => {
    const running = broker;
    broker = undefined;
    if (!running || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGKILL");
    await ended;
  };
  const discard = () => rmSync(data, { recursive: true, force: true, maxRetries: 5 });
  await start();
  const remove = async () => {
    await stop();
    discard();
  };
  const secured = { address: `127.0.0.1:${securedPort}`, ca };
  return { brokers: [`127.0.0.1:${port}`], secured, stop, start, remove };
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

interface Ports {
  readonly port: number;
  readonly controllerPort: number;
  readonly securedPort: number;
}

const propertiesOf = ({ port, controllerPort, securedPort }: Ports, log: string) => `
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},SECURED://127.0.0.1:${securedPort},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port},SECURED://127.0.0.1:${securedPort},CONTROLLER://127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURED:SASL_SSL
log.dirs=${log}
num.partitions=4
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.backoff.ms=100
`;
