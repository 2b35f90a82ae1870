// Mounts the element in a window without a browser, as unit tests do, and prints what a test can see of it.
const GLOBALS = ["window", "document", "navigator", "HTMLElement", "Node", "customElements", "MutationObserver", "CustomEvent"];

export async function mount(window) {
  for (const name of GLOBALS) {
    Object.defineProperty(globalThis, name, { value: name === "window" ? window : window[name], configurable: true });
  }
  await import("user-attributes/element");
  const element = document.createElement("user-attributes");
  element.setAttribute("show", "age");
  element.textContent = "my exam tomorrow";
  document.body.append(element);
  const { text, show } = element;
  element.setAttribute("text", "my mom is nervous");
  const moved = document.createElement("p");
  document.body.append(moved);
  moved.append(element);
  element.remove();
  console.log(JSON.stringify([text, show, element.text, element.prediction]));
}
