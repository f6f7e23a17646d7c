type Settings = Readonly<Record<string, unknown>>;

/**
 * Settings outlive their statement on an embedded connection, and each is a statement of its own: half of what a small query
 * costs. So only those are sent that are not in force already. What a statement that failed has set is not known.
 */
export const keepingSettings = <C extends object>(connection: C): C => {
  let inForce: Settings = {};
  return methodsWrapped(connection, async (call, parameters) => {
    const { clickhouse_settings: wanted = {}, ...rest } = parameters as { readonly clickhouse_settings?: Settings };
    const before = inForce;
    inForce = {};
    const changed = Object.entries(wanted).filter(
      ([name, value]) => name === FORMAT || !Object.hasOwn(before, name) || before[name] !== value,
    );
    const answer = await call({ ...rest, clickhouse_settings: Object.fromEntries(changed) });
    inForce = { ...before, ...wanted };
    return answer;
  });
};

/** Said anew with each statement: it becomes an argument, and no setting. */
const FORMAT = "default_format";

interface Running {
  readonly query: (parameters: { readonly query: string; readonly query_id: string }) => Promise<unknown>;
}

/**
 * One statement at a time, and none before a failed one has been cleared away: what a statement had written before it
 * failed (a result over its limit, a timeout) stays in chDB's buffer, and would be the beginning of the next answer.
 */
export const settledConnection = <C extends object>(connection: C): C => {
  let last: Promise<unknown> = Promise.resolve();
  const clear = () =>
    (connection as unknown as Running).query({ query: "SELECT 1", query_id: "clear" }).catch(() => {});
  const inTurn = (run: () => Promise<unknown>) => {
    const result = last.then(run);
    last = result.then(
      () => {},
      () => clear(),
    );
    return result;
  };
  return methodsWrapped(connection, (call, parameters) => inTurn(() => call(parameters)));
};

type Call = (parameters: unknown) => Promise<unknown>;

const methodsWrapped = <C extends object>(
  connection: C,
  around: (call: Call, parameters: unknown) => Promise<unknown>,
): C =>
  new Proxy(connection, {
    get: (target, property) => {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== "function") return member;
      const call = (...parameters: ReadonlyArray<unknown>) => member.apply(target, parameters);
      return ["query", "exec", "command", "insert"].includes(String(property))
        ? (parameters: unknown) => around(call, parameters)
        : call;
    },
  });
