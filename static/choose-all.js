// One box for every row of a list. It is hidden without this script, and sends nothing itself.
for (const part of document.querySelectorAll("[data-choose]")) {
  const all = part.querySelector("input");
  const form = part.closest("form");
  const rows = [...form.querySelectorAll(`input[name="${part.dataset.choose}"]`)];
  const look = () => {
    const chosen = rows.filter((row) => row.checked).length;
    all.checked = chosen === rows.length;
    all.indeterminate = chosen > 0 && !all.checked;
  };
  all.addEventListener("change", () => rows.forEach((row) => (row.checked = all.checked)));
  form.addEventListener("change", look);
  // A browser that comes back to the page fills in what was chosen.
  addEventListener("pageshow", look);
  part.hidden = false;
}
