//! After the first visit the page needs no network.

use tests::{
    BILINGUAL,
    browser::{Page, SERVICE_WORKER, SOON, Visit},
    same, same_by, site,
};

use crate::{TEXTS, announcement, array, bilingual, keeps, kept, string, text};

#[test]
fn a_second_visit_needs_no_network() {
    Visit::default().run(async |page| {
        page.ready().await;
        // All files that the page needs are kept.
        kept(&page).await;
        page.site.close();
        page.reload().await;
        page.until("return document.querySelector('fieldset') !== null", SOON)
            .await;
        page.choose("CPU").await;
        assert_eq!(page.ready().await, "Runs on the CPU.");
        for posts in TEXTS {
            page.write(&posts.join("\n")).await;
            page.settled(SOON).await;
            same(&page.shown().await, posts);
        }
        assert!(announcement(&page).await.contains("Gender: "));
        assert_eq!(
            page.client.title().await.expect("a title"),
            "What your writing gives away"
        );
    });
}

#[test]
fn a_second_visit_to_read_chinese_needs_no_network() {
    let post = "明天还有两门考试，书一页都没翻开";
    Visit::default().languages("zh-CN").run(async |page| {
        page.ready().await;
        kept(&page).await;
        let files = [
            "chinese.js",
            "chinese_bg.wasm",
            "dictionary/zh.front-coded.gz",
        ];
        let files = files.map(|file| format!("widget/{file}")).into_iter();
        keeps(&page, files.chain([BILINGUAL.into()]).collect()).await;
        page.site.close();
        page.reload().await;
        page.until("return document.querySelector('fieldset') !== null", SOON)
            .await;
        page.ready().await;
        page.write(post).await;
        page.settled(SOON).await;
        same_by(BILINGUAL, &page.shown().await, &[post]);
    });
}

#[test]
fn a_new_version_keeps_the_rare_files_that_this_visitor_has_used() {
    Visit::default().languages("zh-CN").run(async |page| {
        page.ready().await;
        kept(&page).await;
        let worker = String::from_utf8(site::read(SERVICE_WORKER)).expect("a script is text");
        let newer = worker.replacen("VERSION = \"", "VERSION = \"newer ", 1);
        page.site.put(SERVICE_WORKER, newer.into_bytes());
        page.script(
            "navigator.serviceWorker.getRegistration().then(registration => registration.update())",
        )
        .await;
        let script = format!(
            "return (async () => {{
                const name = (await caches.keys()).find(name => name.startsWith('page newer'));
                const kept = name ? await (await caches.open(name)).keys() : [];
                return kept.some(({{ url }}) => url.endsWith('{BILINGUAL}'));
            }})()"
        );
        page.until(&script, SOON).await;
    });
}

/// The service worker of an older version, whose bilingual model was another file.
fn older_worker() -> Vec<u8> {
    let worker = String::from_utf8(site::read(SERVICE_WORKER)).expect("a script is text");
    let worker = worker.replacen("VERSION = \"", "VERSION = \"older ", 1);
    let entry = format!("{BILINGUAL}\", \"sha256-");
    let (before, after) = worker.split_once(&entry).expect("it lists the model");
    format!("{before}{entry}AAAA{}", &after[4..]).into_bytes()
}

/// Lets the server have a new version, and waits until the page notices that it cannot get a file of its own version.
async fn overtaken(page: &Page) {
    page.ready().await;
    kept(page).await;
    page.site.put(SERVICE_WORKER, site::read(SERVICE_WORKER));
    page.press("中文").await;
    let offered = "return document.querySelector('.update [role=status]').innerText !== ''";
    page.until(offered, SOON).await;
    let why = "return document.querySelector('.running').innerText.includes('zh-en.safetensors')";
    page.until(why, SOON).await;
    page.press("English").await;
}

/// Waits until the new version shows the page, and loads the file that the old one could not get.
async fn recovered(page: &Page) {
    let renewed = "return (async () => {
        const names = await caches.keys();
        const is_new = !names.some(name => name.startsWith('page older'));
        return is_new && window.old === undefined && document.querySelector('fieldset') !== null;
    })()";
    page.until(renewed, SOON).await;
    page.ready().await;
    assert_eq!(text(page, "//div[contains(@class, 'update')]").await, "");
    page.press("中文").await;
    bilingual(page).await;
}

#[test]
fn a_tab_of_an_older_version_was_unable_to_load_files_even_when_it_was_reloaded() {
    for reload in [true, false] {
        let visit = Visit::default().instead(SERVICE_WORKER, older_worker());
        visit.run(async move |page| {
            overtaken(&page).await;
            page.script("window.old = true").await;
            if reload {
                page.reload().await;
            } else {
                page.press("Reload").await;
            }
            recovered(&page).await;
        });
    }
}

#[test]
fn the_typed_text_was_lost_when_a_new_version_was_started() {
    let visit = Visit::default().instead(SERVICE_WORKER, older_worker());
    visit.run(async |page| {
        overtaken(&page).await;
        let posts = TEXTS[1].join("\n");
        page.write(&posts).await;
        page.script("window.old = true").await;
        page.press("Reload").await;
        recovered(&page).await;
        let area = page.script("return document.querySelector('textarea').value");
        assert_eq!(area.await, posts);
        page.settled(SOON).await;
        same_by(BILINGUAL, &page.shown().await, TEXTS[1]);
        let stored = page.script("return sessionStorage.length");
        assert_eq!(stored.await, 0, "nothing stays behind");
        // Another reload is not the new version's, so the text goes as it always has.
        page.reload().await;
        page.ready().await;
        let area = page.script("return document.querySelector('textarea').value");
        assert_eq!(area.await, "");
    });
}

#[test]
fn a_text_that_the_tab_cannot_remember_was_lost_when_a_new_version_was_started() {
    let visit = Visit::default().instead(SERVICE_WORKER, older_worker());
    visit.run(async |page| {
        overtaken(&page).await;
        // As a text of more than five million letters does it.
        let fill = "let number = 0;
            for (let size = 2 ** 22; size >= 1; size /= 2) {
                try {
                    while (number < 200) sessionStorage.setItem(number++, 'x'.repeat(size));
                } catch {}
            }";
        page.script(fill).await;
        let posts = TEXTS[1].join("\n");
        page.write(&posts).await;
        page.script("window.old = true").await;
        page.press("Reload").await;
        let refused = "return document.querySelector('.update [role=status]').innerText.startsWith('The new version cannot keep')";
        page.until(refused, SOON).await;
        let stayed = page.script("return window.old && document.querySelector('textarea').value");
        assert_eq!(stayed.await, posts);
        page.script("sessionStorage.clear()").await;
        page.press("Reload").await;
        recovered(&page).await;
        let area = page.script("return document.querySelector('textarea').value");
        assert_eq!(area.await, posts);
    });
}

#[test]
fn a_new_version_leaves_other_tabs_alone_until_it_is_asked_for() {
    let visit = Visit::default().instead(SERVICE_WORKER, older_worker());
    visit.run(async |page| {
        overtaken(&page).await;
        let first = page.client.window().await.expect("a tab");
        let second = page.client.new_window(true).await.expect("another tab");
        (page.client.switch_to_window(second.handle).await).expect("it can be chosen");
        let address = page.site.url();
        page.client.goto(&address).await.expect("the page opens");
        page.ready().await;
        let offered = "return document.querySelector('.update [role=status]').innerText !== ''";
        page.until(offered, SOON).await;
        page.script("window.old = true").await;
        page.press("Reload").await;
        recovered(&page).await;
        // The first tab still shows the old version, and still offers the new one.
        (page.client.switch_to_window(first).await).expect("it can be chosen");
        page.until(offered, SOON).await;
        page.script("window.old = true").await;
        page.press("Reload").await;
        recovered(&page).await;
    });
}

#[test]
fn rare_files_are_not_kept_before_they_are_used() {
    Visit::default().run(async |page| {
        kept(&page).await;
        let script = "return (async () => {
            const [name] = await caches.keys();
            const kept = await (await caches.open(name)).keys();
            return kept.map(({ url }) => url.slice(document.baseURI.length));
        })()";
        let kept = page.script(script).await;
        let kept: Vec<String> = array(&kept).iter().cloned().map(string).collect();
        for needed in ["", "widget/worker_bg.wasm", tests::BUNDLE] {
            assert!(kept.iter().any(|file| file == needed), "{needed}: {kept:?}");
        }
        let seldom = [
            "gpu",
            "chinese",
            "en-single",
            "zh",
            "user-attributes",
            "element",
            "react",
            "embed",
        ];
        let kept: Vec<&String> = (kept.iter())
            .filter(|file| seldom.iter().any(|part| file.contains(part)))
            .collect();
        assert_eq!(kept, [""; 0]);
    });
}
