// Comfort only: everything works without this.
"use strict";
document.documentElement.classList.add("js");

// A choice that sends its form at once.
for (const field of document.querySelectorAll("[data-send]")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}

// A button that is pressed twice does its work once.
for (const button of document.querySelectorAll("button[data-once]")) {
  button.form.addEventListener("submit", (event) => {
    if (button.dataset.sent) event.preventDefault();
    button.dataset.sent = "1";
    button.setAttribute("aria-disabled", "true");
  });
}
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[data-sent]")) {
    delete button.dataset.sent;
    button.removeAttribute("aria-disabled");
  }
});

// "/" goes to the search field, "r" to the answer, unless somebody is writing.
addEventListener("keydown", (event) => {
  const writing = event.target.closest("input, textarea, select, [contenteditable]");
  if (writing || event.ctrlKey || event.metaKey || event.altKey || !/^[a-z/]$/.test(event.key)) return;
  const field = document.querySelector(`[data-key="${event.key}"]`);
  if (field) {
    event.preventDefault();
    field.focus();
  }
});

// Changes on their way are looked at again, until all of them have ended; then the page shows what became of them,
// unless somebody has begun to write.
const changes = document.querySelector("[data-watch]");
if (changes) {
  let pause = 500;
  const look = async () => {
    const answer = await fetch(changes.dataset.watch, { credentials: "same-origin" });
    if (!answer.ok) return;
    const seen = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("ul.changes");
    const shown = changes.querySelector("ul.changes");
    if (!seen || !shown) return;
    if (shown.innerHTML !== seen.innerHTML) shown.replaceWith(document.adoptNode(seen));
    const text = document.getElementById("text");
    if (seen.dataset.waits) {
      pause = Math.min(pause * 1.3, 20000);
      setTimeout(look, pause);
    } else if (!text || text.value === text.defaultValue) {
      location.replace(changes.dataset.done);
    }
  };
  setTimeout(look, pause);
}
