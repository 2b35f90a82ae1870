//! Takes the pictures of docs/pictures.md, one of each state of the built page, and those of the README:
//! `cargo run --release -p tests --example screenshots -- FOLDER`.

use std::path::{Path, PathBuf};

use tests::{
    BUNDLE,
    browser::{Page, SOON, Visit},
};

fn main() {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: screenshots FOLDER");
        std::process::exit(2);
    };
    for (theme, number) in [("light", 1), ("dark", 0)] {
        let scheme = format!("--blink-settings=preferredColorScheme={number}");
        let visit = |device: &str| match device {
            "desk" => {
                Visit::default().flags(&["--window-size=1200,1180", "--hide-scrollbars", &scheme])
            }
            _ => Visit::default().flags(&[&scheme]).phone(390, 844),
        };
        for device in ["desk", "phone"] {
            let camera = Camera {
                folder: folder.clone(),
                kind: format!("{device}-{theme}"),
            };
            let of_failure = camera.clone();
            let of_chinese = camera.clone();
            visit(device).run(async move |page| states(&page, &camera).await);
            let in_chinese = visit(device).languages("zh-CN");
            in_chinese.run(async move |page| chinese(&page, &of_chinese).await);
            let broken = visit(device).instead(BUNDLE, b"no model".to_vec());
            broken.run(async move |page| {
                page.until("return document.querySelector('.failed') !== null", SOON)
                    .await;
                of_failure.take(&page, "failure", ".status").await;
            });
        }
    }
    readme(&folder);
}

/// The README's pictures: a result, one in the dark with its evidence, and the element in a foreign page.
fn readme(folder: &Path) {
    let [light, dark, embedded] =
        ["page.png", "page-dark.png", "widget.png"].map(|name| folder.join(name));
    // So many pixels are the window's own.
    let visit = |width: u32, height: u32, scheme: u32| {
        let size = format!("--window-size={width},{}", height + 139);
        let scheme = format!("--blink-settings=preferredColorScheme={scheme}");
        Visit::default().flags(&[&size, "--hide-scrollbars", &scheme])
    };
    visit(1280, 1000, 1).run(async move |page| {
        page.ready().await;
        page.press("Build server").await;
        page.settled(SOON).await;
        take(&page, "body", &light).await;
    });
    visit(1280, 1350, 0).run(async move |page| {
        page.ready().await;
        page.press("Exam week").await;
        page.settled(SOON).await;
        page.click("//summary[normalize-space()='Why?']").await;
        page.until("return document.querySelector('.marked') !== null", SOON)
            .await;
        take(&page, "body", &dark).await;
    });
    let visit = visit(900, 1500, 1).open("embed.html");
    visit.run(async move |page| {
        let shown = "document.querySelector('#estimate').shadowRoot.querySelector('details')";
        page.until(&format!("return {shown} !== null"), SOON).await;
        take(&page, "body", &embedded).await;
    });
}

/// Goes from one state of the page to the next.
async fn states(page: &Page, camera: &Camera) {
    page.ready().await;
    camera.take(page, "empty", "body").await;
    page.press("Build server").await;
    page.settled(SOON).await;
    camera.take(page, "result", ".result").await;
    page.click("//summary[normalize-space()='Why?']").await;
    page.until("return document.querySelector('.marked') !== null", SOON)
        .await;
    camera.take(page, "evidence", ".why").await;
    page.click("//footer//summary").await;
    camera.take(page, "card", "footer").await;
    page.click("//footer//summary").await;
    page.give("writers.csv", WRITERS).await;
    page.until(
        "return document.querySelectorAll('[aria-labelledby=writers] tbody tr').length === 6",
        SOON,
    )
    .await;
    camera.take(page, "writers", ".result").await;
}

/// The page in Chinese.
async fn chinese(page: &Page, camera: &Camera) {
    page.ready().await;
    page.press("服务器").await;
    page.settled(SOON).await;
    camera.take(page, "chinese", "body").await;
}

/// The folder of the pictures, and the device and theme in their names.
#[derive(Clone)]
struct Camera {
    folder: PathBuf,
    kind: String,
}

impl Camera {
    /// Takes a picture of a state, scrolled to an element.
    async fn take(&self, page: &Page, state: &str, element: &str) {
        let file = self.folder.join(format!("{state}-{}.png", self.kind));
        take(page, element, &file).await;
    }
}

/// Takes a picture of the page scrolled to an element, without a cursor and after all animations.
async fn take(page: &Page, element: &str, file: &Path) {
    let settle = format!(
        "window.getSelection().empty();
        document.activeElement.blur();
        document.querySelector('{element}').scrollIntoView();
        return Promise.all(document.getAnimations().map(({{ finished }}) => finished)).then(() => true)"
    );
    page.script(&settle).await;
    let picture = page.client.screenshot().await.expect("a picture is taken");
    std::fs::write(file, picture).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    println!("{}", file.display());
}

/// Made up.
const WRITERS: &str = "id,text
ann,\"ugh two finals tomorrow and i havent even opened my chem book, mom says no mall\"
ann,\"band practice was fun tho, jess and i laughed so hard\"
bertil,\"Spent the whole evening on the build server, the logs say nothing useful. My wife asks why.\"
chloe,\"Graded forty essays this weekend, the principal wants us to cover the whole book before the spring test.\"
דנה,\"my school was so boring today lol\"
emeka,\"The gallery opens on Friday and half of my canvases are still wet, I painted all night.\"
farid,\"The committee meets again on Monday about the budget of the district.\"
";
