import { load } from "user-attributes";

const model = load();
onmessage = async ({ data }: MessageEvent<string>) => {
  const [writer] = await (await model).predict([data]);
  postMessage(writer);
};
