"use strict";
(() => {
  const name = `${document.documentElement.dataset.cookie}=`;
  // One for each person signed in in this browser.
  const browserStates = () => {
    const cookie = document.cookie.split("; ").find((pair) => pair.startsWith(name));
    return cookie === undefined ? [] : cookie.slice(name.length).split(".");
  };

  // SHA-256 (FIPS 180-4). The browser's own is missing wherever the app around this page is not
  // reached by https.
  const starts = [], rounds = [];
  const fraction = (number) => ((number - Math.floor(number)) * 4294967296) | 0;
  for (let candidate = 2; rounds.length < 64; candidate++) {
    let prime = true;
    for (let factor = 2; factor * factor <= candidate; factor++) {
      if (candidate % factor === 0) prime = false;
    }
    if (!prime) continue;
    if (starts.length < 8) starts.push(fraction(Math.sqrt(candidate)));
    rounds.push(fraction(Math.cbrt(candidate)));
  }
  const turn = (word, bits) => (word >>> bits) | (word << (32 - bits));

  const sha256 = (text) => {
    const bytes = new TextEncoder().encode(text);
    const padded = new Uint8Array(((bytes.length + 8) >> 6 << 6) + 64);
    padded.set(bytes);
    padded[bytes.length] = 128;
    const view = new DataView(padded.buffer);
    view.setUint32(padded.length - 4, bytes.length * 8);
    const sums = starts.slice();
    const words = new Int32Array(64);
    for (let block = 0; block < padded.length; block += 64) {
      for (let i = 0; i < 64; i++) {
        if (i < 16) {
          words[i] = view.getInt32(block + i * 4);
          continue;
        }
        const a = words[i - 15], b = words[i - 2];
        words[i] = words[i - 16] + words[i - 7]
          + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
      }
      let [a, b, c, d, e, f, g, h] = sums;
      for (let i = 0; i < 64; i++) {
        const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g))
          + rounds[i] + words[i]) | 0;
        const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
      }
      [a, b, c, d, e, f, g, h].forEach((sum, i) => { sums[i] = (sums[i] + sum) | 0; });
    }
    const out = sums.flatMap((sum) => [24, 16, 8, 0].map((bits) => (sum >>> bits) & 255));
    return btoa(String.fromCharCode(...out)).replaceAll("+", "-").replaceAll("/", "_").replace("=", "");
  };

  const check = (message, origin) => {
    const parts = /^(\S+) ([\w-]+)\.([\w-]+)$/.exec(message);
    // Where the browser hides our cookie from this page, nothing can be said.
    if (typeof message !== "string" || !parts || !navigator.cookieEnabled) return "error";
    const [, client, hash, salt] = parts;
    const hashOf = (state) => sha256(`${client} ${origin} ${state} ${salt}`);
    return browserStates().some((state) => hashOf(state) === hash) ? "unchanged" : "changed";
  };

  addEventListener("message", (event) => {
    // A page without an origin cannot be answered, nor can it have a session_state.
    if (!event.source || event.origin === "null" || !event.origin) return;
    event.source.postMessage(check(event.data, event.origin), event.origin);
  });
})();
