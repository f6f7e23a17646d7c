// node independent-verifier.mjs FILE KEY: checks a passport from docs/audit.md alone, with nothing of the project.
import { createPublicKey, hash, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const RESULT = /^OfflineGate|^Shadow(?!Started)|^CanaryStepPassed|^CanaryBreach|^Release(Complete|RolledB|Abort)/;
const must = (holds, what) => holds || process.exit(console.log(`the passport does not hold: ${what}`) ?? 1);
const base64 = (text) => Buffer.from(text, "base64");
const node = (left, right) => hash("sha256", Buffer.from(`01${left}${right}`, "hex"), "hex");
/** Up the tree by the hashes beside the way (RFC 9162, 2.1.3.2 and 2.1.4.2): its root, and that of an older tree in it. */
const climb = (start, index, last, path) => {
  let [fn, sn, root, older] = [index, last, start, start];
  for (const sibling of path) {
    const isRight = fn % 2 === 1 || fn === sn;
    [root, older] = isRight ? [node(sibling, root), node(sibling, older)] : [node(root, sibling), older];
    while (isRight && fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  return { root: sn === 0 ? root : "", older };
};
const [, , file, key] = process.argv;
const { application, releaseId, checkpoint, earlier, rows, artifacts, attestations } = JSON.parse(readFileSync(file));
const [, name, keyId, data] = /^([^+]+)\+(\w+)\+(.+)$/.exec(key);
const jwk = { kty: "OKP", crv: "Ed25519", x: base64(data).toString("base64url", 1) };
const publicKey = createPublicKey({ key: jwk, format: "jwk" });
const openNote = (note) => {
  const [body, signature] = note.split(`\n\n— ${name} `);
  must(signature && base64(signature).toString("hex", 0, 4) === keyId, "a note is of another key");
  must(verify(null, Buffer.from(`${body}\n`), publicKey, base64(signature).subarray(4)), "the signature of a note");
  const [origin, size, root] = body.split("\n");
  return must(origin === name, "a note's log") && { size: Number(size), root: base64(root).toString("hex") };
};
const { size, root } = openNote(checkpoint);
const read = rows.map((row) => ({ ...row, hash: hash("sha256", `\0${row.leaf}`, "hex"), ...JSON.parse(row.leaf) }));
must(read[0]?.releaseId === releaseId && read.at(-1).releaseId === releaseId, "the first and the last row");
for (const [n, row] of read.entries()) {
  const [before, isOwn, { payload, sequence }] = [read[n - 1], row.releaseId === releaseId, row];
  must(row.application === application, `row ${n} is of another application`);
  must(n === 0 || (row.previousHash === before.hash && sequence === before.sequence + 1), `the chain at row ${n}`);
  must(payload === null ? !isOwn : hash("sha256", payload, "hex") === row.payloadSha256, `the payload of row ${n}`);
  must(!isOwn || climb(row.hash, row.position - 1, size - 1, row.inclusion).root === root, `the proof of row ${n}`);
}
if (earlier) {
  const older = openNote(earlier.checkpoint);
  let [fn, sn] = [older.size - 1, size - 1];
  while (fn % 2 === 1) [fn, sn] = [fn >> 1, sn >> 1];
  const [start, ...path] = fn === 0 ? [older.root, ...earlier.consistency] : earlier.consistency;
  const shown = climb(start, fn, sn, path);
  must(older.size < read[0].position && shown.root === root && shown.older === older.root, "the consistency proof");
}
for (const { digest, position } of artifacts)
  must(read.find((row) => row.position === position)?.payload?.includes(digest), `the artifact ${digest}`);
const said = attestations.map(({ payloadType, payload, signatures }) => {
  const signed = Buffer.concat([Buffer.from(`DSSEv1 28 ${payloadType} ${base64(payload).length} `), base64(payload)]);
  must(verify(null, signed, publicKey, base64(signatures[0].sig)), "the signature of an attestation");
  const { position, event, leaf } = JSON.parse(base64(payload)).predicate.sluice_record;
  return `${position} ${event} ${leaf}`;
});
const results = read.filter((row) => row.releaseId === releaseId && row.refusal === null && RESULT.test(row.type));
must(said.join() === results.map((row) => `${row.position} ${row.type} ${row.hash}`).join(), "the attestations");
console.log(`${releaseId} of ${application}: ${rows.length} rows and ${said.length} attestations hold`);
