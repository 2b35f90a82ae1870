"use client";
import { useEffect, useRef, useState } from "react";
import "user-attributes/element";

export function Estimate({ text }) {
  const [words, setWords] = useState("");
  const estimate = useRef(null);
  // React 19 attaches no `onprediction` to an element that a server has rendered (issue 35446 of React).
  useEffect(() => {
    const element = estimate.current;
    const listener = ({ detail }) => setWords(detail.prediction.words);
    element.addEventListener("prediction", listener);
    return () => element.removeEventListener("prediction", listener);
  }, []);
  return (
    <>
      <user-attributes ref={estimate} loading="eager" text={text} />
      <output>{words}</output>
    </>
  );
}
