// Shows a confirmation page as a dialog over the page it was asked from. Whenever anything is not
// as expected, the browser simply follows the link to that page.
for (const link of document.querySelectorAll("a[data-confirm]")) {
  link.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || !window.HTMLDialogElement) return;
    event.preventDefault();
    const question = await fetchQuestion(link.href);
    if (question) open(question, link);
    else location.assign(link.href);
  });
}

async function fetchQuestion(href) {
  try {
    const answer = await fetch(href, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return page.getElementById("confirm");
  } catch {
    return null;
  }
}

function open(question, link) {
  const dialog = document.createElement("dialog");
  const heading = question.querySelector("h1");
  const title = document.createElement("h2");
  title.id = "confirm-title";
  title.append(...heading.childNodes);
  heading.replaceWith(title);
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.append(...question.childNodes);
  const cancel = dialog.querySelector("a.button");
  cancel?.addEventListener("click", (event) => {
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  cancel?.focus();
}
