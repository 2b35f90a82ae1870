// node predict.js "first post" "second post": the prediction for the user who wrote the posts, as JSON.
import { load } from "user-attributes";

const posts = process.argv.slice(2);
const model = await load();
const [user] = await model.predict([posts], { signal: AbortSignal.timeout(60_000) });
console.log(JSON.stringify(user));
model.free();
