/** Works without a network after the first visit, and says when a newer version is ready. */

import { element } from "./form.js";

/**
 * @param {HTMLElement} note says whether the page works offline
 * @param {HTMLElement} notices gets the word that a newer version waits, and the button that takes it
 */
export function keepOffline(note, notices) {
  if (!("serviceWorker" in navigator)) {
    note.textContent = "To work offline, the page must come over https.";
    return;
  }
  const button = element("button", { type: "button", class: "quiet" }, "Use it now");
  const words = element("span", {}, "A newer version of this page is ready.");
  const bar = element("div", { class: "notice", role: "status" }, words, button);
  bar.hidden = true;
  notices.append(bar);
  const workers = navigator.serviceWorker;
  workers.register("service-worker.js", { updateViaCache: "none" }).then(
    (registration) => {
      const look = () => (bar.hidden = !registration.waiting || !workers.controller);
      registration.addEventListener("updatefound", () => {
        registration.installing?.addEventListener("statechange", look);
      });
      look();
      button.addEventListener("click", () => {
        workers.addEventListener("controllerchange", () => location.reload(), { once: true });
        registration.waiting?.postMessage("take over");
      });
    },
    () => (note.textContent = "It could not be kept for offline use."),
  );
  void workers.ready.then(() => (note.textContent = "It works offline from now on."));
}
