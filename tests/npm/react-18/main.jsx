// React 18 sets attributes of custom elements and knows no events of theirs.
import { useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import "user-attributes/react";

const baseRates = JSON.stringify({ gender: { female: 0.75, male: 0.25 } });

function Letter() {
  const [text, setText] = useState("");
  const [words, setWords] = useState("");
  const estimate = useRef();
  useEffect(() => {
    const element = estimate.current;
    const listener = ({ detail }) => setWords(detail.prediction.words);
    element.addEventListener("prediction", listener);
    return () => element.removeEventListener("prediction", listener);
  }, []);
  return (
    <>
      <textarea value={text} onChange={({ target }) => setText(target.value)} />
      <user-attributes ref={estimate} loading="eager" show="gender age" text={text} base-rates={baseRates} />
      <output>{words}</output>
    </>
  );
}

createRoot(document.querySelector("#root")).render(<Letter />);
