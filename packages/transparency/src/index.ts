export * from "./checkpoint.ts";
export * from "./dsse.ts";
export * from "./merkle-tree.ts";
export * from "./signed-note.ts";
export * from "./signing-key.ts";
