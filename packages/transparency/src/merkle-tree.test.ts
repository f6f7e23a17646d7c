import { createHash } from "node:crypto";
import { assert, describe, it } from "@effect/vitest";
import {
  consistencyPath,
  EMPTY_ROOT,
  GrowingTree,
  inclusionPath,
  isConsistent,
  leafHash,
  type Range,
  rootByInclusion,
  rootOf,
} from "./merkle-tree.ts";

// Leaves and roots of the reference implementation's tests of RFC 6962 (certificate-transparency).
const leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const roots = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const referenceLeaf = (hex: string) =>
  createHash("sha256")
    .update(Buffer.from(`00${hex}`, "hex"))
    .digest("hex");

const many = Array.from({ length: 70 }, (_, n) => leafHash(`leaf ${n}`));
const of = (range: Range) => rootOf((index) => many[index] ?? "", range);
const upTo = (size: number) => ({ size, root: of({ from: 0, to: size }) });

describe("the tree of RFC 6962", () => {
  it("has the roots of the reference implementation, at once and grown leaf by leaf", () => {
    const tree = new GrowingTree();
    assert.strictEqual(tree.root(), EMPTY_ROOT);
    for (const [n, hex] of leaves.entries()) {
      tree.add(referenceLeaf(hex));
      assert.strictEqual(tree.root(), roots[n]);
      assert.strictEqual(
        rootOf((i) => referenceLeaf(leaves[i] ?? ""), { from: 0, to: n + 1 }),
        roots[n],
      );
    }
  });

  it("proves every leaf of every tree, and no other leaf, place, size or path", () => {
    for (let size = 1; size <= many.length; size++)
      for (let index = 0; index < size; index++) {
        const path = inclusionPath(index, size).map(of);
        const leaf = many[index] ?? "";
        const { root } = upTo(size);
        assert.strictEqual(rootByInclusion(leaf, index, size, path), root);
        assert.notStrictEqual(rootByInclusion(leafHash("other"), index, size, path), root);
        if (size > 1) {
          assert.notStrictEqual(rootByInclusion(leaf, (index + 1) % size, size, path), root);
          assert.isNull(rootByInclusion(leaf, index, size, [...path, leaf]));
        }
        assert.isNull(rootByInclusion(leaf, size, size, path));
      }
  });

  it("shows that a tree begins with an older one, and refuses any other", () => {
    for (let size = 1; size <= 40; size++)
      for (let older = 1; older <= size; older++) {
        const path = consistencyPath(older, size).map(of);
        assert.isTrue(isConsistent(upTo(older), upTo(size), path), `${older} → ${size}`);
        assert.isFalse(isConsistent({ size: older, root: leafHash("x") }, upTo(size), path));
        assert.isFalse(isConsistent(upTo(older), { size, root: leafHash("x") }, path));
        if (path.length > 0) assert.isFalse(isConsistent(upTo(older), upTo(size), path.slice(1)));
        if (older > 1) assert.isFalse(isConsistent({ ...upTo(older), size: older - 1 }, upTo(size), path));
      }
  });
});
