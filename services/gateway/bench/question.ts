/** What every load client asks, and the headers by which Portkey finds the upstream. */
export const questionOf = (user: number, stream: boolean, host: string) => ({
  headers: {
    "content-type": "application/json",
    authorization: "Bearer x",
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": host,
  },
  body: JSON.stringify({
    model: "support-bot",
    ...(stream && { stream: true }),
    user: `user-${user}`,
    messages: [
      {
        role: "user",
        content: "Where is my order? I was told that it would be here on Tuesday, and now it is Thursday.",
      },
    ],
  }),
});
