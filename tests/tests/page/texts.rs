//! Unusual texts.

use serde_json::json;
use tests::{
    BUNDLE,
    browser::{SOON, Visit},
    predict, same,
};

use crate::{bundle, note};

#[test]
fn a_megabyte_can_be_pasted() {
    Visit::default().run(async |page| {
        page.ready().await;
        let line = "The train was late again and I read the whole way home. ";
        let post = line.repeat((1 << 20) / line.len() + 1);
        page.write(&post).await;
        page.settled(SOON).await;
        same(&page.shown().await, &[&post]);
        // The page still reads the next text.
        page.write("my wife").await;
        page.settled(SOON).await;
        same(&page.shown().await, &["my wife"]);
    });
}

#[test]
fn all_words_of_a_text_that_was_cut_off_were_said_to_be_read() {
    let model = bundle(|bundle| bundle.settings.max_words = 5);
    Visit::default().instead(BUNDLE, model).run(async |page| {
        page.ready().await;
        page.write("my school was so much fun").await;
        page.settled(SOON).await;
        let note = note(&page).await;
        assert!(
            note.starts_with("The model reads only the first 5 words. It knows 5 of them."),
            "{note}"
        );
    });
}

#[test]
fn texts_in_any_script_are_predicted() {
    let texts: [&[&str]; 4] = [
        &["אני אוהב את my school", "היום שמח"],
        &["انا احب the new server 👨‍👩‍👧‍👦", "مرحبا"],
        &["😀😃😄", "🎉"],
        &["Ἐν ἀρχῇ e\u{301}cole \u{202e}my wife\u{202c} \u{0}\u{feff} ok"],
    ];
    Visit::default().run(async move |page| {
        page.ready().await;
        for posts in texts {
            page.write(&posts.join("\n")).await;
            page.settled(SOON).await;
            let predicted = predict(posts);
            let note = note(&page).await;
            match predicted["known_words"].as_u64() {
                Some(0) => assert!(
                    note.contains("so there is no estimate"),
                    "{posts:?}: {note}"
                ),
                _ => {
                    let counts = format!(
                        "The model knows {} of {} words.",
                        predicted["known_words"], predicted["words"]
                    );
                    assert!(note.starts_with(&counts), "{posts:?}: {note}");
                    same(&page.shown().await, posts);
                }
            }
        }
    });
}

#[test]
fn html_is_text() {
    let post = "my <script>document.title = 'broken into'</script> school &amp; \
                <img src=x onerror=\"document.title = 'broken into'\">";
    Visit::default().run(async move |page| {
        page.ready().await;
        let title = page.client.title().await.expect("a title");
        page.write(post).await;
        page.settled(SOON).await;
        same(&page.shown().await, &[post]);
        assert_eq!(
            page.script("return document.querySelectorAll('#app img, #app script').length")
                .await,
            json!(0)
        );
        assert_eq!(page.client.title().await.expect("a title"), title);
    });
}
