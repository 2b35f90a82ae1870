//! Workers and models are shared, loaded when needed, and freed.

use std::time::Duration;

use tests::{BILINGUAL, browser::SOON, same_by};

use crate::{ELEMENT, POSTS, asked, element, heard, page, settled, shows};

#[test]
fn elements_share_one_worker_and_one_model() {
    let body = format!(
        "{}<user-attributes id=two loading=eager>my wife</user-attributes>",
        element("id=one loading=eager")
    );
    page("", &body).run(async |page| {
        shows(&page, "document.querySelector('#one')", &POSTS).await;
        shows(&page, "document.querySelector('#two')", &["my wife"]).await;
        assert_eq!(page.script("return workers").await, 1);
        for file in [".safetensors", "worker_bg.wasm", "start_worker.js"] {
            assert_eq!(asked(&page, file), 1, "{file}: {:?}", page.site.requests());
        }
        // Removing one element leaves the model to the other.
        page.script("document.querySelector('#one').remove(); document.querySelector('#two').text = 'my school'")
            .await;
        shows(&page, "document.querySelector('#two')", &["my school"]).await;
        assert_eq!(page.script("return workers").await, 1);
    });
}

#[test]
fn an_english_and_a_chinese_element_share_one_worker() {
    let post = "明天还有两门考试，书一页都没翻开";
    let chinese = "id=two loading=eager model=widget/models/zh-en.safetensors";
    let body = format!(
        "{}<user-attributes {chinese}>{post}</user-attributes>",
        element("id=one loading=eager")
    );
    page("", &body).run(async move |page| {
        let [one, two] = [
            "document.querySelector('#one')",
            "document.querySelector('#two')",
        ];
        shows(&page, one, &POSTS).await;
        settled(&page, two).await;
        let shown = page.shown_in(&format!("{two}.shadowRoot")).await;
        same_by(BILINGUAL, &shown, &[post]);
        // The English model still reads Chinese by characters.
        page.script(&format!("{one}.text = 'my school 明天考试'"))
            .await;
        shows(&page, one, &["my school 明天考试"]).await;
        assert_eq!(page.script("return workers").await, 1);
        for file in ["worker_bg.wasm", "chinese_bg.wasm"] {
            assert_eq!(asked(&page, file), 1, "{file}: {:?}", page.site.requests());
        }
    });
}

#[test]
fn far_below_the_visible_part_nothing_is_loaded() {
    let body = format!(
        "<div id=space></div><script>space.style.height = '9000px'</script>{}",
        element("")
    );
    page("", &body).run(async |page| {
        page.until(&format!("return Boolean({ELEMENT}.shadowRoot)"), SOON)
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(asked(&page, ".safetensors"), 0);
        page.script(&format!("{ELEMENT}.scrollIntoView()")).await;
        shows(&page, ELEMENT, &POSTS).await;
    });
}

#[test]
fn an_element_that_is_put_back_works_again() {
    page("", &element("")).run(async |page| {
        settled(&page, ELEMENT).await;
        // A moved element keeps its model.
        page.script(&format!(
            "const place = document.createElement('div'); document.body.append(place); place.append({ELEMENT})"
        ))
        .await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        shows(&page, ELEMENT, &POSTS).await;
        assert_eq!(page.script("return workers").await, 1);
        assert_eq!(heard(&page, "ready").await.len(), 1);

        // A removed element frees its model, and the last model ends the worker.
        page.script(&format!("window.kept = {ELEMENT}; kept.remove()")).await;
        page.until("return ended === 1", SOON).await;
        page.script("document.body.append(kept); kept.text = 'my wife'").await;
        shows(&page, ELEMENT, &["my wife"]).await;
        assert_eq!(page.script("return workers").await, 2);
        assert_eq!(heard(&page, "ready").await.len(), 2);
    });
}

#[test]
fn fifty_elements_on_one_page_show_each_its_own_text() {
    const TEXTS: [&str; 3] = ["my wife", "my school", "my math teacher"];
    let elements: String = (0..50)
        .map(|number| {
            let text = TEXTS[number % TEXTS.len()];
            format!("<user-attributes id=e{number} loading=eager>{text}</user-attributes>")
        })
        .collect();
    page("", &elements).run(async |page| {
        page.until(
            "return [...document.querySelectorAll('user-attributes')].every(element => element.prediction)",
            SOON,
        )
        .await;
        for number in [0, 1, 2, 48, 49] {
            let element = format!("document.querySelector('#e{number}')");
            shows(&page, &element, &[TEXTS[number % TEXTS.len()]]).await;
        }
        assert_eq!(page.script("return workers").await, 1);
        assert_eq!(asked(&page, ".safetensors"), 1);
        assert_eq!(heard(&page, "prediction").await.len(), 50);
        assert_eq!(heard(&page, "error").await.len(), 0);
    });
}

/// Elements are removed at any moment of their start, and while they predict.
#[test]
fn after_two_hundred_removals_no_worker_is_left_and_the_next_element_works() {
    page("", "").run(async |page| {
        page.script(
            "(async () => {
                for (let round = 0; round < 200; round += 1) {
                    const element = document.createElement('user-attributes');
                    element.setAttribute('loading', 'eager');
                    element.textContent = `my wife ${round}`;
                    document.body.append(element);
                    if (round % 20 === 19) await new Promise(ready => element.addEventListener('ready', ready));
                    else await new Promise(ready => setTimeout(ready, (round * 7) % 40));
                    element.remove();
                }
                window.finished = true;
            })()",
        )
        .await;
        page.until("return window.finished && workers === ended", 2 * SOON)
            .await;
        assert_eq!(heard(&page, "error").await.len(), 0);
        page.script("document.body.innerHTML = '<user-attributes loading=eager>my school</user-attributes>'")
            .await;
        shows(&page, ELEMENT, &["my school"]).await;
        assert_eq!(page.script("return workers - ended").await, 1);
    });
}
