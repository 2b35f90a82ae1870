import { mount } from "svelte";
import "user-attributes/element";
import App from "./App.svelte";

mount(App, { target: document.querySelector("#root") });
