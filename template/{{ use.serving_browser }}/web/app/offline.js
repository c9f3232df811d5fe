/** Works without a network after the first visit, and says when a newer version is ready. */

/**
 * @param {HTMLElement} note says whether the page works offline
 * @param {HTMLElement} bar shown when a newer version waits
 * @param {HTMLElement} button takes the newer version
 */
export function keepOffline(note, bar, button) {
  if (!("serviceWorker" in navigator)) {
    note.textContent = "To work offline, the page must come over https.";
    return;
  }
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
