import { signal } from "@preact/signals";

/** Now, to the second: what shows how long something has been so follows it. */
export const nowMs = signal(Date.now());
setInterval(() => {
  nowMs.value = Date.now();
}, 1_000);
