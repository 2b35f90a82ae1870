//! A link can contain the text.

use tests::{
    browser::{SOON, Visit},
    same,
};

use crate::{string, text, with_script};

/// A clipboard that the test can read, or one that the browser refuses.
fn with_clipboard(copies: bool) -> Visit {
    let copy = match copies {
        true => "window.copied = text",
        false => "throw new DOMException('no', 'NotAllowedError')",
    };
    with_script(&format!(
        "Object.defineProperty(Navigator.prototype, 'clipboard', {{
            get: () => ({{ writeText: async text => {{ {copy}; }} }}) }})"
    ))
}

#[test]
fn a_link_brings_the_text_back_and_no_server_sees_it() {
    with_clipboard(true).run(async |page| {
        page.ready().await;
        let posts = ["my school & #1 wife? 100% zoë 😀", "<b>so</b> boring"];
        page.write(&posts.join("\n")).await;
        page.settled(SOON).await;
        page.press("Copy a link with this text").await;
        let note = "//button[normalize-space()='Copy a link with this text']/following-sibling::*[@role='status']";
        let shown = "return document.querySelector('.actions [role=status]').innerText !== ''";
        page.until(shown, SOON).await;
        let status = text(&page, note).await;
        assert!(status.contains("can read it"), "{status}");
        let link = string(page.script("return copied").await);

        // Leaves the page first, because only the fragment of the address differs.
        page.client.goto("about:blank").await.expect("an empty page");
        page.client.goto(&link).await.expect("the page opens");
        page.until("return document.querySelector('fieldset') !== null", SOON)
            .await;
        page.ready().await;
        page.settled(SOON).await;
        let area = page.script("return document.querySelector('textarea').value");
        assert_eq!(area.await, posts.join("\n"));
        same(&page.shown().await, &posts);
        let asked = page.site.requests();
        assert!(!asked.iter().any(|path| path.contains("school")), "{asked:?}");

        // The note disappears when the text changes.
        page.press("Copy a link with this text").await;
        page.write("my wife").await;
        page.until("return document.querySelector('.actions [role=status]').innerText === ''", SOON)
            .await;
    });
}

#[test]
fn a_link_to_a_text_that_is_too_long_was_said_to_contain_it() {
    with_clipboard(true).run(async |page| {
        page.ready().await;
        // Nine bytes of the address for each letter make more than Firefox has in an address.
        page.write(&"好".repeat(120_000)).await;
        let before = string(page.script("return location.href").await);
        page.press("Copy a link with this text").await;
        let note = "return document.querySelector('.actions [role=status]').innerText";
        page.until(&format!("{note} !== ''"), SOON).await;
        let note = string(page.script(note).await);
        assert_eq!(note, "The text is too long for a link.");
        assert_eq!(string(page.script("return location.href").await), before);
        // A shorter text has a link.
        page.write("my wife").await;
        page.press("Copy a link with this text").await;
        let link = format!("return window.copied === {before:?} + '#text=my%20wife'");
        page.until(&link, SOON).await;
    });
}

#[test]
fn the_history_of_the_browser_kept_a_text_that_was_copied_as_a_link() {
    for copies in [true, false] {
        with_clipboard(copies).run(async move |page| {
            page.ready().await;
            let before = page.script("return [location.href, history.length]").await;
            page.write("my wife").await;
            page.press("Copy a link with this text").await;
            let said = "return document.querySelector('.actions [role=status]').innerText !== ''";
            page.until(said, SOON).await;
            let after = page.script("return [location.href, history.length]").await;
            assert_eq!(after, before);
            // What the browser does not copy is shown.
            let shown = "return document.querySelector('.link')?.value.endsWith('#text=my%20wife') ?? false";
            assert_eq!(page.script(shown).await, !copies);
        });
    }
}

#[test]
fn a_link_that_was_cut_off_within_a_character_had_no_text() {
    Visit::default()
        .open("#text=my%20wife%20%E5%A5")
        .run(async |page| {
            let area = "return document.querySelector('textarea')?.value === 'my wife \u{FFFD}'";
            page.until(area, SOON).await;
        });
}

#[test]
fn an_edit_removed_the_query_of_the_address_with_the_text() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.script("history.replaceState(null, '', '?x=1#text=tea')")
            .await;
        page.write("my wife").await;
        let address = page.script("return location.search + location.hash");
        assert_eq!(address.await, "?x=1");
    });
}

#[test]
fn a_link_that_was_opened_in_the_tab_of_the_page_was_ignored() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.write("my school was fun today").await;
        page.settled(SOON).await;
        page.script("window.same = true").await;
        let link = page.site.url() + "#text=my%20husband%0Acooked%20dinner";
        page.client.goto(&link).await.expect("the link opens");
        let area = "return document.querySelector('textarea').value";
        page.until(&format!("{area} === 'my husband\\ncooked dinner'"), SOON)
            .await;
        page.settled(SOON).await;
        same(&page.shown().await, &["my husband", "cooked dinner"]);
        assert_eq!(
            page.script("return window.same").await,
            true,
            "the same tab"
        );
    });
}
