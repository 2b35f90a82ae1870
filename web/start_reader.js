// Starts the program that reads archives (web/src/reader), and gives it the files that the page sends.
const crashed = (error) => postMessage(JSON.stringify({ crashed: String(error?.message ?? error) }));

try {
  const { default: start, read_files } = await import("./reader.js");
  await start();
  addEventListener("message", ({ data }) => {
    try {
      read_files(data);
    } catch (error) {
      crashed(error);
    }
  });
  postMessage(JSON.stringify("started"));
} catch (error) {
  crashed(error);
}
