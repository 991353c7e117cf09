// Keeps parts of a page up to date that say where they come from. A hidden page asks nothing, and an
// answer that is not ours, such as the sign-in page after a while, ends it.
for (const part of document.querySelectorAll("[data-live][id]")) {
  const seconds = Number(part.dataset.every) || 4;
  const timer = setInterval(async () => {
    if (document.hidden || part.contains(document.activeElement)) return;
    try {
      const answer = await fetch(part.dataset.live, { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return clearInterval(timer);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(part.id);
      if (fresh && fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
    } catch {
      // The next try may do better.
    }
  }, seconds * 1000);
}
