import { Window } from "happy-dom";
import { mount } from "./mount.js";

await mount(new Window({ url: "http://localhost/" }));
