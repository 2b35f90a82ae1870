//! The page and the command line give the same predictions.

use tests::{
    browser::{LATE, SOON, Visit},
    driver::Need,
    same, same_on_gpu,
};

use crate::TEXTS;

#[test]
fn the_page_and_the_command_agree_on_the_cpu() {
    Visit::default().run(async |page| {
        page.choose("CPU").await;
        page.ready().await;
        for posts in TEXTS {
            page.write(&posts.join("\n")).await;
            page.settled(SOON).await;
            same(&page.shown().await, posts);
        }
    });
}

#[test]
fn the_page_and_the_command_agree_on_webgpu() {
    Visit::default().needs(Need::SoftwareGpu).run(async |page| {
        page.choose("WebGPU").await;
        let running = page.ready().await;
        assert!(running.starts_with("Runs on WebGPU: "), "{running}");
        assert!(running.contains("software"), "{running}");
        for posts in TEXTS {
            page.write(&posts.join("\n")).await;
            page.settled(LATE).await;
            assert_eq!(page.status().await, running, "no fall-back on the way");
            same_on_gpu(&page.shown().await, posts);
        }
    });
}
