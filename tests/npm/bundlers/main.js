// The element, and the interface without one. Each bundler that package.json names builds a page of it.
import { load } from "user-attributes";
import "user-attributes/element";

const { text } = document.querySelector("user-attributes");

async function predict() {
  const model = await load();
  const [user] = await model.predict([text]);
  document.querySelector("output").value = JSON.stringify(user);
}
predict();
