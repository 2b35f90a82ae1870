// Starts the worker's program. What goes wrong before that runs would only be written to the console: here it becomes
// a message to the page (Reply::Crashed of web/src/protocol.rs).
import { fetchGpu } from "./fetch_gpu.js";

const message = (error) => String(error?.message ?? error);
let report = (text) => postMessage(JSON.stringify({ crashed: { message: text } }));
// Asynchronous work, and what a failing GPU throws into it.
addEventListener("error", (event) => {
  event.preventDefault();
  report(event.message);
});
addEventListener("unhandledrejection", ({ reason }) => report(message(reason)));

try {
  const { default: start, serve, uncaught } = await import("./worker.js");
  await start();
  report = uncaught;
  serve(globalThis, fetchGpu);
} catch (error) {
  report(message(error));
}
