// Liveness of the service in this container, for engines that ask by a command: its port as the argument, else SLUICE_PORT.
const port = process.argv[2] ?? process.env.SLUICE_PORT ?? "4400";
const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(4_000) }).catch(
  () => null,
);
process.exit(answer?.ok ? 0 : 1);
