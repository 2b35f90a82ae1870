// Rendered on the server. The element's module is imported there too, and does nothing.
import { Estimate } from "./estimate";

export default function Page() {
  return <Estimate text="my math teacher gave us so much homework today" />;
}
