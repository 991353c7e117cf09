"use strict";
(() => {
  const name = `${document.documentElement.dataset.cookie}=`;
  // One for each person signed in in this browser.
  const browserStates = () => {
    const cookie = document.cookie.split("; ").find((pair) => pair.startsWith(name));
    return cookie === undefined ? [] : cookie.slice(name.length).split(".");
  };

  const sha256 = async (text) => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    const base64 = btoa(String.fromCharCode(...new Uint8Array(digest)));
    return base64.replaceAll("+", "-").replaceAll("/", "_").replace("=", "");
  };

  const check = async (message, origin) => {
    const parts = /^(\S+) ([\w-]+)\.([\w-]+)$/.exec(message);
    if (typeof message !== "string" || !parts) return "error";
    // Where the browser hides our cookie from this page, or keeps its hashes from one that an app
    // without https has framed, nothing can be said.
    if (!navigator.cookieEnabled || !crypto.subtle) return "error";
    const [, client, hash, salt] = parts;
    const hashes = browserStates().map((state) => sha256(`${client} ${origin} ${state} ${salt}`));
    return (await Promise.all(hashes)).includes(hash) ? "unchanged" : "changed";
  };

  addEventListener("message", async (event) => {
    // A page without an origin cannot be answered, nor can it have a session_state.
    if (!event.source || event.origin === "null" || !event.origin) return;
    event.source.postMessage(await check(event.data, event.origin), event.origin);
  });
})();
