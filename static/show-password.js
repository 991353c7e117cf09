// A button beside each password field that shows and hides what is typed. Without this script the
// button is not there and the form works the same.
for (const input of document.querySelectorAll("input[type=password][data-show]")) {
  const { show, hide, what } = input.dataset;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "reveal";
  button.setAttribute("aria-controls", input.id);
  const set = (visible) => {
    input.type = visible ? "text" : "password";
    button.textContent = visible ? hide : show;
    button.setAttribute("aria-label", `${button.textContent} ${what}`);
    button.setAttribute("aria-pressed", String(visible));
  };
  set(false);
  button.addEventListener("click", () => set(input.type === "password"));
  // Browsers offer to save a password only from a password field.
  input.form?.addEventListener("submit", () => set(false));
  const wrapper = document.createElement("div");
  wrapper.className = "revealable";
  // Moving the field takes the focus away, which the page may have put there.
  const focused = document.activeElement === input;
  input.replaceWith(wrapper);
  wrapper.append(input, button);
  if (focused) input.focus();
}
