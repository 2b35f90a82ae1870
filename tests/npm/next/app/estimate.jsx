"use client";
import { useState } from "react";
import "user-attributes/element";

export function Estimate({ text }) {
  const [words, setWords] = useState();
  return (
    <>
      <user-attributes loading="eager" text={text} onprediction={({ detail }) => setWords(detail.prediction.words)} />
      <output>{words}</output>
    </>
  );
}
