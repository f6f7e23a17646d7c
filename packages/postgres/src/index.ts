export * from "./database.ts";
export * from "./layer-pg.ts";
export * from "./layer-pglite.ts";
export * from "./migrate.ts";
