//! The browser segments posts as the command line does.

use std::{
    fs,
    process::{Command, Stdio},
};

use model_core::bundle::Bundle;
use serde_json::Value;
use tests::{BUNDLE, auxlstm, browser::LATE, root, site};

use crate::page;

/// Made-up posts, one for each kind of text with its own rules.
const POSTS: [&str; 8] = [
    "今天天氣真好，和@小明 去Coffee Shop喝咖啡😋",
    "#周末计划#转发微博！！！ //@小红: 不去",
    "南京市长江大桥明天上午封闭，请绕行。",
    "Soooo good!!! see http://a.org",
    "ｆｕｌｌ　ｗｉｄｔｈ １２３４５",
    "[哈哈] 笑死我了~~~ ^_^",
    "结婚的和尚未结婚的都可以报名参加",
    "",
];

/// The words of the posts by the command line and by the browser, with the words of a user dictionary.
fn both(posts: Vec<String>, user_words: &str) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let dictionary = root().join("public/dictionary/zh.txt.gz");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("posts.jsonl");
    let user = serde_json::json!({ "posts": posts });
    fs::write(&file, user.to_string()).expect("a file");
    let user_dictionary = folder.path().join("mine.txt");
    fs::write(&user_dictionary, user_words).expect("a file");
    let output = Command::new(auxlstm())
        .arg("segment")
        .arg(&file)
        .arg("--dictionary")
        .arg(dictionary)
        .arg("--user-dict")
        .arg(user_dictionary)
        .stderr(Stdio::inherit())
        .output()
        .expect("the command runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let by_command = (text.lines())
        .map(|line| line.split_whitespace().map(String::from).collect())
        .collect();

    let mut bundle = Bundle::from_bytes(&site::read(BUNDLE)).expect("the page's model is sound");
    bundle.settings.dictionary = true;
    bundle.settings.user_dictionary = user_words.to_owned();
    let visit = page("", "")
        .instead(
            "chinese.safetensors",
            bundle.to_bytes().expect("it stays sound"),
        )
        .instead("posts.json", serde_json::to_vec(&posts).expect("JSON"));
    let (send, receive) = std::sync::mpsc::channel();
    visit.run(async move |page| {
        page.script(
            "(async () => {
                const { load } = await import('./widget/index.js');
                const model = await load('chinese.safetensors');
                window.segmented = await model.segment(await (await fetch('posts.json')).json());
            })().catch((error) => { window.segmented = String(error); }); return null",
        )
        .await;
        page.until("return window.segmented !== undefined", LATE)
            .await;
        let segmented: Value = page.script("return window.segmented").await;
        send.send(segmented).expect("someone listens");
    });
    let segmented = receive.recv().expect("an answer");
    (
        by_command,
        serde_json::from_value(segmented.clone()).unwrap_or_else(|_| panic!("{segmented}")),
    )
}

#[test]
fn posts_are_segmented_as_by_the_command() {
    let (by_command, in_browser) = both(POSTS.map(String::from).to_vec(), "");
    assert_eq!(in_browser, by_command);
    assert_eq!(in_browser[0][..4], ["今天天气", "真", "好", "和"]);
    assert_eq!(in_browser[1], ["周末", "计划", "转发", "微博", "!!!"]);
}

#[test]
fn user_dictionaries_extend_the_browsers_as_the_commands() {
    let posts = ["結婚的和尚未結婚的都可以報名參加", "南京市长江大桥明天封闭"];
    let words = "和尚未 9 n\n桥明天\n報名參加 500\n";
    let (by_command, in_browser) = both(posts.map(String::from).to_vec(), words);
    assert_eq!(in_browser, by_command);
    assert!(in_browser[0].contains(&"报名参加".into()), "{in_browser:?}");
}

/// Ten thousand real posts, if the corpus lies beside the repository.
#[test]
fn real_posts_are_segmented_as_by_the_command() {
    let path = root().join("data/weibo-unlabelled.txt.xz");
    let Ok(file) = fs::File::open(&path) else {
        eprintln!("left out: there is no {}", path.display());
        return;
    };
    let output = Command::new("xz")
        .arg("-dc")
        .stdin(file)
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut unpacking) = output else {
        eprintln!("left out: there is no xz to unpack {}", path.display());
        return;
    };
    let reader = std::io::BufReader::new(unpacking.stdout.take().expect("it is piped"));
    let posts: Vec<String> = (std::io::BufRead::lines(reader).take(10_000))
        .map(|line| line.expect("text"))
        .collect();
    let _ = unpacking.kill();
    let _ = unpacking.wait();
    assert_eq!(posts.len(), 10_000);
    let (by_command, in_browser) = both(posts, "");
    assert_eq!(by_command.len(), in_browser.len());
    for (post, (command, browser)) in by_command.iter().zip(&in_browser).enumerate() {
        assert!(command == browser, "post {post} is segmented otherwise");
    }
}
