//! Workers and models are shared, loaded when needed, and freed.

use std::time::Duration;

use tests::browser::SOON;

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
