export * from "./pager.ts";
