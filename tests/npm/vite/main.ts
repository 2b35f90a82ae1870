// The element, and the interface without one, in a page that Vite bundles.
import { load, type UserPrediction } from "user-attributes";
import "user-attributes/element";

const letter = document.querySelector("textarea")!;
const estimate = document.querySelector("user-attributes")!;
const inPage = document.querySelector<HTMLOutputElement>("#page")!;
const inWorker = document.querySelector<HTMLOutputElement>("#worker")!;

// The element reads what is being typed.
letter.addEventListener("input", () => {
  estimate.text = letter.value;
});
estimate.addEventListener("prediction", ({ detail: { prediction } }) => {
  document.title = sentence(prediction);
});
estimate.addEventListener("error", ({ detail: { message } }) => {
  document.title = message;
});

// The same without the element.
const model = load();
let reading = new AbortController();
letter.addEventListener("input", async () => {
  reading.abort();
  const { signal } = (reading = new AbortController());
  try {
    const [user] = await (await model).predict([letter.value], { signal });
    inPage.value = JSON.stringify(user);
  } catch (error) {
    if (!signal.aborted) inPage.value = String(error);
  }
});

// And in a worker of the page's own.
const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
letter.addEventListener("input", () => worker.postMessage(letter.value));
worker.onmessage = ({ data }: MessageEvent<UserPrediction>) => {
  inWorker.value = JSON.stringify(data);
};

function sentence({ known_words, predictions }: UserPrediction): string {
  const answers = Object.entries(predictions).map(([name, { label, confident }]) => `${name} ${confident ? label : "not sure"}`);
  return `${known_words} words: ${answers.join(", ")}`;
}
