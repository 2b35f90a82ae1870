import { createApp } from "vue";
import "user-attributes/element";
import App from "./App.vue";

createApp(App).mount("#root");
