export * from "./embedded-stack.ts";
