// The decorator is called as a function, and the template is compiled in the browser, so that no compiler of Angular is needed.
import "@angular/compiler";
import { CUSTOM_ELEMENTS_SCHEMA, Component, provideZonelessChangeDetection, signal } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import "user-attributes/element";

class App {
  text = signal("");
  words = signal("");
  baseRates = { gender: { female: 0.75, male: 0.25 } };
}
const template = `
  <textarea #letter (input)="text.set(letter.value)"></textarea>
  <user-attributes
    loading="eager"
    show="gender age"
    [text]="text()"
    [baseRates]="baseRates"
    (prediction)="words.set($event.detail.prediction.words)"
  ></user-attributes>
  <output>{{ words() }}</output>
`;
Component({ selector: "app-root", schemas: [CUSTOM_ELEMENTS_SCHEMA], template })(App);

bootstrapApplication(App, { providers: [provideZonelessChangeDetection()] });
