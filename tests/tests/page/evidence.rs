//! "Why?": the evidence of each word.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use model_core::{explanation::Explanation, predictor::Predictor};
use serde_json::Value;
use tests::{
    BUNDLE,
    browser::{Page, SOON, Visit},
    site,
};

use crate::{array, bundle, note, string, text, with_script};

/// The largest difference between the page and the model here, as a share of the odds.
const TOLERANCE: f32 = 1e-3;

#[test]
fn printing_cut_the_marked_text() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.write(&"my school was fun today\n".repeat(60)).await;
        page.settled(SOON).await;
        page.click("//summary[normalize-space()='Why?']").await;
        let is_cut = "const marked = document.querySelector('.marked');
            return marked !== null && marked.scrollHeight > marked.clientHeight";
        page.until(is_cut, SOON).await;
        // The rules for paper, on the screen.
        page.script(
            "for (const sheet of document.styleSheets)
                for (const rule of [...sheet.cssRules])
                    if (rule.media?.mediaText === 'print') rule.media.mediaText = 'screen'",
        )
        .await;
        assert_eq!(page.script(is_cut).await, false);
    });
}

#[test]
fn an_example_is_explained_word_by_word() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.press("Exam week").await;
        page.settled(SOON).await;
        open(&page).await;
        let posts = typed(&page).await;
        explains(&page, &posts, "profession", "Student", false).await;
        // A coarse class, and a class of an attribute that has only two.
        choose(&page, "Age", "13–17").await;
        explains(&page, &posts, "age", "13-17", true).await;
        choose(&page, "Gender", "Male").await;
        explains(&page, &posts, "gender", "male", false).await;
        // While it is open, the next text is explained too.
        page.press("Build server").await;
        page.settled(SOON).await;
        let posts = typed(&page).await;
        explained(&page, &posts).await;
        explains(&page, &posts, "gender", "male", false).await;
    });
}

#[test]
fn the_text_is_shown_as_it_was_typed() {
    let texts: [&[&str]; 3] = [
        &["so happy 😀👩‍👩‍👧 today!!", "my   wife & I <3"],
        &[
            "<script>document.title = 'broken into'</script> my school",
            "<b>bold</b> &lt; homework",
        ],
        &[
            "אני אוהב את my school",
            "مرحبا my wife",
            "e\u{301}cole Ⅷ ﬁne",
        ],
    ];
    Visit::default().run(async move |page| {
        page.ready().await;
        page.write("my school").await;
        page.settled(SOON).await;
        open(&page).await;
        for posts in texts {
            page.write(&posts.join("\n")).await;
            page.settled(SOON).await;
            explained(&page, &owned(posts)).await;
            let strange = "return document.querySelectorAll('details script, details b').length";
            assert_eq!(page.script(strange).await, 0);
            let directions = "return [...document.querySelectorAll('.marked p')].every(post => post.dir === 'auto')";
            assert_eq!(page.script(directions).await, true);
        }
        assert_ne!(page.client.title().await.expect("a title"), "broken into");
    });
}

#[test]
fn words_that_make_no_difference_are_none() {
    // A network of zeros predicts the same for every text.
    let indifferent = bundle(|bundle| {
        bundle.wide = None;
        for parameter in &mut bundle.parameters {
            parameter.values.fill(0.0);
        }
    });
    Visit::default()
        .instead(BUNDLE, indifferent)
        .run(async |page| {
            page.ready().await;
            page.write("my school").await;
            page.settled(SOON).await;
            open(&page).await;
            explained(&page, &owned(&["my school"])).await;
            let shown = text(&page, WHY).await;
            assert!(shown.contains("No word makes a difference."), "{shown}");
        });
}

#[test]
fn of_a_very_long_text_only_the_first_words_are_explained() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.write(&"my school\n".repeat(3_000)).await;
        page.settled(SOON).await;
        let read = note(&page).await;
        assert!(read.contains("6000 of 6000 words"), "{read}");
        open(&page).await;
        let shown = text(&page, WHY).await;
        assert!(
            shown.contains("The first 5000 words are explained. The model read 6000."),
            "{shown}"
        );
        let marked = "return document.querySelectorAll('.marked .word').length";
        assert_eq!(page.script(marked).await, 5_000);
    });
}

#[test]
fn a_text_without_known_words_has_no_evidence() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.write("my school").await;
        page.settled(SOON).await;
        open(&page).await;
        page.write("qwxzvkj").await;
        page.settled(SOON).await;
        assert!(note(&page).await.contains("none of the words"));
        let why = "return [...document.querySelectorAll('summary')].some(one => one.innerText === 'Why?')";
        assert_eq!(page.script(why).await, false);
    });
}

#[test]
fn evidence_is_computed_only_while_it_is_open() {
    let listen = "window.explained = 0;
        const send = Worker.prototype.postMessage;
        Worker.prototype.postMessage = function (message) {
            if (String(message).startsWith('{\"explain\"')) window.explained += 1;
            return send.call(this, message);
        };";
    with_script(listen).run(async |page| {
        page.ready().await;
        page.write("my school").await;
        page.settled(SOON).await;
        assert_eq!(page.script("return window.explained").await, 0);
        open(&page).await;
        assert_eq!(page.script("return window.explained").await, 1);
        // The disclosure disappears with the estimate, and the next one is closed.
        page.press("Clear").await;
        page.write("my wife").await;
        page.settled(SOON).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(page.script("return window.explained").await, 1);
        open(&page).await;
        explained(&page, &owned(&["my wife"])).await;
    });
}

#[test]
fn the_headings_of_the_evidence_kept_the_old_language() {
    Visit::default().languages("zh-CN").run(async |page| {
        page.ready().await;
        page.write("my husband cooked dinner").await;
        page.settled(SOON).await;
        page.click("//summary[normalize-space()='为什么？']").await;
        let there = "return document.querySelector('.marked') !== null";
        page.until(there, SOON).await;
        begin_with(&page, ["支持“", "反对“"], "你的文字").await;
        // No model is loaded, and the evidence stays.
        page.press("English").await;
        begin_with(&page, ["For ", "Against "], "Your text").await;
    });
}

/// Checks how the headings of the lists and the name of the text begin.
async fn begin_with(page: &Page, headings: [&str; 2], name: &str) {
    let shown =
        "return [...document.querySelectorAll('.why h4')].map(heading => heading.textContent)
        .concat(document.querySelector('.marked').ariaLabel)";
    let shown = page.script(shown).await;
    let shown = array(&shown);
    let starts = [headings[0], headings[1], name];
    assert_eq!(shown.len(), starts.len(), "{shown:?}");
    for (text, start) in shown.iter().zip(starts) {
        let text = text.as_str().expect("a text");
        assert!(text.starts_with(start), "{text}");
    }
}

/// The disclosure.
const WHY: &str = "//details[summary[normalize-space()='Why?']]";

async fn open(page: &Page) {
    page.click("//summary[normalize-space()='Why?']").await;
    let there = "return document.querySelector('.marked') !== null";
    page.until(there, SOON).await;
}

async fn choose(page: &Page, attribute: &str, class: &str) {
    let option = format!("//optgroup[@label='{attribute}']/option[normalize-space()='{class}']");
    page.click(&option).await;
}

/// Waits until the evidence is for exactly these posts.
async fn explained(page: &Page, posts: &[String]) {
    let wanted = serde_json::to_string(posts).expect("texts are JSON");
    let script = format!(
        "const shown = [...document.querySelectorAll('.marked p')].map(post => post.textContent);
        return JSON.stringify(shown) === JSON.stringify({wanted})"
    );
    page.until(&script, SOON).await;
}

/// The posts in the text area.
async fn typed(page: &Page) -> Vec<String> {
    let text = string(
        page.script("return document.querySelector('textarea').value")
            .await,
    );
    text.lines().map(|line| line.trim().to_owned()).collect()
}

fn owned(posts: &[&str]) -> Vec<String> {
    posts.iter().map(|post| post.to_string()).collect()
}

/// Checks that the page shows the evidence for a class that the model gives here.
async fn explains(page: &Page, posts: &[String], attribute: &str, class: &str, is_coarse: bool) {
    explained(page, posts).await;
    let explanation = explain(posts).await;
    let evidence = (explanation.attributes.get(attribute)).expect("all attributes are explained");
    let classes = match is_coarse {
        true => evidence.coarse.as_ref().expect("it has coarse classes"),
        false => &evidence.classes,
    };
    let weights = classes.get(class).expect("all classes are explained");
    let largest = weights
        .iter()
        .fold(0.0, |most: f32, one| most.max(one.abs()));

    // The words in the text.
    let script = "return [...document.querySelectorAll('.marked [title]')].map(word => [word.textContent, word.title,
        parseFloat(word.style.getPropertyValue('--depth')), word.classList.contains('against'),
        getComputedStyle(word).backgroundColor])";
    let shown = page.script(script).await;
    let shown = array(&shown);
    assert_eq!(shown.len(), weights.len());
    let mut words = Vec::new();
    for ((shown, place), weight) in shown.iter().zip(&explanation.words).zip(weights) {
        let word = &posts[place.post][place.start..place.end];
        assert_eq!(shown[0], word);
        is_factor(shown[1].as_str(), *weight, word);
        let depth = shown[2].as_f64().expect("a percentage") as f32;
        let wanted = weight.abs() / largest * 100.0;
        assert!(
            (depth - wanted).abs() < 1.0,
            "{word}: {depth} % and {wanted} %"
        );
        if weight.abs() > TOLERANCE {
            assert_eq!(shown[3], *weight < 0.0, "{word}: {weight}");
        }
        words.push(word.to_lowercase());
    }
    let colours: HashSet<String> = shown.iter().map(|word| word[4].to_string()).collect();
    assert!(colours.len() > 3, "shades of two colours: {colours:?}");

    // The lists of words. Occurrences of the same word are summed.
    let mut sums: HashMap<String, f32> = HashMap::new();
    for (word, weight) in words.into_iter().zip(weights) {
        *sums.entry(word).or_default() += weight;
    }
    let lists = page
        .script(
            "return [...document.querySelectorAll('.why h4')].map(heading => [heading.innerText,
                [...heading.nextElementSibling.children].map(item => [...item.children].map(part => part.textContent))])",
        )
        .await;
    let lists = array(&lists);
    assert_eq!(lists.len(), 2);
    let class = class.replace('-', "–").to_lowercase();
    for (list, (side, sign)) in lists.iter().zip([("for", 1.0), ("against", -1.0)]) {
        let heading = string(list[0].clone()).to_lowercase();
        assert_eq!(heading, format!("{side} {class}"));
        strongest(array(&list[1]), &sums, sign);
    }
}

/// Checks that a list holds the words with the most evidence in one direction, strongest first.
fn strongest(list: &[Value], sums: &HashMap<String, f32>, sign: f32) {
    let mut strengths: Vec<f32> = sums.values().map(|sum| sum * sign).collect();
    strengths.sort_by(|one, other| other.total_cmp(one));
    assert!(!list.is_empty() && list.len() <= 6);
    for (item, strength) in list.iter().zip(&strengths) {
        let word = item[0].as_str().expect("a word");
        let sum = sums[word];
        is_factor(item[1].as_str(), sum, word);
        // Words with equal sums may be in either order.
        assert!((sum * sign - strength).abs() < TOLERANCE, "{word}: {sum}");
    }
    if list.len() < 6 {
        let next = strengths.get(list.len()).copied().unwrap_or_default();
        assert!(next.exp() < 1.05 + TOLERANCE, "left out: {next}");
    }
}

/// Checks that a factor such as "×1.5" is that of a weight.
fn is_factor(shown: Option<&str>, weight: f32, word: &str) {
    let shown = shown.expect("a text").trim_start_matches('×');
    let factor = weight.exp();
    let is_right = match shown {
        "<0.1" => factor < 0.1 + TOLERANCE,
        ">999" => factor > 999.0,
        number => {
            let rounding = if number.contains('.') { 0.05 } else { 0.5 };
            let number: f32 = number.parse().expect("a number");
            (number - factor).abs() <= rounding + TOLERANCE * factor.max(1.0)
        }
    };
    assert!(is_right, "{word}: ×{shown} is shown, {factor} computed");
}

/// The explanation by the model here.
async fn explain(posts: &[String]) -> Explanation {
    let predictor = Predictor::on_cpu(&site::read(BUNDLE));
    let predictor = predictor.expect("the page's model is sound");
    (predictor.explain(posts).await).expect("the CPU does not fail")
}
