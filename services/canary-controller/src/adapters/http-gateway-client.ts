import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import { request } from "undici";
import { GatewayClient, ProbeError } from "../application/gateway-client.ts";
import type { CanaryControllerSettings } from "../settings.ts";

/** What is read of an OpenAI chat completion. */
const Completion = Schema.Struct({
  choices: Schema.NonEmptyArray(
    Schema.Struct({
      message: Schema.Struct({
        content: Schema.optional(Schema.NullOr(Schema.String)),
        /** A model that refuses in OpenAI's form says so here, and has no content. */
        refusal: Schema.optional(Schema.NullOr(Schema.String)),
      }),
    }),
  ),
});
const decodeCompletion = Schema.decodeUnknownEffect(Completion);

/** An answer to a probe is a few sentences. */
const MAX_ANSWER_BYTES = 1_048_576;

/** Chat completions of a gateway, with the key that may choose the arm. Without a gateway every probe fails. */
export const layerHttpGatewayClient = (
  settings: Pick<CanaryControllerSettings, "gatewayUrl" | "probeKey" | "probeTimeoutMs">,
): Layer.Layer<GatewayClient> =>
  Layer.succeed(GatewayClient, {
    askCandidate: Effect.fn("GatewayClient.askCandidate")(function* (application, caseId, input) {
      const { gatewayUrl, probeKey, probeTimeoutMs } = settings;
      if (!gatewayUrl || !probeKey)
        return yield* new ProbeError({ message: "no gatewayUrl and probeKey are configured to send safety probes" });
      const answer = yield* Effect.tryPromise({
        try: (signal) =>
          post(new URL("/v1/chat/completions", gatewayUrl), {
            signal: AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs)]),
            headers: {
              "content-type": "application/json",
              "x-sluice-arm": "candidate",
              "x-sluice-probe": caseId.replaceAll(/[^\x21-\x7e]/g, "_"),
              "x-sluice-key": probeKey,
            },
            body: JSON.stringify({ model: application, messages: [{ role: "user", content: input }] }),
          }),
        catch: (cause) => new ProbeError({ message: `the gateway gave no answer (${nameOf(cause)})` }),
      });
      if (answer.status !== 200) return yield* new ProbeError({ message: `the gateway answered ${answer.status}` });
      const completion = yield* Effect.mapError(
        decodeCompletion(answer.body),
        () => new ProbeError({ message: "the answer is no chat completion" }),
      );
      const { content, refusal } = completion.choices[0].message;
      const text = content ?? refusal ?? null;
      if (text === null) return yield* new ProbeError({ message: "the answer has no text" });
      return { text, servedBundle: answer.servedBundle };
    }),
  });

const post = async (
  url: URL,
  options: { readonly signal: AbortSignal; readonly headers: Record<string, string>; readonly body: string },
): Promise<{ readonly status: number; readonly servedBundle: string | null; readonly body: unknown }> => {
  const response = await request(url, { method: "POST", ...options });
  const chunks: Array<Buffer> = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error("answer too large");
    chunks.push(chunk);
  }
  const bundle = response.headers["x-sluice-bundle"];
  const status = response.statusCode;
  const body: unknown = status === 200 ? JSON.parse(Buffer.concat(chunks).toString("utf8")) : null;
  return { status, servedBundle: typeof bundle === "string" ? bundle : null, body };
};

const nameOf = (cause: unknown): string => (cause instanceof Error ? cause.name : "unknown");
