export * from "./user-attributes.js";
