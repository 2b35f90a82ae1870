//! All the page says, in each of its languages.

use crate::labels::{bytes, duration, percent};

/// A language of the interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// In the order of the switch.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The first of a browser's languages (BCP 47 tags) that the page has.
    pub fn wanted(tags: impl IntoIterator<Item = String>) -> Self {
        let known = |tag: String| {
            let primary = tag.split('-').next()?.to_ascii_lowercase();
            Self::ALL
                .into_iter()
                .find(|language| language.texts().tag.split("-").next() == Some(&primary))
        };
        tags.into_iter().find_map(known).unwrap_or_default()
    }

    /// What is said in it.
    pub fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Chinese => &CHINESE,
        }
    }

    /// The name of an attribute or class; what has no translation is shown as it is, ranges with an en dash.
    pub fn name(self, name: &str) -> String {
        let found = match self {
            Self::English => None,
            Self::Chinese => CHINESE_NAMES.iter().find(|(english, _)| *english == name),
        };
        match found {
            Some((_, translated)) => (*translated).into(),
            None => crate::labels::title(name),
        }
    }
}

/// The page's texts; those with something in them are functions of it.
pub struct Texts {
    /// The language's BCP 47 tag.
    pub tag: &'static str,
    /// What it calls itself.
    pub own_name: &'static str,
    /// The page's title.
    pub title: &'static str,
    /// What the page is for.
    pub lead: &'static str,
    /// The label of the switch of languages.
    pub language: &'static str,
    /// The label of the text area.
    pub posts_label: &'static str,
    /// What stands in the empty text area.
    pub placeholder: &'static str,
    /// Of a Chinese text before the model for English.
    pub chinese_text: &'static str,
    /// The button that loads the one for Chinese.
    pub read_chinese: &'static str,
    /// Before the examples.
    pub try_example: &'static str,
    /// What the examples are, for those who do not see them.
    pub examples: &'static str,
    /// Empties the text area.
    pub clear: &'static str,
    /// Makes an address that holds the text.
    pub share: &'static str,
    /// What became of it.
    pub shared: &'static str,
    /// Where it could not be copied.
    pub shared_in_address: &'static str,
    /// Chooses a file of many writers.
    pub choose_file: &'static str,
    /// What such a file may be.
    pub file_help: &'static str,
    /// The heading of the result.
    pub estimate: &'static str,
    /// There is no result, and no model.
    pub no_model: &'static str,
    /// A result is on its way.
    pub in_a_moment: &'static str,
    /// A result is on its way, and so is the model.
    pub when_ready: &'static str,
    /// There is no text.
    pub no_text: &'static str,
    /// The model gave up on this text.
    pub unreadable: fn(&str) -> String,
    /// No word at all.
    pub no_words: &'static str,
    /// No word that the model knows.
    pub no_known_words: &'static str,
    /// Known words, of so many.
    pub few_words: fn(usize, usize) -> String,
    /// The same, where they are not few.
    pub words: fn(usize, usize) -> String,
    /// An attribute, its most probable class and the probability, as a sentence.
    pub spoken: fn(&str, &str, f32) -> String,
    /// The same, where that is not probable enough.
    pub spoken_unsure: fn(&str, &str, f32) -> String,
    /// No class is probable enough.
    pub not_confident: &'static str,
    /// The attribute was measured on writers in the text's language.
    pub measured: &'static str,
    /// It was learned from writers in another language, and not shown to work in this one.
    pub transferred: &'static str,
    /// An attribute of writers in Chinese, and of those in another language.
    pub of_language: [fn(&str) -> String; 2],
    /// Shows the classes within the groups.
    pub all_classes: fn(usize) -> String,
    /// What a list of such classes is called.
    pub all_classes_of: fn(&str) -> String,
    /// The heading of the evidence.
    pub why: &'static str,
    /// How the evidence is found.
    pub why_help: &'static str,
    /// The label of the choice of a class.
    pub evidence_for: &'static str,
    /// The evidence is on its way.
    pub computing: &'static str,
    /// The words that speak for a class.
    pub speaks_for: fn(&str) -> String,
    /// The words that speak against it.
    pub speaks_against: fn(&str) -> String,
    /// No word does.
    pub no_evidence: &'static str,
    /// How many of the words that were read are explained.
    pub explained: fn(usize, usize) -> String,
    /// The heading of the comparison with the model that learned each attribute alone.
    pub joint: &'static str,
    /// What is compared.
    pub joint_help: &'static str,
    /// Its columns: attribute, learned alone, learned jointly.
    pub joint_columns: [&'static str; 3],
    /// There is no comparison, and why.
    pub joint_failed: fn(&str) -> String,
    /// The region of what runs.
    pub computing_region: &'static str,
    /// The model is being made ready.
    pub starting: &'static str,
    /// The label of the progress bar.
    pub loading: &'static str,
    /// What is being fetched: the model, the dictionary, the program for WebGPU.
    pub assets: [&'static str; 3],
    /// Such a thing, so many bytes, of so many.
    pub fetching: fn(&str, u64, Option<u64>) -> String,
    /// There is no model, and why.
    pub failed: fn(&str) -> String,
    /// There is not the model that was chosen but the one before, and why.
    pub refused: fn(&str) -> String,
    /// Tries that again.
    pub try_again: &'static str,
    /// How long the last estimate took.
    pub took: fn(f64) -> String,
    /// The label of the switch of backends.
    pub run_on: &'static str,
    /// The choices: automatic, CPU, WebGPU.
    pub backends: [&'static str; 3],
    /// It runs on the CPU, and perhaps why.
    pub on_cpu: fn(Option<&str>) -> String,
    /// It runs on WebGPU, on this adapter, which may be a software one.
    pub on_gpu: fn(&str, bool) -> String,
    /// How far to believe it, in bold and then in full.
    pub doubt: [&'static str; 2],
    /// Where the text stays, likewise.
    pub private: [&'static str; 2],
    /// The label of the choice of a model.
    pub model: &'static str,
    /// The model that the user has given.
    pub own_model: &'static str,
    /// Shows the card of the model of this name.
    pub about: &'static str,
    /// The card's parts: languages, data, terms, meant for, not for, limits, sources.
    pub card: [&'static str; 7],
    /// The table of figures.
    pub figures: &'static str,
    /// What it is of.
    pub figures_caption: &'static str,
    /// Its caption where the model has learned from these writers since.
    pub refit_figures_caption: &'static str,
    /// Its columns.
    pub figures_columns: [&'static str; 5],
    /// The heading of what follows.
    pub reliability: &'static str,
    /// How often answers are right, by how probable they are said to be. Its columns: probability, right, writers.
    pub calibration: PlotTexts,
    /// What abstaining does. Its columns: the least probability, answered, right of these.
    pub coverage: PlotTexts,
    /// Shows an attribute's plots as tables.
    pub in_numbers: fn(&str) -> String,
    /// The heading of a file's results, with its name.
    pub file_heading: fn(&str) -> String,
    /// So many writers are done.
    pub file_done: fn(usize) -> String,
    /// So many records could not be read.
    pub file_bad: fn(u64) -> String,
    /// The run was ended by its user.
    pub file_cancelled: &'static str,
    /// The run failed.
    pub file_failed: fn(&str) -> String,
    /// Ends the run.
    pub cancel: &'static str,
    /// Goes back to the text.
    pub close: &'static str,
    /// Saves the results as a file of this kind.
    pub download: fn(&str) -> String,
    /// The columns before the attributes: writer, words.
    pub file_columns: [&'static str; 2],
    /// Only so many rows are shown.
    pub file_shown: fn(usize) -> String,
}

/// The texts of a plot and of the table with the same numbers.
pub struct PlotTexts {
    /// What it is called.
    pub name: &'static str,
    /// How to read it.
    pub help: &'static str,
    /// The label of the vertical axis.
    pub up: &'static str,
    /// The table's columns; the first is the horizontal axis.
    pub columns: [&'static str; 3],
}

static ENGLISH: Texts = Texts {
    tag: "en",
    own_name: "English",
    title: "What your writing gives away",
    lead: "Paste what someone posted. A small neural network estimates the writer’s profession, age and gender from \
           the words alone.",
    language: "Language",
    posts_label: "Posts by one writer, one a line",
    placeholder: "Paste or type here; the more, the better.",
    chinese_text: "This text is Chinese; the present model reads only English.",
    read_chinese: "Load the model that reads both",
    try_example: "Try",
    examples: "Examples",
    clear: "Clear",
    share: "Link with this text",
    shared: "Copied. The text is in the link itself: whoever has the link can read it.",
    shared_in_address: "The text is now in the address of this page: whoever has that address can read it.",
    choose_file: "A file of many writers…",
    file_help: "JSONL, CSV or plain text (a writer a line); it can also be dropped anywhere on the page.",
    estimate: "The model’s estimate",
    no_model: "There is none: the model does not run.",
    in_a_moment: "Comes in a moment.",
    when_ready: "Comes as soon as the model is ready.",
    no_text: "Appears as you type. No text at hand? Try an example.",
    unreadable: |why| format!("This text could not be read: {why}"),
    no_words: "There is no word in this text, so there is nothing to go by.",
    no_known_words: "The model knows not one word of this text, so there is nothing to go by.",
    few_words: |known, words| {
        format!(
            "From {known} known words of {words}. That is little: take it as a guess, and add more text."
        )
    },
    words: |known, words| format!("From {known} known words of {words}."),
    spoken: |name, label, share| format!("{name}: {label}, {}.", percent(share)),
    spoken_unsure: |name, label, share| {
        format!("{name}: not sure; most likely {label}, {}.", percent(share))
    },
    not_confident: "Not sure",
    measured: "Measured on writers in this language.",
    transferred: "Learned from writers in another language, and not shown to work in this one.",
    of_language: [
        |name| format!("{name}, Chinese text"),
        |name| format!("{name}, other text"),
    ],
    all_classes: |count| format!("All {count} classes"),
    all_classes_of: |name| format!("{name}, all classes"),
    why: "Why?",
    why_help: "How many times as high the odds are with a word as without it: ×2 doubles them. Each word is left out \
               once, while the rest stays as it is.",
    evidence_for: "What speaks for",
    computing: "Computing…",
    speaks_for: |class| format!("For {class}"),
    speaks_against: |class| format!("Against {class}"),
    no_evidence: "No word makes a difference.",
    explained: |explained, read| {
        format!("This is about the first {explained} words; the model has read {read}.")
    },
    joint: "What did joint learning do?",
    joint_help: "The same text read by three networks, each of which learned one attribute alone from the same writers.",
    joint_columns: ["Attribute", "Learned alone", "Learned jointly"],
    joint_failed: |why| format!("There is nothing to compare with: {why}"),
    computing_region: "Computing",
    starting: "Starting the model…",
    loading: "Loading",
    assets: ["model", "dictionary", "program for WebGPU"],
    fetching: |what, received, total| match total {
        Some(total) => format!(
            "Loading the {what}: {} of {}",
            bytes(received),
            bytes(total)
        ),
        None if received == 0 => format!("Loading the {what}…"),
        None => format!("Loading the {what}: {}", bytes(received)),
    },
    failed: |why| format!("The model does not run: {why}"),
    refused: |why| {
        format!("The model that you chose does not run, so the one before it does. {why}")
    },
    try_again: "Try again",
    took: |milliseconds| format!("Last estimate: {}", duration(milliseconds)),
    run_on: "Run on",
    backends: ["Automatic", "CPU", "WebGPU"],
    on_cpu: |because| match because {
        None => "Runs on the CPU.".into(),
        Some(reason) => format!("Runs on the CPU: {reason}."),
    },
    on_gpu: |adapter, software| match software {
        false => format!("Runs on WebGPU: {adapter}."),
        true => format!("Runs on WebGPU: {adapter}, a software adapter."),
    },
    doubt: [
        "Don’t believe it too much.",
        "Guesses from writing style are often wrong, and they repeat the stereotypes of the texts they were learned \
         from. They must not be used to decide anything about a person.",
    ],
    private: [
        "Your text stays on this device.",
        "Everything is computed in this browser tab; nothing you type is sent anywhere or stored.",
    ],
    model: "Model",
    own_model: "your file",
    about: "About the model",
    card: [
        "Languages",
        "Learned from",
        "Terms",
        "Meant for",
        "Not for",
        "Known limits",
        "Sources",
    ],
    figures: "Test figures",
    figures_caption: "On writers the model had never seen",
    refit_figures_caption: "On writers the model had never seen. It was then learned once more in the same way, from them too.",
    figures_columns: [
        "Attribute",
        "Writers",
        "Right",
        "Always guessing the most frequent",
        "F",
    ],
    reliability: "How far to believe its probabilities",
    calibration: PlotTexts {
        name: "Calibration",
        help: "How often an answer is right, by how probable the model says it is. On the dashed line it is right as \
               often as it says; a larger dot stands for more writers.",
        up: "Right",
        columns: ["Stated probability", "Right", "Writers"],
    },
    coverage: PlotTexts {
        name: "If it may abstain",
        help: "When it answers only from a probability on: the share of writers who get an answer (dashed), and of \
               these answers the share that is right (solid).",
        up: "Share",
        columns: ["Answers from", "Answered", "Right of these"],
    },
    in_numbers: |name| format!("{name} in numbers"),
    file_heading: |name| format!("The writers of {name}"),
    file_done: |done| format!("{done} writers done"),
    file_bad: |count| format!("{count} records could not be read and are left out:"),
    file_cancelled: "Cancelled; what was done stays.",
    file_failed: |why| format!("This file could not be read to its end: {why}"),
    cancel: "Cancel",
    close: "Back to the text",
    download: |kind| format!("Download as {kind}"),
    file_columns: ["Writer", "Words"],
    file_shown: |count| format!("The first {count} are shown; the downloads hold all."),
};

static CHINESE: Texts = Texts {
    tag: "zh-Hans",
    own_name: "中文",
    title: "你的文字透露了什么",
    lead: "粘贴某人发布的内容，一个小型神经网络仅凭用词估计作者的职业、年龄和性别。",
    language: "语言",
    posts_label: "同一作者的帖子，每行一条",
    placeholder: "在此粘贴或输入；越多越好。",
    chinese_text: "这段文字是中文，而当前的模型只懂英文。",
    read_chinese: "载入中英文都懂的模型",
    try_example: "试试",
    examples: "示例",
    clear: "清空",
    share: "生成含此文字的链接",
    shared: "已复制。文字就在链接里：拿到链接的人都能读到。",
    shared_in_address: "文字已写入本页地址：拿到该地址的人都能读到。",
    choose_file: "选择含多位作者的文件…",
    file_help: "JSONL、CSV 或纯文本（每行一位作者）；也可以拖放到页面任意处。",
    estimate: "模型的估计",
    no_model: "没有结果：模型无法运行。",
    in_a_moment: "马上就好。",
    when_ready: "模型就绪后即显示。",
    no_text: "输入时即显示。手头没有文字？试试示例。",
    unreadable: |why| format!("无法读取这段文字：{why}"),
    no_words: "这段文字里没有词，无从判断。",
    no_known_words: "这段文字里没有模型认识的词，无从判断。",
    few_words: |known, words| {
        format!("共 {words} 个词，模型认识其中 {known} 个。太少了，只能当作猜测；请再多放些文字。")
    },
    words: |known, words| format!("共 {words} 个词，模型认识其中 {known} 个。"),
    spoken: |name, label, share| format!("{name}：{label}，{}。", percent(share)),
    spoken_unsure: |name, label, share| {
        format!("{name}：不确定；最可能是{label}，{}。", percent(share))
    },
    not_confident: "不确定",
    measured: "已在用这种语言写作的作者中测试过。",
    transferred: "从用另一种语言写作的作者那里学来，在这种语言上没有证实有效。",
    of_language: [
        |name| format!("{name}（中文）"),
        |name| format!("{name}（其他语言）"),
    ],
    all_classes: |count| format!("全部 {count} 个类别"),
    all_classes_of: |name| format!("{name}，全部类别"),
    why: "为什么？",
    why_help: "有这个词时的几率是没有它时的几倍：×2 即翻倍。每次只去掉一个词，其余不变。",
    evidence_for: "支持哪一类的依据",
    computing: "计算中…",
    speaks_for: |class| format!("支持“{class}”"),
    speaks_against: |class| format!("反对“{class}”"),
    no_evidence: "没有哪个词起作用。",
    explained: |explained, read| format!("这里只说明前 {explained} 个词；模型读了 {read} 个。"),
    joint: "联合学习起了什么作用？",
    joint_help: "同一段文字由三个网络分别阅读；每个网络都从同样的作者那里单独学习了一个属性。",
    joint_columns: ["属性", "单独学习", "联合学习"],
    joint_failed: |why| format!("无法比较：{why}"),
    computing_region: "计算",
    starting: "正在启动模型…",
    loading: "载入中",
    assets: ["模型", "词典", "WebGPU 程序"],
    fetching: |what, received, total| match total {
        Some(total) => format!("正在载入{what}：{} / {}", bytes(received), bytes(total)),
        None if received == 0 => format!("正在载入{what}…"),
        None => format!("正在载入{what}：{}", bytes(received)),
    },
    failed: |why| format!("模型无法运行：{why}"),
    refused: |why| format!("所选的模型无法运行，仍用原来的模型。{why}"),
    try_again: "重试",
    took: |milliseconds| format!("上次估计用时 {}", duration(milliseconds)),
    run_on: "运行于",
    backends: ["自动", "CPU", "WebGPU"],
    on_cpu: |because| match because {
        None => "在 CPU 上运行。".into(),
        Some(reason) => format!("在 CPU 上运行：{reason}。"),
    },
    on_gpu: |adapter, software| match software {
        false => format!("在 WebGPU 上运行：{adapter}。"),
        true => format!("在 WebGPU 上运行：{adapter}（软件适配器）。"),
    },
    doubt: [
        "不要太当真。",
        "凭文风作出的猜测常常是错的，还会重复训练文本中的成见。绝不可用来决定任何有关他人的事。",
    ],
    private: [
        "文字不会离开这台设备。",
        "一切都在这个浏览器标签页里计算；你输入的内容不会发送到任何地方，也不会保存。",
    ],
    model: "模型",
    own_model: "你的文件",
    about: "关于模型",
    card: [
        "语言",
        "训练数据",
        "许可",
        "用途",
        "禁止用途",
        "已知局限",
        "来源",
    ],
    figures: "测试结果",
    figures_caption: "在模型从未见过的作者中测得",
    refit_figures_caption: "在模型当时从未见过的作者中测得；之后模型以同样的方法重新训练，也学习了这些作者的文字。",
    figures_columns: ["属性", "作者数", "正确率", "总猜最常见的一类", "F"],
    reliability: "它的概率有多可信",
    calibration: PlotTexts {
        name: "校准",
        help: "按模型所说的概率，答案实际正确的比例。点落在虚线上，就是说多少准多少；点越大，作者越多。",
        up: "正确率",
        columns: ["所说的概率", "正确率", "作者数"],
    },
    coverage: PlotTexts {
        name: "允许不答",
        help: "只在概率足够大时才作答：得到答案的作者所占的比例（虚线），以及这些答案中正确的比例（实线）。",
        up: "比例",
        columns: ["作答的最低概率", "作答率", "其中正确"],
    },
    in_numbers: |name| format!("{name}：具体数字"),
    file_heading: |name| format!("{name} 中的作者"),
    file_done: |done| format!("已完成 {done} 位作者"),
    file_bad: |count| format!("{count} 条记录无法读取，已略过："),
    file_cancelled: "已取消；已完成的部分保留。",
    file_failed: |why| format!("未能读完此文件：{why}"),
    cancel: "取消",
    close: "返回文字",
    download: |kind| format!("下载 {kind}"),
    file_columns: ["作者", "词数"],
    file_shown: |count| format!("只显示前 {count} 位；下载的文件含全部。"),
};

static CHINESE_NAMES: [(&str, &str); 14] = [
    ("profession", "职业"),
    ("age", "年龄"),
    ("age (coarse)", "年龄段"),
    ("gender", "性别"),
    ("Student", "学生"),
    ("IT", "IT"),
    ("Art", "艺术"),
    ("Education", "教育"),
    ("Services", "服务"),
    ("Government", "政府"),
    ("Finance", "金融"),
    ("female", "女"),
    ("male", "男"),
    ("33+", "33 岁以上"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_language_is_taken() {
        let wanted = |tags: &[&str]| Language::wanted(tags.iter().map(|tag| tag.to_string()));
        assert_eq!(wanted(&["fr-FR", "zh-TW", "en"]), Language::Chinese);
        assert_eq!(wanted(&["en-GB", "zh"]), Language::English);
        assert_eq!(wanted(&["fr", ""]), Language::English);
        assert_eq!(wanted(&["ZH-hans"]), Language::Chinese);
    }

    #[test]
    fn names_are_translated_where_they_can_be() {
        assert_eq!(Language::Chinese.name("Student"), "学生");
        assert_eq!(Language::Chinese.name("23-27"), "23–27");
        assert_eq!(Language::English.name("profession"), "Profession");
    }
}
