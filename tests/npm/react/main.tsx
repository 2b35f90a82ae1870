// The element in a page that React renders: a property that follows the state, and events that change it.
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import "user-attributes/react";

function Letter() {
  const [text, setText] = useState("");
  const [isShown, setShown] = useState(true);
  const [state, setState] = useState("loading");
  const [answers, setAnswers] = useState<string[]>([]);
  return (
    <>
      <label>
        A letter <textarea value={text} onChange={({ target }) => setText(target.value)} />
      </label>
      <button onClick={() => setShown(!isShown)}>{isShown ? "Hide" : "Show"}</button>
      {isShown && (
        <user-attributes
          loading="eager"
          show="gender age"
          text={text}
          onready={() => setState("ready")}
          onerror={({ detail }) => setState(detail.message)}
          onprediction={({ detail }) => setAnswers((earlier) => [...earlier, detail.text])}
        />
      )}
      <p id="state">{state}</p>
      <ol>
        {answers.map((answer, index) => (
          <li key={index}>{answer}</li>
        ))}
      </ol>
    </>
  );
}

createRoot(document.querySelector("#root")!).render(
  <StrictMode>
    <Letter />
  </StrictMode>,
);
