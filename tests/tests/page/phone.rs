//! The page on a narrow screen.

use tests::browser::{Page, SOON, Visit};

use crate::writers::done;

#[test]
fn a_phone_needs_no_sideways_scrolling() {
    for languages in ["en", "zh-CN"] {
        let visit = Visit::default().phone(320, 640).languages(languages);
        visit.run(async |page| {
            page.ready().await;
            fits(&page, "empty").await;
            let long = "a".repeat(300);
            page.write(&format!("my school was fun today {long}")).await;
            page.settled(SOON).await;
            page.script(
                "document.querySelectorAll('details').forEach(details => details.open = true)",
            )
            .await;
            page.until("return document.querySelector('.marked') !== null", SOON)
                .await;
            fits(&page, "with everything open").await;

            page.give(&format!("{long:.200}.txt"), "my school\nmy wife\n")
                .await;
            done(&page, 2).await;
            fits(&page, "with a table").await;
        });
    }
}

async fn fits(page: &Page, when: &str) {
    let width = page.script("return document.documentElement.scrollWidth");
    assert_eq!(width.await, 320, "{when}");
}
