//! The JavaScript interface sends work in the chunks that its worker asks for.

use serde_json::json;
use tests::{
    browser::LATE,
    chunks::{RECORD, are_as_wanted, chinese_posts},
};

use crate::page;

#[test]
fn the_chunks_of_predict_are_as_large_as_the_worker_asks() {
    let load = "<script src=\"record.js\"></script><script type=\"module\">
        import { load } from './widget/index.js';
        window.predict = async texts => { window.predictions = await (await load()).predict(texts) };
    </script>";
    let visit = page(load, "");
    let visit = visit.instead("record.js", RECORD.as_bytes().to_vec());
    visit.run(async |page| {
        let posts = chinese_posts();
        // Not awaited: promises of the page do not reach the driver of Firefox.
        page.script(&format!("predict({})", json!(posts))).await;
        let predicted = format!("return window.predictions?.length === {}", posts.len());
        page.until(&predicted, LATE).await;
        let lengths: Vec<usize> = posts.iter().map(|post| post.chars().count()).collect();
        are_as_wanted(&page, &lengths).await;
    });
}
