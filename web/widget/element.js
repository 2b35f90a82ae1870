// `user-attributes/element` for tools that do not read the exports of package.json, such as Parcel.
export * from "./user-attributes.js";
