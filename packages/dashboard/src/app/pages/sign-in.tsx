import { useSignal } from "@preact/signals";
import { Failure } from "../parts/notices.tsx";
import { signIn, signInProblem } from "../registry/session.ts";

export const SignIn = () => {
  const token = useSignal("");
  const problem = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const pasted = token.value.trim();
    problem.value = null;
    if (pasted === "") problem.value = "Paste a token first.";
    // A header takes these characters only; anything else would fail with words that help nobody.
    else if (!/^[\x21-\x7e]+$/u.test(pasted))
      problem.value = "A token has no spaces and no special characters; paste it alone.";
    if (problem.value !== null) return;
    isBusy.value = true;
    await signIn(pasted);
    isBusy.value = false;
  };
  const shown = problem.value ?? signInProblem.value;
  return (
    <main class="sign-in" id="main">
      <form onSubmit={submit} noValidate>
        <h1>Sluice</h1>
        <p>Releases of prompts and models: where they stand, why, and what can be done.</p>
        <label for="token">Access token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={token.value}
          aria-invalid={shown !== null}
          aria-describedby="token-help"
          onInput={(event) => {
            token.value = event.currentTarget.value;
          }}
        />
        <p class="muted" id="token-help">
          <code>sluice up</code> and <code>sluice demo --keep</code> print one; an admin gives you yours. It is kept in
          this tab only, until the tab is closed.
        </p>
        {shown !== null && <Failure sentence={shown} />}
        <button type="submit" class="primary" aria-disabled={isBusy.value}>
          {isBusy.value ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
};
