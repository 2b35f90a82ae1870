//! Archives of accounts and chats, as people hold them, are read in the page.

use std::io::{Cursor, Write};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tests::{
    browser::{Page, SOON, Visit},
    predict, predict_all, same,
};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    array, cells, string, text, with_script,
    writers::{done, status},
};

const TWEETS: &str = r#"window.YTD.tweets.part0 = [
  {"tweet": {"id_str": "3", "created_at": "Thu Oct 13 20:19:20 +0000 2022", "full_text": "The new server is up and the network works again."}},
  {"tweet": {"id_str": "2", "created_at": "Wed Oct 12 20:19:20 +0000 2022", "full_text": "RT @ann: hello"}},
  {"tweet": {"id_str": "1", "created_at": "Tue Oct 11 20:19:20 +0000 2022", "full_text": "My wife &amp; I had dinner at home."}}
]"#;
const POSTS: [&str; 2] = [
    "My wife & I had dinner at home.",
    "The new server is up and the network works again.",
];
const CHAT: &str = "1/4/23, 7:02 PM - Ann: my math teacher gave us so much homework today\n\
    1/4/23, 7:03 PM - Ben: the network is down again\n\
    1/4/23, 7:04 PM - Ann: LOVE this song!!!\n";

/// The archive of an X account, with a picture.
fn twitter() -> Vec<u8> {
    let account = r#"window.YTD.account.part0 = [ {"account": {"accountId": "11"}} ]"#;
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [
        ("data/account.js", account.as_bytes()),
        ("data/tweets.js", TWEETS.as_bytes()),
        ("data/tweets_media/1.jpg", b"\xFF\xD8\xFF\xE0\0"),
    ] {
        let options = SimpleFileOptions::default();
        archive.start_file(name, options).expect("a file is begun");
        archive.write_all(content).expect("a vector takes all");
    }
    archive.finish().expect("it is finished").into_inner()
}

/// The archive of a Mastodon account with these posts.
fn mastodon(posts: &[String]) -> Vec<u8> {
    let items = posts.iter().enumerate().map(|(number, post)| {
        json!({"id": number.to_string(), "type": "Create", "actor": "https://social.example/me",
            "published": format!("2023-01-01T10:00:{number:02}Z"), "object": {"content": format!("<p>{post}</p>")}})
    });
    let items: Vec<Value> = items.collect();
    let context = "https://www.w3.org/ns/activitystreams";
    let outbox = json!({"@context": context, "orderedItems": items}).to_string();
    let encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut archive = tar::Builder::new(encoder);
    for (name, content) in [
        ("outbox.json", outbox.as_bytes()),
        ("media/1.png", b"\x89PNG\r\n\0"),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        (archive.append_data(&mut header, name, content)).expect("a vector takes all");
    }
    let encoder = archive.into_inner().expect("it is finished");
    encoder.finish().expect("it is finished")
}

/// Drops a file of these parts, each the name of a variable of `script` or a list of bytes.
async fn drop(page: &Page, name: &str, script: &str, parts: &str) {
    let script = format!(
        "{script}
        const transfer = new DataTransfer();
        transfer.items.add(new File({parts}, '{name}'));
        const event = new DragEvent('drop', {{ bubbles: true, cancelable: true, dataTransfer: transfer }});
        document.querySelector('h1').dispatchEvent(event)"
    );
    page.script(&script).await;
}

async fn drop_bytes(page: &Page, name: &str, bytes: &[u8]) {
    let parts = format!("[new Uint8Array({})]", json!(bytes));
    drop(page, name, "", &parts).await;
}

/// Gives a file of one writer with several posts, and opens all that is shown of the writer.
pub async fn one_writer(page: &Page) {
    let user = json!({ "posts": ["my school", "my wife", "the new server", "my homework"] });
    page.give("one.json", user.to_string()).await;
    done(page, 1).await;
    predicted(page).await;
    page.open_details(".settling details").await;
    page.until(
        "return document.querySelector('.strongest .lists') !== null",
        SOON,
    )
    .await;
}

/// Waits until a writer is predicted from all posts.
async fn predicted(page: &Page) {
    let over = "return document.querySelector('.settling')?.getAttribute('aria-busy') === 'false'";
    page.until(over, SOON).await;
}

/// Waits until the estimate of a writer with so many posts has settled, and returns the cells of the first table of numbers.
async fn settled(page: &Page, posts: usize) -> Vec<Vec<String>> {
    predicted(page).await;
    page.open_details(".settles details").await;
    let table = "(//div[contains(@class, 'settles')])[1]//table";
    let rows = cells(page, table).await;
    assert_eq!(rows.last().expect("a row")[0], posts.to_string());
    rows
}

#[test]
fn a_dropped_x_archive_goes_straight_to_its_writer() {
    Visit::default().run(async |page| {
        page.ready().await;
        drop_bytes(&page, "twitter-2023.zip", &twitter()).await;
        done(&page, 1).await;
        let heading = text(&page, "//section[@aria-labelledby='file']/h2").await;
        assert_eq!(heading, "Writers in twitter-2023.zip");
        let notes = text(&page, "//section[@aria-labelledby='file']").await;
        assert!(
            notes.contains("read as twitter-archive") && notes.contains("left out: 1 repost"),
            "{notes}"
        );
        let rows = settled(&page, 2).await;
        assert_eq!(rows.len(), 3);
        assert_eq!(text(&page, "//h3[@id='one-writer']").await, "Writer 11");
        same(&page.shown().await, &POSTS);
        // The first row of the chart's numbers is about the first post alone.
        let first = predict(&POSTS[..1]);
        assert_eq!(rows[1][1], first["words"].to_string());
        let charts = page.script("return document.querySelectorAll('.settles svg').length");
        assert_eq!(charts.await, 3);
    });
}

#[test]
fn a_gigabyte_of_pictures_is_not_read() {
    Visit::default().run(async |page| {
        page.ready().await;
        let script = format!(
            "const pictures = new Blob([new Uint8Array(1 << 24)]);
            const zip = new Uint8Array({});",
            json!(twitter())
        );
        let parts = "[new Uint8Array([0x50, 0x4b, 3, 4]), ...Array(64).fill(pictures), zip]";
        drop(&page, "twitter.zip", &script, parts).await;
        done(&page, 1).await;
        settled(&page, 2).await;
        same(&page.shown().await, &POSTS);
    });
}

#[test]
fn the_writers_of_a_chat_are_chosen_from() {
    Visit::default().run(async |page| {
        page.ready().await;
        drop_bytes(&page, "WhatsApp Chat.txt", CHAT.as_bytes()).await;
        page.until(
            "return document.querySelector('[aria-labelledby=archive]') !== null",
            SOON,
        )
        .await;
        let rows = cells(&page, "//section[@aria-labelledby='archive']//table").await;
        assert_eq!(rows[0], ["Writer", "Posts", "Words"]);
        assert_eq!(rows[1..], [["Ann", "2", "12"], ["Ben", "1", "5"]]);

        page.press("Ben").await;
        page.focused("file").await;
        done(&page, 1).await;
        predicted(&page).await;
        same(&page.shown().await, &["the network is down again"]);

        page.press("Choose another writer").await;
        page.focused("archive").await;
        page.press("All 2 writers").await;
        page.focused("file").await;
        done(&page, 2).await;
        // One of them is looked at.
        page.press("Ann").await;
        let rows = settled(&page, 2).await;
        assert_eq!(rows.len(), 3);
        let ann = [
            "my math teacher gave us so much homework today",
            "LOVE this song!!!",
        ];
        same(&page.shown().await, &ann);
        page.focused("one-writer").await;
        page.press("Close").await;
        page.focused("writers").await;
        page.until("return document.querySelector('.settling') === null", SOON)
            .await;
        page.press("Back to the text").await;
        page.focused("posts").await;
        page.until(
            "return document.querySelector('[aria-labelledby=estimate]') !== null",
            SOON,
        )
        .await;
    });
}

#[test]
fn files_beside_a_chat_were_neither_in_the_heading_nor_on_the_button() {
    Visit::default().run(async |page| {
        page.ready().await;
        let users = "{\"text\": \"my school\"}\n".repeat(3);
        let files: [(&str, &[u8]); 2] = [
            ("chat.txt", CHAT.as_bytes()),
            ("users.jsonl", users.as_bytes()),
        ];
        page.give_all(&files).await;
        page.press("All writers of all files").await;
        done(&page, 5).await;
        let heading = "Writers in chat.txt and 1 more file";
        let shown = text(&page, "//section[@aria-labelledby='file']/h2").await;
        assert_eq!(shown, heading);
        page.press("Choose another writer").await;
        let shown = text(&page, "//section[@aria-labelledby='archive']/h2").await;
        assert_eq!(shown, heading);
    });
}

#[test]
fn the_estimate_of_a_mastodon_archive_settles() {
    let sentences = [
        "my math teacher gave us so much homework",
        "the new server is up again",
        "we had dinner at home",
        "this song is so good",
    ];
    let posts: Vec<String> = (0..40)
        .map(|number| sentences[number % sentences.len()].to_owned())
        .collect();
    Visit::default().run(async move |page| {
        page.ready().await;
        drop_bytes(&page, "archive.tar.gz", &mastodon(&posts)).await;
        done(&page, 1).await;
        let rows = settled(&page, 40).await;
        let steps: Vec<usize> = rows[1..]
            .iter()
            .map(|row| row[0].parse().expect("a number of posts"))
            .collect();
        assert!((9..=12).contains(&steps.len()) && steps.is_sorted(), "{steps:?}");
        let lines: String = steps
            .iter()
            .map(|step| format!("{}\n", json!({ "posts": posts[..*step] })))
            .collect();
        let predicted = predict_all(&lines);
        for (row, predicted) in rows[1..].iter().zip(&predicted) {
            assert_eq!(row[1], predicted["words"].to_string());
        }
        page.click("//summary[contains(., 'Which posts spoke most')]").await;
        page.until("return document.querySelectorAll('.strongest li').length > 0", SOON)
            .await;
        let listed = page
            .script("return [...document.querySelectorAll('.strongest li [dir]')].map(post => post.innerText)")
            .await;
        for post in array(&listed).iter().cloned().map(string) {
            assert!(posts.contains(&post), "{post}");
        }
        // The predictions are made anew for other base rates.
        page.click("//summary[normalize-space()='Who writes here?']").await;
        page.click("//label[contains(., 'As among the writers')]").await;
        done(&page, 1).await;
        settled(&page, 40).await;
    });
}

#[test]
fn a_telegram_export_is_read_by_writer() {
    let message = |from: &str, text: &str| json!({"type": "message", "date": "2023-01-01T10:00:00", "from": from, "from_id": from, "text": text});
    let export = json!({"name": "x", "type": "private_group", "id": 1, "messages": [
        message("user1", "my school"), message("user2", "my wife"), message("user1", "my mom"),
    ]});
    Visit::default().run(async move |page| {
        page.ready().await;
        page.give("result.json", export.to_string()).await;
        page.until(
            "return document.querySelector('[aria-labelledby=archive]') !== null",
            SOON,
        )
        .await;
        page.press("All 2 writers").await;
        done(&page, 2).await;
        let rows = cells(&page, "//section[@aria-labelledby='writers']//table").await;
        assert_eq!([&rows[1][0], &rows[2][0]], ["user1", "user2"]);
    });
}

#[test]
fn reading_a_large_file_can_be_cancelled() {
    Visit::default().run(async |page| {
        page.ready().await;
        let script = format!("const chat = new Blob([{}.repeat(10_000)]);", json!(CHAT));
        drop(&page, "chat.txt", &script, "Array(200).fill(chat)").await;
        let reading =
            "return /[1-9].* MB read/.test(document.querySelector('.reading')?.innerText ?? '')";
        page.until(reading, SOON).await;
        page.press("Cancel").await;
        page.focused("files").await;
        page.until("return document.querySelector('.reading') === null", SOON)
            .await;
        let opened = "return document.querySelector('[aria-labelledby=archive]') !== null
            || document.querySelector('[aria-labelledby=file]') !== null";
        assert_eq!(page.script(opened).await, false);
        page.give("one.txt", "my husband cooked dinner").await;
        done(&page, 1).await;
    });
}

#[test]
fn files_of_more_than_two_gigabytes_were_read_for_ever() {
    Visit::default().run(async |page| {
        page.ready().await;
        let script = "const text = new Blob(['my school\\n'.repeat(1 << 21)]);";
        drop(&page, "large.txt", script, "Array(110).fill(text)").await;
        let refused = "return document.querySelector('.choose + [role=status]').innerText
            .startsWith('Nothing was opened: together the files have more than 2 GiB')";
        page.until(refused, SOON).await;
        let reading = "return document.querySelector('.reading') === null";
        assert_eq!(page.script(reading).await, true);
        page.give("one.txt", "my husband cooked dinner").await;
        done(&page, 1).await;
    });
}

#[test]
fn a_dropped_folder_was_answered_with_an_exception() {
    // No script can make a folder for an event.
    let folder = "DataTransferItem.prototype.webkitGetAsEntry = () => ({ isDirectory: true });";
    with_script(folder).run(async |page| {
        page.ready().await;
        drop_bytes(&page, "archive", b"").await;
        let said = "return document.querySelector('.choose + [role=status]').innerText
            .startsWith('Nothing was opened: folders are not read')";
        page.until(said, SOON).await;
    });
}

#[test]
fn what_cannot_be_read_is_said() {
    Visit::default().run(async |page| {
        page.ready().await;
        for (name, bytes, what) in [
            ("cut.zip", &twitter()[..300], "a zip archive that cannot be read"),
            ("users.xz", b"\xFD7zXZ\0\0\x04", "packed with xz, which the page does not read; unpack it first, or use the command line"),
            ("users.parquet", b"PAR1\x15\x04", "a Parquet file"),
        ] {
            drop_bytes(&page, name, bytes).await;
            let heading = format!(
                "return document.querySelector('[aria-labelledby=file] h2')?.innerText.endsWith('{name}') ?? false"
            );
            page.until(&heading, SOON).await;
            let status = status(&page).await;
            assert!(status.contains(what), "{status}");
        }
    });
}

#[test]
fn files_are_read_without_the_reader_where_its_program_is_missing() {
    let visit = Visit::default().instead("reader/reader.js", b"throw new Error('gone')".to_vec());
    visit.run(async |page| {
        page.ready().await;
        page.give("writers.txt", "my school\nmy wife\n").await;
        done(&page, 2).await;
    });
}
