//! The JavaScript interface sends work in the chunks that its worker asks for.

use serde_json::json;
use tests::chunks::{RECORD, are_as_wanted, chinese_posts};

use crate::page;

#[test]
fn the_chunks_of_predict_are_as_large_as_the_worker_asks() {
    let visit = page("<script src=\"record.js\"></script>", "");
    let visit = visit.instead("record.js", RECORD.as_bytes().to_vec());
    visit.run(async |page| {
        let posts = chinese_posts();
        let script = "return (async texts => {
            const { load } = await import('./widget/index.js');
            const model = await load();
            return (await model.predict(texts)).length;
        })(arguments[0])";
        let predicted = page.client.execute(script, vec![json!(posts)]).await;
        assert_eq!(predicted.expect("it predicts"), posts.len());
        let lengths: Vec<usize> = posts.iter().map(|post| post.chars().count()).collect();
        are_as_wanted(&page, &lengths).await;
    });
}
