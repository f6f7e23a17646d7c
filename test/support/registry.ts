/** A thin client of the registry's HTTP surface, as a stranger would write it. */
export const registryAt = (url: string, token: string) => {
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  };
  return { call };
};

/** Asks again until the condition holds; the time limit is the test's own. */
export const until = async <A>(ask: () => Promise<A>, holds: (answer: A) => boolean, everyMs = 100): Promise<A> => {
  while (true) {
    const answer = await ask();
    if (holds(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
};
