/** Hands the browser a file. */
export const download = (name: string, content: string, mediaType: string): void => {
  const url = URL.createObjectURL(new Blob([content], { type: mediaType }));
  const link = document.createElement("a");
  link.href = url;
  // Names come from releases and slices: only what every file system takes.
  link.download = name.replaceAll(/[^\w.-]+/gu, "-").slice(0, 120);
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
};
