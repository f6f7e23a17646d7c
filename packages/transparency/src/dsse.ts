import { verify } from "node:crypto";
import type { SigningKey, VerifierKey } from "./signing-key.ts";

/** A signed message in a DSSE envelope; `payload` and `sig` are base64. */
export interface Envelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: ReadonlyArray<{ readonly keyid: string; readonly sig: string }>;
}

/** DSSE's pre-authentication encoding: what is signed, so that a payload of one type never passes for another. */
const preAuthenticationEncoding = (payloadType: string, payload: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.byteLength} `),
    payload,
  ]);

export const signEnvelope = (payloadType: string, payload: string, key: SigningKey): Envelope => {
  const bytes = Buffer.from(payload);
  return {
    payloadType,
    payload: bytes.toString("base64"),
    signatures: [
      {
        keyid: `${key.name}+${key.keyId}`,
        sig: key.sign(preAuthenticationEncoding(payloadType, bytes)).toString("base64"),
      },
    ],
  };
};

/** Whether one of the signatures is this key's. */
export const isSignedBy = ({ payloadType, payload, signatures }: Envelope, key: VerifierKey): boolean => {
  const signed = preAuthenticationEncoding(payloadType, Buffer.from(payload, "base64"));
  return signatures.some(
    ({ keyid, sig }) =>
      keyid === `${key.name}+${key.keyId}` && verify(null, signed, key.publicKey, Buffer.from(sig, "base64")),
  );
};
