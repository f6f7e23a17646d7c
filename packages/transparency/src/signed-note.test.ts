import { assert, describe, it } from "@effect/vitest";
import * as Result from "effect/Result";
import { openCheckpoint, signCheckpoint } from "./checkpoint.ts";
import { isSignedBy, signEnvelope } from "./dsse.ts";
import { leafHash } from "./merkle-tree.ts";
import { openNote } from "./signed-note.ts";
import { newSigningKey, readSigningKey, readVerifierKey } from "./signing-key.ts";

// The example of the documentation of signed notes (Go's sumdb/note), which the C2SP specification took over.
const PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETERS_NOTE = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;

const secret = newSigningKey("sluice/record");
const key = Result.getOrThrow(readSigningKey(secret));
const verifier = Result.getOrThrow(readVerifierKey(key.verifierKey));

describe("signed notes", () => {
  it("opens a note that another implementation signed", () => {
    const peter = Result.getOrThrow(readVerifierKey(PETER));
    assert.match(Result.getOrThrow(openNote(PETERS_NOTE, peter)), /what your problem is\.\n$/);
    const changed = openNote(PETERS_NOTE.replace("don't", "do"), peter);
    assert.isTrue(Result.isFailure(changed));
    assert.isTrue(Result.isFailure(openNote(PETERS_NOTE, verifier)));
  });

  it("signs checkpoints that tell size and root, and nothing of the secret", () => {
    const root = leafHash("one");
    const note = signCheckpoint({ size: 1, root }, key);
    assert.deepStrictEqual(Result.getOrThrow(openCheckpoint(note, verifier)), {
      origin: "sluice/record",
      size: 1,
      root,
    });
    for (const forged of [note.replace("\n1\n", "\n2\n"), note.replace("sluice/record\n", "other\n"), note.trim(), ""])
      assert.isTrue(Result.isFailure(openCheckpoint(forged, verifier)), forged);
    const other = Result.getOrThrow(readSigningKey(newSigningKey("sluice/record")));
    assert.isTrue(Result.isFailure(openCheckpoint(signCheckpoint({ size: 1, root }, other), verifier)));
    assert.notInclude(key.verifierKey, secret.slice(-20));
  });

  it("refuses what is no key in one sentence without the secret", () => {
    for (const text of ["", "hello", secret.replace("sluice/record+", "sluice/other+"), secret.slice(0, -4)]) {
      const refused = readSigningKey(text);
      assert.isTrue(Result.isFailure(refused));
      if (Result.isFailure(refused)) assert.notInclude(refused.failure, secret.slice(-30, -4));
    }
    assert.isTrue(Result.isFailure(readVerifierKey("x+00000000+AAAA")));
  });
});

describe("DSSE envelopes", () => {
  it("are believed with their type and payload only", () => {
    const envelope = signEnvelope("application/vnd.in-toto+json", '{"_type":"x"}', key);
    assert.isTrue(isSignedBy(envelope, verifier));
    assert.isFalse(isSignedBy({ ...envelope, payloadType: "text/plain" }, verifier));
    assert.isFalse(isSignedBy({ ...envelope, payload: Buffer.from("{}").toString("base64") }, verifier));
    assert.isFalse(isSignedBy({ ...envelope, signatures: [] }, verifier));
  });
});
