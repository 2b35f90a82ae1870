//! The JavaScript API in a worker of the page's own.

use tests::browser::SOON;

use crate::{POSTS, page, predicts};

const READER: &str = "
    import { load } from './widget/index.js';

    const model = load();
    onmessage = async ({ data }) => {
        const [writer] = await (await model).predict([data]);
        postMessage(writer);
    };
";

#[test]
fn a_worker_of_the_page_predicts_like_the_command() {
    let visit = page("", "").instead("reader.js", READER.as_bytes().to_vec());
    visit.run(async |page| {
        let text = serde_json::to_string(&POSTS).expect("it is text");
        let ask = format!(
            "window.reader = new Worker('reader.js', {{ type: 'module' }});
            reader.onmessage = ({{ data }}) => window.writer = data;
            reader.onerror = ({{ message }}) => window.writer = {{ message }};
            reader.postMessage({text})"
        );
        page.script(&ask).await;
        page.until("return window.writer !== undefined", SOON).await;
        predicts(&page.script("return writer").await, &POSTS);
    });
}
