// Starts the worker's program. Errors before the program runs would only reach the console, so this script sends them to
// the page as messages (Reply::Crashed in web/src/protocol.rs).
import { fetchChinese, fetchGpu } from "./on_demand.js";

const message = (error) => String(error?.message ?? error);
let report = (text) => postMessage(JSON.stringify({ crashed: { reason: { crashed: text } } }));
// Errors in asynchronous work, such as those of a failing GPU.
addEventListener("error", (event) => {
  event.preventDefault();
  report(event.message);
});
addEventListener("unhandledrejection", ({ reason }) => report(message(reason)));

// Not a top-level `await`, which Parcel cannot bundle.
async function run() {
  const { default: start, serve, uncaught } = await import("./worker.js");
  await start();
  report = uncaught;
  serve(globalThis, fetchGpu, fetchChinese);
}
run().catch((error) => report(message(error)));
