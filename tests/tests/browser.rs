//! The built page in a real browser, one behaviour a test.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fantoccini::key::Key;
use model_core::bundle::Bundle;
use serde_json::{Map, Value};
use tests::{
    BUNDLE,
    browser::{LATE, Page, SOFTWARE_GPU, SOON, Visit},
    predict, site,
};

/// Made up, like every text here. Short: a software GPU takes seconds for a few words.
const TEXTS: [&[&str]; 3] = [
    &["my math teacher gave us so much homework today"],
    &[
        "The new server is up and the network works again.",
        "My wife and I had dinner at home.",
    ],
    &["LOVE this song!!! 😀 see http://example.org @friend"],
];

/// What the page shows must be what the command says, to this.
const TOLERANCE: f64 = 1e-4;

#[test]
fn typing_gives_three_distributions() {
    Visit::default().run(async |page| {
        page.choose("CPU").await;
        assert_eq!(page.ready().await, "Runs on the CPU.");
        let area = page.find("//textarea").await;
        area.send_keys("i had so much fun at school today")
            .await
            .expect("the text area takes keys");
        page.settled(SOON).await;
        let shown = page.shown().await;
        // The driver gives an object's names in an order of its own.
        let mut attributes: Vec<_> = shown.keys().collect();
        attributes.sort();
        assert_eq!(attributes, ["age", "gender", "profession"]);
        for (attribute, lists) in &shown {
            for list in lists.as_array().expect("each attribute has lists") {
                let sum: f64 = numbers(list).values().sum();
                assert!((sum - 1.0).abs() < 1e-5, "{attribute} sums to {sum}");
            }
        }
        let text = page.find("//section[@aria-labelledby='estimate']").await;
        let text = text.text().await.expect("the estimate has a text");
        for readable in [
            "Profession",
            "Student",
            "Age",
            "13–17",
            "Gender",
            "Female",
            "%",
        ] {
            assert!(text.contains(readable), "{readable} is missing in {text}");
        }
        assert!(spoken(&page).await.contains("Gender: "));
    });
}

#[test]
fn bands_come_first_and_single_ages_on_demand() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.find("//button[normalize-space()='Exam week']")
            .await
            .click()
            .await
            .expect("examples can be clicked");
        page.settled(SOON).await;
        let single = "//*[@data-attribute='age']//li[@data-class='23']";
        let visible = async || page.find(single).await.is_displayed().await.unwrap();
        assert!(!visible().await);
        page.find("//*[@data-attribute='age']//summary")
            .await
            .click()
            .await
            .expect("the disclosure can be clicked");
        assert!(visible().await);
        let shown = page.shown().await;
        let (bands, ages) = (numbers(&shown["age"][0]), numbers(&shown["age"][1]));
        let teens: f64 = ["13", "14", "15", "16", "17"]
            .iter()
            .map(|age| ages[*age])
            .sum();
        assert!((bands["13-17"] - teens).abs() < 1e-5);
    });
}

#[test]
fn the_newest_text_wins() {
    Visit::default().run(async |page| {
        page.ready().await;
        for word in ["one", "two three", "my school", "my wife"] {
            page.write(word).await;
        }
        page.settled(SOON).await;
        same(&page.shown().await, &["my wife"]);
        page.write("").await;
        page.settled(SOON).await;
        assert!(page.shown().await.is_empty(), "no text, no estimate");
    });
}

#[test]
fn nothing_to_go_by_is_said() {
    Visit::default().run(async |page| {
        page.ready().await;
        for (text, said) in [
            (", ; .", "no word in this text"),
            ("qwxzvkj zzxqqvw", "not one word"),
            (
                "my <script>document.title = 'x'</script>",
                "take it as a guess",
            ),
        ] {
            page.write(text).await;
            page.settled(SOON).await;
            let note = page
                .find("//section[@aria-labelledby='estimate']/p[1]")
                .await;
            let note = note.text().await.expect("the note has a text");
            assert!(note.contains(said), "{text:?}: {note}");
        }
        assert_ne!(page.client.title().await.unwrap(), "x");
    });
}

#[test]
fn the_page_and_the_command_agree_on_the_cpu() {
    Visit::default().run(async |page| {
        page.choose("CPU").await;
        page.ready().await;
        for posts in TEXTS {
            page.write(&posts.join("\n")).await;
            page.settled(SOON).await;
            same(&page.shown().await, posts);
        }
    });
}

#[test]
fn the_page_and_the_command_agree_on_webgpu() {
    Visit::default().flags(&SOFTWARE_GPU).run(async |page| {
        page.choose("WebGPU").await;
        let running = page.ready().await;
        assert!(
            running.starts_with("Runs on WebGPU: ") && running.contains("swiftshader"),
            "{running}"
        );
        assert!(running.contains("software"), "{running}");
        for posts in TEXTS {
            page.write(&posts.join("\n")).await;
            page.settled(LATE).await;
            assert_eq!(page.status().await, running, "no fall-back on the way");
            same(&page.shown().await, posts);
        }
    });
}

#[test]
fn a_software_gpu_is_not_chosen_automatically() {
    Visit::default().flags(&SOFTWARE_GPU).run(async |page| {
        let running = page.ready().await;
        assert!(
            running.starts_with("Runs on the CPU: ") && running.contains("software"),
            "{running}"
        );
    });
}

#[test]
fn without_webgpu_the_cpu_runs_and_the_page_says_why() {
    // Also on a machine that has a GPU.
    let no_adapter = "GPU.prototype.requestAdapter = async () => null;";
    Visit::default()
        .instead("worker_loader.js", before_worker(no_adapter))
        .run(async |page| {
            page.choose("WebGPU").await;
            let running = page.ready().await;
            assert_eq!(running, "Runs on the CPU: WebGPU finds no adapter here.");
            page.write(&TEXTS[0].join("\n")).await;
            page.settled(SOON).await;
            same(&page.shown().await, TEXTS[0]);
        });
}

#[test]
fn an_adapter_that_the_gpu_code_cannot_use_is_left_alone() {
    let no_features =
        "Object.defineProperty(GPUAdapter.prototype, 'features', { get: () => new Set() });";
    Visit::default()
        .flags(&SOFTWARE_GPU)
        .instead("worker_loader.js", before_worker(no_features))
        .run(async |page| {
            page.choose("WebGPU").await;
            let running = page.ready().await;
            assert!(
                running.starts_with("Runs on the CPU: ") && running.contains("timestamp-query"),
                "{running}"
            );
        });
}

#[test]
fn a_busy_gpu_can_be_left_for_the_cpu() {
    // The GPU never comes to an end.
    let hanging = "GPUBuffer.prototype.mapAsync = () => new Promise(() => {});";
    Visit::default()
        .flags(&SOFTWARE_GPU)
        .instead("worker_loader.js", before_worker(hanging))
        .run(async |page| {
            page.choose("WebGPU").await;
            assert!(page.ready().await.starts_with("Runs on WebGPU"));
            page.write(&TEXTS[0].join("\n")).await;
            // Until after the pause in the typing that the page waits for.
            tokio::time::sleep(Duration::from_secs(1)).await;
            page.choose("CPU").await;
            page.settled(SOON).await;
            assert_eq!(page.status().await, "Runs on the CPU.");
            same(&page.shown().await, TEXTS[0]);
        });
}

#[test]
fn a_chinese_model_gets_its_dictionary() {
    let mut chinese = Bundle::from_bytes(&site::read(BUNDLE)).expect("the page's model is sound");
    chinese.settings.dictionary = true;
    let chinese = chinese.to_bytes().expect("it stays sound");
    Visit::default().instead(BUNDLE, chinese).run(async |page| {
        page.choose("CPU").await;
        page.ready().await;
        page.write("今天天气很好").await;
        page.settled(SOON).await;
        let note = page
            .find("//section[@aria-labelledby='estimate']/p[1]")
            .await;
        let note = note.text().await.expect("the note has a text");
        assert!(
            note.contains(" of 3."),
            "cut into words, not characters: {note}"
        );
        let asked = page.site.requests();
        assert!(
            asked.contains(&"dictionary/zh.txt.gz".to_owned()),
            "{asked:?}"
        );
    });
}

#[test]
fn a_gpu_that_fails_is_replaced_by_the_cpu() {
    // The GPU refuses all work from the second prediction on.
    let failing = "let asked = 0;
        self.addEventListener('message', event => { if (String(event.data).startsWith('{\"predict\"')) asked += 1; });
        const submit = GPUQueue.prototype.submit;
        GPUQueue.prototype.submit = function (...work) {
            if (asked > 1) throw new Error('the test has unplugged it');
            return submit.apply(this, work);
        };";
    Visit::default()
        .flags(&SOFTWARE_GPU)
        .instead("worker_loader.js", before_worker(failing))
        .run(async |page| {
            page.choose("WebGPU").await;
            assert!(page.ready().await.starts_with("Runs on WebGPU"));
            page.write("my school").await;
            page.settled(LATE).await;
            assert!(page.status().await.starts_with("Runs on WebGPU"));
            page.write(&TEXTS[0].join("\n")).await;
            page.settled(LATE).await;
            let running = page.ready().await;
            assert!(
                running.starts_with("Runs on the CPU: WebGPU failed")
                    && running.contains("unplugged"),
                "{running}"
            );
            same(&page.shown().await, TEXTS[0]);
        });
}

#[test]
fn a_damaged_model_is_named_and_loading_can_be_repeated() {
    let mut damaged = site::read(BUNDLE);
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    Visit::default()
        .instead(BUNDLE, damaged)
        .run(async |page| {
            let failed = "return document.querySelector('[aria-label=Computing]')?.innerText.includes('Try again') ?? false";
            page.until(failed, SOON).await;
            let status = page.status().await;
            assert!(status.contains("damaged") && status.contains("checksum"), "{status}");
            let again = page.find("//button[normalize-space()='Try again']").await;
            again.click().await.expect("the button can be clicked");
            page.until(failed, SOON).await;
            let asked = page.site.requests();
            let models = asked.iter().filter(|path| path.ends_with(".safetensors"));
            assert_eq!(models.count(), 2, "it was fetched again");
        });
}

#[test]
fn a_worker_that_cannot_start_is_not_waited_for() {
    for (path, bytes) in [
        ("start_worker.js", "importScripts('nowhere.js')".as_bytes()),
        ("worker_bg.wasm", b"\0asm, but no program"),
    ] {
        let visit = Visit::default().instead(path, bytes.to_vec());
        visit.run(async |page| {
            let failed = "const line = document.querySelector('[aria-label=Computing] p');
                return line?.innerText.startsWith('The model does not run') ?? false";
            page.until(failed, SOON).await;
        });
    }
}

#[test]
fn after_loading_nothing_is_fetched() {
    Visit::default().run(async |page| {
        page.choose("CPU").await;
        page.ready().await;
        page.write("warm up").await;
        page.settled(SOON).await;
        let before = page.site.requests();
        for posts in TEXTS {
            page.write(&posts.join("\n")).await;
            page.settled(SOON).await;
        }
        page.choose("Automatic").await;
        page.ready().await;
        page.find("//footer//summary")
            .await
            .click()
            .await
            .expect("the model card opens");
        let since = || page.site.requests().split_off(before.len());
        let after_loading: Vec<String> = (since().into_iter())
            .filter(|address| !of_the_browser(address))
            .collect();
        assert_eq!(after_loading, [""; 0]);
        // A request from the page to another host would have been noticed.
        page.script("fetch('http://elsewhere.example/?what-was-typed').catch(() => {})")
            .await;
        let start = Instant::now();
        while !since()
            .iter()
            .any(|address| address.contains("elsewhere.example"))
        {
            assert!(start.elapsed() < SOON, "{:?}", since());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn the_keyboard_alone_is_enough() {
    Visit::default().run(async |page| {
        page.ready().await;
        let press = async |key: Key| {
            let focused = page.client.active_element().await.expect("something has the focus");
            focused
                .send_keys(&char::from(key).to_string())
                .await
                .expect("it takes keys");
        };
        let focus = async || {
            let script = "const e = document.activeElement; return e.id || e.value || e.innerText";
            page.script(script).await.as_str().unwrap_or_default().to_owned()
        };
        press(Key::Tab).await;
        assert_eq!(focus().await, "posts");
        let area = page.client.active_element().await.expect("the text area");
        area.send_keys("my husband cooked dinner").await.expect("it takes text");
        page.settled(SOON).await;
        same(&page.shown().await, &["my husband cooked dinner"]);

        press(Key::Tab).await;
        assert_eq!(focus().await, "Exam week");
        press(Key::Enter).await;
        page.settled(SOON).await;
        assert!(spoken(&page).await.contains("Age: "));

        // Three more examples and "Clear" come before the estimate.
        for _ in 0..5 {
            press(Key::Tab).await;
        }
        assert_eq!(focus().await, "All 11 classes");
        press(Key::Enter).await;
        let ages = page
            .find("//*[@data-attribute='age']//li[@data-class='23']")
            .await;
        assert!(ages.is_displayed().await.expect("it is on the page"));

        press(Key::Tab).await;
        assert_eq!(focus().await, "auto");
        press(Key::Right).await;
        page.until(
            "return document.querySelector('[aria-label=Computing] p').innerText === 'Runs on the CPU.'",
            SOON,
        )
        .await;
    });
}

#[test]
fn a_phone_needs_no_sideways_scrolling() {
    Visit::default().phone(320, 640).run(async |page| {
        let fits = async |when: &str| {
            let width = page
                .script("return document.documentElement.scrollWidth")
                .await;
            assert_eq!(width, 320, "{when}");
        };
        page.ready().await;
        fits("empty").await;
        let long = "a".repeat(300);
        page.write(&format!("my school was fun today {long}")).await;
        page.settled(SOON).await;
        page.script("document.querySelectorAll('details').forEach(details => details.open = true)")
            .await;
        fits("with everything open").await;
    });
}

/// Chromium asks its maker's hosts this and that, whatever the page.
fn of_the_browser(address: &str) -> bool {
    let host = address.trim_start_matches("http://");
    let host = host.split(['/', ':']).next().unwrap_or_default();
    ["google.com", "googleapis.com", "gvt1.com"]
        .iter()
        .any(|maker| host == *maker || host.ends_with(&format!(".{maker}")))
}

/// The worker's first script, with another before it.
fn before_worker(script: &str) -> Vec<u8> {
    [script.as_bytes(), &site::read("worker_loader.js")].concat()
}

/// The bars' probabilities by class.
fn numbers(list: &Value) -> BTreeMap<String, f64> {
    let list = list.as_object().expect("a list of classes");
    list.iter()
        .map(|(class, value)| (class.clone(), value.as_f64().expect("a probability")))
        .collect()
}

/// What a screen reader announces.
async fn spoken(page: &Page) -> String {
    let script = "return document.querySelector('[role=status]').textContent";
    page.script(script)
        .await
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Checks that the page shows what `auxlstm predict` says about these posts.
fn same(shown: &Map<String, Value>, posts: &[&str]) {
    let said = predict(posts);
    let said = said["predictions"]
        .as_object()
        .expect("predictions by attribute");
    assert_eq!(shown.len(), said.len());
    for (attribute, prediction) in said {
        let lists = shown[attribute]
            .as_array()
            .expect("each attribute has lists");
        let wanted = match prediction.get("groups") {
            Some(groups) => vec![&groups["probabilities"], &prediction["probabilities"]],
            None => vec![&prediction["probabilities"]],
        };
        assert_eq!(lists.len(), wanted.len(), "{attribute}");
        for (list, wanted) in lists.iter().zip(wanted) {
            let (list, wanted) = (numbers(list), numbers(wanted));
            assert!(
                list.keys().eq(wanted.keys()),
                "{attribute}: {list:?} and {wanted:?}"
            );
            for (class, probability) in &wanted {
                let difference = (list[class] - probability).abs();
                assert!(
                    difference <= TOLERANCE,
                    "{attribute} {class} of {posts:?}: the page says {}, the command {probability}",
                    list[class]
                );
            }
        }
    }
}
