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
  return new Proxy(connection, {
    get: (target, property) => {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== "function") return member;
      const call = (...parameters: ReadonlyArray<unknown>) => member.apply(target, parameters);
      return ["query", "exec", "command", "insert"].includes(String(property))
        ? (...parameters: ReadonlyArray<unknown>) => inTurn(() => call(...parameters))
        : call;
    },
  });
};
