// The element in React's JSX: its properties, and its events with "on" before their names.
import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { UserAttributesElement, UserAttributesEventMap } from "./user-attributes.js";

export * from "./user-attributes.js";

type Plain = DetailedHTMLProps<HTMLAttributes<UserAttributesElement>, UserAttributesElement>;
type Properties = Pick<
  UserAttributesElement,
  "backend" | "baseRates" | "dictionary" | "loading" | "model" | "show" | "text" | "theme"
>;
type Listeners = { [Type in keyof UserAttributesEventMap as `on${Type}`]: (event: UserAttributesEventMap[Type]) => void };

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      /** React 18 ignores the events, and needs `baseRates` as the attribute `base-rates`. */
      "user-attributes": Plain & Partial<Properties & Listeners> & { "base-rates"?: string };
    }
  }
}
