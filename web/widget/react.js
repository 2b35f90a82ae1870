// The element, with types for React's JSX in react.d.ts.
export * from "./user-attributes.js";
