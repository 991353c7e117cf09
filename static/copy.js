// Buttons that copy a field's value. Without this script they stay hidden and the field, which is
// read-only, can be selected.
const status = document.createElement("p");
status.className = "unseen";
status.setAttribute("role", "status");
document.body.append(status);

for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  if (!field || !navigator.clipboard) continue;
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.focus();
      field.select();
      return;
    }
    button.textContent = status.textContent = button.dataset.done;
    setTimeout(() => {
      button.textContent = label;
      status.textContent = "";
    }, 2000);
  });
  field.addEventListener("focus", () => field.select());
}
