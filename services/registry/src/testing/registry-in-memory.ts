import * as ArtifactStore from "@sluice/artifact-store";
import {
  type Bundle,
  DecidedBody,
  digestOfBytes,
  ErrorBody,
  type Role,
  referenceOf,
  VerificationBody,
} from "@sluice/contracts";
import * as EventBus from "@sluice/event-bus";
import * as EventStore from "@sluice/event-store";
import { ReleaseLog } from "@sluice/release-log";
import * as Telemetry from "@sluice/telemetry";
import * as TokenStore from "@sluice/token-store";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";

/** The registry's ports in memory. */
export const ports = ReleaseLog.layer.pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      EventBus.layerMemory,
      ArtifactStore.layerMemory,
      EventStore.layerMemory,
      Telemetry.layerMemory,
      TokenStore.layerMemory,
    ),
  ),
);

export const roles: ReadonlyArray<Role> = ["viewer", "ci", "operator", "approver", "admin"];
export const tokens = roles.map((role) => ({
  tokenDigest: digestOfBytes(`token-of-${role}`),
  id: `the ${role}`,
  role,
}));

interface Call {
  readonly role?: Role;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}
export const call = async (
  address: string,
  method: string,
  path: string,
  { role = "admin", body, headers }: Call = {},
) => {
  const response = await fetch(`${address}${path}`, {
    method,
    headers: {
      authorization: `Bearer token-of-${role}`,
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json().catch(() => null)) as unknown };
};
export const decided = Schema.decodeUnknownSync(DecidedBody);
export const verified = Schema.decodeUnknownSync(VerificationBody);
export const failure = (body: unknown) => Schema.decodeUnknownSync(ErrorBody)(body).error;

export const bundle = (prompt: string): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: prompt }] },
  model: { kind: "model", provider: "local", model: "small-1", parameters: {} },
});

export const store = async (address: string, stored: Bundle) => {
  for (const part of Object.values(stored)) await call(address, "PUT", "/v1/artifacts", { body: part });
  return referenceOf(stored);
};

export const withApplication = async (address: string) => {
  const baseline = await store(address, bundle("Be brief."));
  const candidate = await store(address, bundle("Be thorough."));
  await call(address, "POST", "/v1/applications", { body: { application: "support-bot", baseline } });
  return { baseline, candidate };
};
