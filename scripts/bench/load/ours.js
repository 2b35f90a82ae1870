import { load } from "./widget/index.js";
import { measure } from "./measure.js";

await measure(async () => {
  const model = await load(undefined, { backend: "cpu" });
  return ({ users }) => model.predict(users);
});
