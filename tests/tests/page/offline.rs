//! After the first visit the page needs no network.

use tests::{
    BILINGUAL,
    browser::{SERVICE_WORKER, SOON, Visit},
    same, site,
};

use crate::{TEXTS, announcement, array, kept, string};

#[test]
fn a_second_visit_needs_no_network() {
    Visit::default().run(async |page| {
        page.ready().await;
        // All files that the page needs are kept.
        kept(&page).await;
        page.site.close();
        page.client
            .refresh()
            .await
            .expect("the page is loaded again");
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
        let seldom = ["gpu", "en-single", "zh", "user-attributes", "embed"];
        let kept: Vec<&String> = (kept.iter())
            .filter(|file| seldom.iter().any(|part| file.contains(part)))
            // A short script that fetches the program for WebGPU.
            .filter(|file| *file != "widget/fetch_gpu.js")
            .collect();
        assert_eq!(kept, [""; 0]);
    });
}
