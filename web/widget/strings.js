// What the element <user-attributes> says, in each of its languages, and how it writes names and numbers.

/** With fewer known words than this, the element says how little that is. */
const FEW_WORDS = 100;

/** By the language's tag. `names` are those of the models that come with it; other names are shown as they are. */
export const STRINGS = {
  en: {
    heading: "The model’s estimate",
    noText: "Appears as soon as there is text.",
    notReady: "Comes as soon as the model is ready.",
    soon: "Comes in a moment.",
    noWord: "There is no word in this text, so there is nothing to go by.",
    noKnownWord: "The model knows not one word of this text, so there is nothing to go by.",
    known: (known, words) => `From ${known} known words of ${words}.`,
    little: "That is little: take it as a guess, and add more text.",
    unsure: "Not sure",
    spoken: (attribute, label, share) => `${attribute}: ${label}, ${share}.`,
    spokenUnsure: (attribute, label, share) => `${attribute}: not sure; most likely ${label}, ${share}.`,
    measured: "Measured on writers in this language.",
    transferred: "Learned from writers in another language, and not shown to work in this one.",
    ofLanguage: { zh: (name) => `${name}, Chinese text`, other: (name) => `${name}, other text` },
    allClasses: (count) => `All ${count} classes`,
    attributeClasses: (attribute) => `${attribute}, all classes`,
    loading: "Loading",
    starting: "Starting the model…",
    fetching: (asset, received, total) => `Loading the ${asset}: ${total ? `${received} of ${total}` : received}`,
    assets: { model: "model", dictionary: "dictionary", gpu: "program for WebGPU" },
    failed: (message) => `There is no estimate: ${message}`,
    retry: "Try again",
    caveat:
      "Guesses from writing style are often wrong, and they repeat the stereotypes of the texts they were learned " +
      "from. They must not be used to decide anything about a person. Computed on this device; this widget sends " +
      "the text nowhere.",
    about: "About the model ",
    facts: {
      intended_use: "Meant for",
      not_for: "Not for",
      limits: "Known limits",
      data: "Learned from",
      languages: "Languages",
      licence: "Terms",
    },
    figures: "On writers the model had never seen",
    refitFigures: "On writers the model had never seen. It was then learned once more in the same way, from them too.",
    figure: (attribute, accuracy, users, majority) =>
      `${attribute}: right for ${accuracy} of ${users}. Always guessing the most frequent: ${majority}.`,
    names: {},
  },
  zh: {
    heading: "模型的估计",
    noText: "有文字后即显示。",
    notReady: "模型就绪后即显示。",
    soon: "马上就好。",
    noWord: "这段文字里没有词，无从判断。",
    noKnownWord: "这段文字里没有模型认识的词，无从判断。",
    known: (known, words) => `共 ${words} 个词，模型认识其中 ${known} 个。`,
    little: "太少了，只能当作猜测；请再多放些文字。",
    unsure: "不确定",
    spoken: (attribute, label, share) => `${attribute}：${label}，${share}。`,
    spokenUnsure: (attribute, label, share) => `${attribute}：不确定；最可能是${label}，${share}。`,
    measured: "已在用这种语言写作的作者中测试过。",
    transferred: "从用另一种语言写作的作者那里学来，在这种语言上没有证实有效。",
    ofLanguage: { zh: (name) => `${name}（中文）`, other: (name) => `${name}（其他语言）` },
    allClasses: (count) => `全部 ${count} 个类别`,
    attributeClasses: (attribute) => `${attribute}，全部类别`,
    loading: "载入中",
    starting: "正在启动模型…",
    fetching: (asset, received, total) => `正在载入${asset}：${total ? `${received} / ${total}` : received}`,
    assets: { model: "模型", dictionary: "词典", gpu: " WebGPU 程序" },
    failed: (message) => `没有结果：${message}`,
    retry: "重试",
    caveat:
      "凭文风作出的猜测常常是错的，还会重复训练文本中的成见。绝不可用来决定任何有关他人的事。" +
      "一切都在这台设备上计算；本组件不会把文字发送到任何地方。",
    about: "关于模型 ",
    facts: {
      intended_use: "用途",
      not_for: "禁止用途",
      limits: "已知局限",
      data: "训练数据",
      languages: "语言",
      licence: "许可",
    },
    figures: "在模型从未见过的作者中测得",
    refitFigures: "在模型当时从未见过的作者中测得；之后模型以同样的方法重新训练，也学习了这些作者的文字。",
    figure: (attribute, accuracy, users, majority) =>
      `${attribute}：${users} 人中猜对 ${accuracy}；总猜最常见的一类：${majority}。`,
    names: {
      profession: "职业",
      age: "年龄",
      "age (coarse)": "年龄段",
      gender: "性别",
      Student: "学生",
      Art: "艺术",
      Education: "教育",
      Services: "服务",
      Government: "政府",
      Finance: "金融",
      female: "女",
      male: "男",
      "33+": "33 岁以上",
    },
  },
};

/** The strings of the first of these language tags that there are strings for, else the English ones, with their tag. */
export function stringsFor(tags) {
  const languages = tags.map((tag) => tag.toLowerCase().split("-")[0]);
  const language = languages.find((language) => Object.hasOwn(STRINGS, language)) ?? "en";
  return { language, ...STRINGS[language] };
}

/** An attribute's or class's name as shown: translated, or with a capital first; ranges with an en dash. */
export function title(strings, name) {
  if (Object.hasOwn(strings.names, name)) return strings.names[name];
  if (/^[0-9]/.test(name)) return name.replaceAll("-", "–");
  const [first = "", ...rest] = name;
  return (first.toUpperCase() + rest.join("")).replaceAll("_", " ");
}

/** A probability as shown: whole percent, and neither certainty nor impossibility claimed by rounding. */
export function percent(probability) {
  if (probability < 0.01) return "<1%";
  if (probability > 0.99) return ">99%";
  return `${Math.round(probability * 100)}%`;
}

/** A size in bytes as shown. */
export function bytes(count) {
  if (count < 1e3) return `${count} B`;
  return count < 1e6 ? `${Math.round(count / 1e3)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

/** How much of the text the model could use. */
export function wordsUsed(strings, { words, known_words: known }) {
  if (words === 0) return strings.noWord;
  if (known === 0) return strings.noKnownWord;
  const said = strings.known(known, words);
  return known < FEW_WORDS ? `${said} ${strings.little}` : said;
}
