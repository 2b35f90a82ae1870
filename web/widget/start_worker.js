// Starts the worker's program. What goes wrong before that runs, or in asynchronous work within it, would only be
// written to the console: here it becomes a message to the page (Reply::Crashed of web/src/protocol.rs).
addEventListener("unhandledrejection", ({ reason }) => {
  postMessage(JSON.stringify({ crashed: { message: String(reason?.message ?? reason) } }));
});
importScripts("./worker_loader.js");
