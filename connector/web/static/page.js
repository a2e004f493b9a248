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

// Changes on their way are looked at again until all of them have ended; then the page shows what became of them. Only
// what is read is replaced, never what somebody may be writing.
const changes = document.querySelector("[data-watch]");
if (changes) {
  const parsed = async (address) => {
    const answer = await fetch(address, { credentials: "same-origin" });
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  };
  const show = (fresh, selector) => {
    const now = document.querySelector(selector);
    const next = fresh.querySelector(selector);
    if (now && next) now.replaceWith(document.adoptNode(next));
  };
  let pause = 400;
  let missed = 0;
  const later = () => {
    pause = Math.min(pause * 1.3, 20000);
    setTimeout(look, pause);
  };
  const look = async () => {
    // An answer that does not come may come the next time; somebody who is signed out gets none.
    const seen = await parsed(changes.dataset.watch).catch(() => null);
    const list = seen && seen.querySelector("ul.changes");
    if (list && list.dataset.waits) {
      const shown = changes.querySelector("ul.changes");
      if (shown && shown.innerHTML !== list.innerHTML) shown.replaceWith(document.adoptNode(list));
      later();
      return;
    }
    const fresh = list && (await parsed(changes.dataset.done).catch(() => null));
    if (fresh) for (const part of ["h1", "ol.messages", "aside.story", "#changes .notice"]) show(fresh, part);
    else if (++missed < 5) later();
  };
  setTimeout(look, pause);
}
