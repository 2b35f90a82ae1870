//! Takes the documentation's pictures of the built page:
//! `cargo run --release -p tests --example screenshots -- FOLDER`.

use std::path::PathBuf;

use tests::browser::{SOON, Visit};

fn main() {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: screenshots FOLDER");
        std::process::exit(2);
    };
    let wide = || Visit::default().flags(&["--window-size=1200,1100"]);
    let phone = || Visit::default().phone(390, 1500);
    for (device, visit) in [("wide", &wide as &dyn Fn() -> Visit), ("phone", &phone)] {
        for (theme, number) in [("light", 1), ("dark", 0)] {
            let file = folder.join(format!("page-{device}-{theme}.png"));
            let scheme = format!("--blink-settings=preferredColorScheme={number}");
            visit().flags(&[&scheme]).run(async move |page| {
                page.ready().await;
                let example = page
                    .find("//button[normalize-space()='Build server']")
                    .await;
                example.click().await.expect("the example can be clicked");
                page.settled(SOON).await;
                // The bars take a moment to grow.
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                let picture = page.client.screenshot().await.expect("a picture is taken");
                std::fs::write(&file, picture)
                    .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                println!("{}", file.display());
            });
        }
    }
}
