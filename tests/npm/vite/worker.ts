import { load } from "user-attributes";

const model = load();
onmessage = async ({ data }: MessageEvent<string>) => {
  const [user] = await (await model).predict([data]);
  postMessage(user);
};
