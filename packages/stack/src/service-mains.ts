/** Each service as a process of its own: importing its main starts it, and it ends the process when it stops. */
export const serviceMains = {
  gate: () => import("@sluice/gate/main"),
  gateway: () => import("@sluice/gateway/main"),
  "shadow-judge": () => import("@sluice/shadow-judge/main"),
  "canary-controller": () => import("@sluice/canary-controller/main"),
  registry: () => import("@sluice/registry/main"),
} as const;
export type ServiceName = keyof typeof serviceMains;
