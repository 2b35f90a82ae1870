// Starts the program that reads archives (web/src/reader), and gives it the files that the page sends.
import start, { read_files } from "./reader.js";

const crashed = (error) => postMessage(JSON.stringify({ crashed: String(error?.message ?? error) }));

addEventListener("message", ({ data }) => {
  try {
    read_files(data);
  } catch (error) {
    crashed(error);
  }
});
try {
  await start();
  postMessage(JSON.stringify("started"));
} catch (error) {
  crashed(error);
}
