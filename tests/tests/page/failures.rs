//! Failures are reported, and the page offers to try again.

use tests::{
    BUNDLE,
    browser::{SOON, Visit},
    same,
    site::{Delivery, read},
};

use crate::{TEXTS, bundle, damaged, failed, interface, note};

#[test]
fn a_damaged_model_is_named_and_loading_can_be_repeated() {
    Visit::default()
        .instead(BUNDLE, damaged())
        .run(async |page| {
            let status = failed(&page).await;
            assert!(
                status.contains("damaged") && status.contains("checksum"),
                "{status}"
            );
            page.site.put(BUNDLE, read(BUNDLE));
            page.press("Try again").await;
            page.ready().await;
            page.write(&TEXTS[0].join("\n")).await;
            page.settled(SOON).await;
            same(&page.shown().await, TEXTS[0]);
            let asked = page.site.requests();
            let models = asked.iter().filter(|path| path.ends_with(".safetensors"));
            assert_eq!(models.count(), 2, "it was fetched again");
        });
}

#[test]
fn a_connection_that_ends_halfway_is_reported_and_can_be_tried_again() {
    Visit::default()
        .deliver(BUNDLE, Delivery::Half)
        .run(async |page| {
            // Text that is typed meanwhile stays.
            page.write(&TEXTS[0].join("\n")).await;
            let status = failed(&page).await;
            assert!(
                status.contains("could not fetch") && status.contains("en.safetensors"),
                "{status}"
            );
            page.site.deliver(BUNDLE, Delivery::Whole);
            page.press("Try again").await;
            page.ready().await;
            page.settled(SOON).await;
            same(&page.shown().await, TEXTS[0]);
        });
}

#[test]
fn a_worker_that_cannot_start_is_not_waited_for() {
    for (path, bytes) in [
        ("widget/start_worker.js", "import './nowhere.js'".as_bytes()),
        ("widget/worker_bg.wasm", b"\0asm, but no program"),
    ] {
        let visit = Visit::default().instead(path, bytes.to_vec());
        visit.run(async |page| {
            failed(&page).await;
        });
    }
}

#[test]
fn no_screen_reader_announced_that_the_page_cannot_start() {
    let files = interface();
    let program = files.iter().find(|file| file.ends_with(".wasm"));
    let program = program.expect("the page has a program");
    let visit = Visit::default().instead(program, b"\0asm, but no program".to_vec());
    visit.open("").run(async |page| {
        let alert = "const alert = document.querySelector('#app > [role=alert]');
            return alert?.lang === 'en' && alert.innerText.startsWith('This page could not start')";
        page.until(alert, SOON).await;
    });
}

#[test]
fn a_program_for_chinese_that_does_not_start_is_named_and_can_be_tried_again() {
    let chinese = bundle(|bundle| bundle.settings.dictionary = true);
    for file in ["widget/chinese.js", "widget/chinese_bg.wasm"] {
        let visit = Visit::default().instead(BUNDLE, chinese.clone());
        let visit = visit.instead(file, b"\0asm, but no program".to_vec());
        visit.run(async move |page| {
            let status = failed(&page).await;
            assert!(
                status.contains("the program that segments Chinese does not start"),
                "{status}"
            );
            page.site.put(file, read(file));
            page.press("Try again").await;
            page.ready().await;
            page.write("今天天气很好").await;
            page.settled(SOON).await;
            assert!(note(&page).await.contains(" of 3 words."), "{file}");
        });
    }
}

#[test]
fn a_sandboxed_frame_said_for_ever_that_the_page_starts() {
    let host = "<!doctype html><iframe sandbox=allow-scripts src=./index.html width=900 height=700></iframe>";
    let visit = Visit::default().instead("host.html", host.into());
    // Without this the frame, whose origin is its own, may not even load the page's scripts.
    let visit = visit.add_header("access-control-allow-origin: *");
    visit.open("host.html").run(async |page| {
        (page.client.enter_frame(0).await).expect("the page has a frame");
        // WebKit runs no script there, so the words of the page itself must do.
        page.until(
            "const hint = document.querySelector('.stuck');
            return document.querySelector('fieldset') !== null
                || hint.innerText.includes('sandboxed frame') && getComputedStyle(hint).visibility === 'visible'",
            SOON,
        )
        .await;
        if page.script("return document.querySelector('fieldset') === null").await == true {
            return;
        }
        let status = failed(&page).await;
        assert!(status.contains("orker"), "{status}");
    });
}
