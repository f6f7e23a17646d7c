import { computed, signal } from "@preact/signals";
import type { MeBody, Permission } from "@sluice/contracts";
import { type Answer, ask, type Call, RegistryFailure, send } from "./client.ts";

export interface Session {
  readonly token: string;
  readonly me: typeof MeBody.Type;
}

const KEY = "sluice.token";

/** Null while nobody is signed in. */
export const session = signal<Session | null>(null);
/** Why the sign-in form is shown again; null the first time. */
export const signInProblem = signal<string | null>(null);

/** The token lives as long as the tab: it is never written where another tab or a later visitor finds it. */
export const signIn = async (token: string): Promise<void> => {
  signInProblem.value = null;
  try {
    const me = await ask(token, "getMe");
    sessionStorage.setItem(KEY, token);
    session.value = { token, me };
  } catch (failure) {
    const refused = failure instanceof RegistryFailure && failure.status === 401;
    if (refused) sessionStorage.removeItem(KEY);
    signInProblem.value = failure instanceof Error ? failure.message : String(failure);
  }
};

export const signOut = (): void => {
  sessionStorage.removeItem(KEY);
  session.value = null;
};

export const rememberedToken = (): string | null => sessionStorage.getItem(KEY);

export const may = (permission: Permission): boolean => session.value?.me.permissions.includes(permission) ?? false;
export const myName = computed(() => (session.value ? `${session.value.me.id} (${session.value.me.role})` : ""));

const withToken = async <A>(use: (token: string) => Promise<A>): Promise<A> => {
  const token = session.value?.token;
  if (token === undefined) throw new RegistryFailure(401, "sign in first");
  try {
    return await use(token);
  } catch (failure) {
    // A token that was taken back: what is on the screen is not to be seen any longer.
    if (failure instanceof RegistryFailure && failure.status === 401 && session.value?.token === token) {
      signOut();
      signInProblem.value = failure.message;
    }
    throw failure;
  }
};

/** As `ask` and `send`, for whoever is signed in. */
export const askAsMe = <R extends Parameters<typeof ask>[1]>(route: R, call: Call<R> = {}): Promise<Answer<R>> =>
  withToken((token) => ask(token, route, call));
export const sendAsMe = <R extends Parameters<typeof send>[1]>(route: R, call: Call<R> = {}): Promise<Response> =>
  withToken((token) => send(token, route, call));
