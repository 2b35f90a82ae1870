import { JSDOM } from "jsdom";
import { mount } from "./mount.js";

await mount(new JSDOM("<!doctype html><body></body>", { url: "http://localhost/" }).window);
