// "/" goes to the search of a list. Somebody who speaks to the computer may say it by accident, so the
// key can be turned off, and stays off in this browser (WCAG 2.1.4).
const field = document.querySelector("form.search input");
const hint = document.getElementById("shortcut");
const OFF = "doorward-search-key-off";

if (field && hint) {
  const button = hint.querySelector("button");
  const show = () => (button.textContent = isOff() ? button.dataset.on : button.dataset.off);
  button.addEventListener("click", () => {
    if (isOff()) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
    show();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isOff()) return;
    if (event.target.closest("input, textarea, select, dialog")) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
  show();
  hint.hidden = false;
}

// Where nothing can be kept, the key cannot be turned off, so it is.
function isOff() {
  try {
    return localStorage.getItem(OFF) !== null;
  } catch {
    return true;
  }
}
