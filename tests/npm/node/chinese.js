// node chinese.js "第一条" "第二条": the same by the model that reads Chinese, from files of the package.
import { load } from "user-attributes";

const posts = process.argv.slice(2);
const model = await load(import.meta.resolve("user-attributes/models/zh-en.safetensors"));
const [writer] = await model.predict([posts], { signal: AbortSignal.timeout(60_000) });
console.log(JSON.stringify(writer));
model.free();
