// node predict.js "first post" "second post": what one writer's posts say about them, as JSON.
import { load } from "user-attributes";

const posts = process.argv.slice(2);
const model = await load();
const [writer] = await model.predict([posts], { signal: AbortSignal.timeout(60_000) });
console.log(JSON.stringify(writer));
model.free();
